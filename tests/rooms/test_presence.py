"""Who has which room open."""

from __future__ import annotations

from uuid import UUID, uuid4

from rooms.presence import LEASE_SECONDS, Mode, Presence

ROOM, OTHER = uuid4(), uuid4()
ANNA, BEA = UUID(int=1), UUID(int=2)
PHONE, LAPTOP, TABLET = uuid4(), uuid4(), uuid4()


def shown(presence: Presence, room_id: UUID = ROOM) -> list[tuple[UUID, str]]:
    return [(UUID(bytes=one.account_id), one.mode) for one in presence.present(room_id)]


def renew(presence: Presence, device: UUID, account: UUID, now: float, **rooms: Mode) -> set[UUID]:
    ids = {"room": ROOM, "other": OTHER}
    return presence.renew(
        device_id=device,
        account_id=account,
        rooms={ids[name]: mode for name, mode in rooms.items()},
        now=now,
    )


def test_a_lease_ends_by_itself_after_thirty_seconds() -> None:
    presence = Presence()
    assert renew(presence, PHONE, ANNA, 0.0, room="speaking") == {ROOM}
    assert presence.expire(now=LEASE_SECONDS - 0.1) == set()
    assert shown(presence) == [(ANNA, "speaking")]
    assert presence.expire(now=LEASE_SECONDS) == {ROOM}
    assert shown(presence) == []


def test_renewing_keeps_a_person_there_and_tells_nobody_anything_new() -> None:
    presence = Presence()
    renew(presence, PHONE, ANNA, 0.0, room="listening")
    assert renew(presence, PHONE, ANNA, 12.0, room="listening") == set()
    assert presence.expire(now=LEASE_SECONDS + 1) == set()
    assert shown(presence) == [(ANNA, "listening")]


def test_a_room_that_is_no_longer_named_is_left_at_once() -> None:
    presence = Presence()
    renew(presence, PHONE, ANNA, 0.0, room="speaking", other="listening")
    assert renew(presence, PHONE, ANNA, 1.0, other="listening") == {ROOM}
    assert shown(presence) == []
    assert shown(presence, OTHER) == [(ANNA, "listening")]


def test_a_person_with_two_devices_is_shown_once_and_speaks_if_either_does() -> None:
    presence = Presence()
    renew(presence, PHONE, ANNA, 0.0, room="listening")
    assert renew(presence, LAPTOP, ANNA, 0.0, room="speaking") == {ROOM}
    assert shown(presence) == [(ANNA, "speaking")]
    assert presence.end_device(LAPTOP) == {ROOM}
    assert shown(presence) == [(ANNA, "listening")]
    assert presence.is_speaking(device_id=PHONE, room_id=ROOM) is False


def test_the_order_of_people_tells_nothing_about_when_they_came() -> None:
    presence = Presence()
    renew(presence, TABLET, BEA, 0.0, room="speaking")
    renew(presence, PHONE, ANNA, 1.0, room="speaking")
    assert shown(presence) == [(ANNA, "speaking"), (BEA, "speaking")]


def test_access_that_ended_ends_the_lease_at_once() -> None:
    presence = Presence()
    renew(presence, PHONE, ANNA, 0.0, room="speaking")
    assert presence.end(device_id=PHONE, room_id=ROOM) == {ROOM}
    assert presence.end(device_id=PHONE, room_id=ROOM) == set()
    assert shown(presence) == []
