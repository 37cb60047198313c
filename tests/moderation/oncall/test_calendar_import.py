"""A calendar's events become shifts, in their time zones and with their recurrences; strangers' events do not."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from moderation.oncall import rota
from moderation.oncall.calendar_import import CalendarWrong, Imported, import_calendar
from moderation.oncall.models import Shift
from moderation.oncall.stored_rota import load_rota
from tests.support.cases import Counselor, add_contact
from tests.support.time import HandClock

EVENTS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//EN
BEGIN:VEVENT
UID:1
DTSTAMP:20270101T000000Z
DTSTART;TZID=Europe/Berlin:20270322T090000
DTEND;TZID=Europe/Berlin:20270323T090000
RRULE:FREQ=WEEKLY;COUNT=3
SUMMARY:Ada
DESCRIPTION:her own words
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTAMP:20270101T000000Z
DTSTART:20270324T000000Z
DTEND:20270325T000000Z
SUMMARY:Nobody here
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n").encode()


def utc(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


NOW = utc("2027-03-20T00:00")


def test_events_become_shifts_at_their_local_hours(ada: Counselor) -> None:
    for _ in range(2):
        assert import_calendar(content=EVENTS, tier=0, source="a.ics", now=NOW) == Imported(3, 1)
    assert list(Shift.objects.order_by("starts_ms").values_list("account_id", "starts_ms", "ends_ms")) == [
        (ada.id, utc("2027-03-22T08:00"), utc("2027-03-23T08:00")),
        # The clocks went forward on 28 March.
        (ada.id, utc("2027-03-29T07:00"), utc("2027-03-30T07:00")),
        (ada.id, utc("2027-04-05T07:00"), utc("2027-04-06T07:00")),
    ]
    moment = utc("2027-03-29T12:00")
    assert rota.on_call(load_rota(around=moment), moment) == ((ada.id,),)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no calendar",
        EVENTS.replace(b"20270322T090000", b"20279922T090000"),
        b"BEGIN:VCALENDAR\r\n",
        b"x" * 10**7,
    ],
)
def test_a_file_that_is_no_calendar_changes_nothing(ada: Counselor, content: bytes) -> None:
    import_calendar(content=EVENTS, tier=0, source="a.ics", now=NOW)
    with pytest.raises(CalendarWrong):
        import_calendar(content=content, tier=0, source="a.ics", now=NOW)
    assert Shift.objects.count() == 3


def test_the_command_shows_gaps_and_says_when_nobody_can_be_paged(
    ada: Counselor, clock: HandClock, tmp_path: Path
) -> None:
    shown = StringIO()
    call_command("rota", "show", stdout=shown)
    assert "NOBODY can be paged" in shown.getvalue()
    assert "GAP tier 0" in shown.getvalue()
    add_contact(ada, "https://example.org/")
    shown = StringIO()
    call_command("rota", "add", "Ada", "--zone", "Asia/Kathmandu", "--first-day", "2020-01-01", stdout=shown)
    assert "tier 0: 1 verified contacts on call now" in shown.getvalue()
    assert "GAP" not in shown.getvalue()
    file = tmp_path / "a.ics"
    file.write_bytes(EVENTS)
    shown = StringIO()
    call_command("rota", "import", str(file), "--tier", "1", stdout=shown)
    assert "events named nobody" in shown.getvalue()
    with pytest.raises(CommandError):
        call_command("rota", "add", "Ada", "--zone", "Mars/Olympus", "--first-day", "2020-01-01")
    with pytest.raises(CommandError):
        call_command("rota", "add", "Nobody", "--zone", "UTC", "--first-day", "2020-01-01")
