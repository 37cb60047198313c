"""Who is on call when: turns in local time, over changes of the clocks, with overrides, and the gaps in between."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.oncall.rota import STEP_MS, Gap, Rota, Rotation, Stretch, gaps, moment_of, on_call

ADA, BEA, CLEO = (UUID(int=number) for number in (1, 2, 3))
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
HOUR = 3_600_000


def utc(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def weekly(zone: ZoneInfo = BERLIN, **change: object) -> Rotation:
    values: dict[str, object] = {
        "tier": 0,
        "zone": zone,
        "first_day": date(2027, 3, 22),
        "handoff": time(9),
        "turn_days": 7,
        "members": (ADA, BEA),
    }
    return Rotation(**(values | change))  # type: ignore[arg-type]  # as Rotation has them


def first_tier(rota: Rota, text: str) -> tuple[UUID, ...]:
    return on_call(rota, utc(text))[0]


def test_nobody_is_on_call_before_the_rota_begins_or_without_one() -> None:
    assert first_tier(Rota((weekly(),)), "2027-03-22T07:59") == ()
    assert on_call(Rota(), 0) == ((),)


def test_a_hand_over_stays_at_nine_when_the_clocks_go_forward_in_between() -> None:
    rota = Rota((weekly(),))
    # Berlin is an hour ahead of UTC until 28 March 2027, and two after.
    assert first_tier(rota, "2027-03-22T08:00") == (ADA,)
    assert first_tier(rota, "2027-03-29T06:59") == (ADA,)
    assert first_tier(rota, "2027-03-29T07:00") == (BEA,)
    assert first_tier(rota, "2027-04-05T07:00") == (ADA,)


def test_a_time_that_does_not_exist_is_the_moment_at_which_the_clocks_changed() -> None:
    assert moment_of(date(2027, 3, 28), time(2, 30), BERLIN) == utc("2027-03-28T01:00")
    assert moment_of(date(2027, 3, 14), time(2, 30), NEW_YORK) == utc("2027-03-14T07:00")


def test_a_time_that_exists_twice_is_the_first() -> None:
    assert moment_of(date(2027, 10, 31), time(2, 30), BERLIN) == utc("2027-10-31T00:30")


def test_hours_that_pass_midnight_are_local_hours() -> None:
    night = weekly(hours=(time(20), time(8)), members=(ADA,))
    rota = Rota((night,))
    assert first_tier(rota, "2027-03-23T18:59") == ()
    assert first_tier(rota, "2027-03-23T19:00") == (ADA,)
    assert first_tier(rota, "2027-03-24T06:59") == (ADA,)
    assert first_tier(rota, "2027-03-24T07:00") == ()


def test_layers_add_up_and_an_override_stands_alone() -> None:
    swap = Stretch(0, CLEO, utc("2027-03-23T00:00"), utc("2027-03-24T00:00"), replaces=True)
    extra = Stretch(0, CLEO, utc("2027-03-25T00:00"), utc("2027-03-26T00:00"))
    backup = weekly(tier=1, members=(CLEO,))
    rota = Rota((weekly(), weekly(members=(BEA,)), backup), (swap, extra))
    assert on_call(rota, utc("2027-03-22T12:00")) == ((ADA, BEA), (CLEO,))
    assert on_call(rota, utc("2027-03-23T12:00")) == ((CLEO,), (CLEO,))
    assert on_call(rota, utc("2027-03-25T12:00")) == ((ADA, BEA, CLEO), (CLEO,))


def test_gaps_are_found_where_nobody_is() -> None:
    rota = Rota((weekly(hours=(time(0), time(22)), members=(ADA,)),))
    start, end = utc("2027-03-23T12:00"), utc("2027-03-25T12:00")
    assert list(gaps(rota, starts=start, ends=end)) == [
        Gap(0, utc("2027-03-23T21:00"), utc("2027-03-23T23:00")),
        Gap(0, utc("2027-03-24T21:00"), utc("2027-03-24T23:00")),
    ]
    assert list(gaps(Rota(), starts=0, ends=4 * STEP_MS)) == [Gap(0, 0, 4 * STEP_MS)]


@given(
    st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo"]
    ),
    st.integers(utc("2027-01-01T10:00"), utc("2029-01-01T00:00")),
    st.times(),
    st.integers(1, 9),
)
def test_at_every_moment_exactly_one_has_the_turn_and_it_passes_on_in_order(
    zone: str, moment: int, handoff: time, turn_days: int
) -> None:
    layer = weekly(
        ZoneInfo(zone),
        first_day=date(2026, 12, 28),
        handoff=handoff.replace(second=0, microsecond=0, fold=0),
        turn_days=turn_days,
        members=(ADA, BEA, CLEO),
    )
    rota = Rota((layer,))
    ((now,),), ((later,),) = on_call(rota, moment), on_call(rota, moment + turn_days * 24 * HOUR + 2 * HOUR)
    order = layer.members
    assert later in (order[(order.index(now) + 1) % 3], order[(order.index(now) + 2) % 3])
    ((soon,),) = on_call(rota, moment + turn_days * 24 * HOUR - 2 * HOUR)
    assert soon in (now, order[(order.index(now) + 1) % 3])


def test_a_zone_that_does_not_exist_is_an_error_and_no_guess() -> None:
    with pytest.raises(KeyError):
        ZoneInfo("Mars/Olympus")
