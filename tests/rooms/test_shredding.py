"""The key of an hour dies when the hour is over, the rows follow, and nothing that was said can be read again."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as django_settings

from peerchat import clock as time
from peerchat import sodium
from peerchat.keyfile import key_file_at
from peerchat.protocol.signed import Action
from rooms import messages, retention, shredding
from rooms.models import Commit, DeviceEvent, Message, RoomEntry
from tests.support.people import Person
from tests.support.rooms import OpenRoom, settings
from tests.support.time import HandClock

HOUR_MS = 3_600_000


def to_the_hour(clock: HandClock) -> None:
    """Go to the start of the next hour."""
    clock.ms = -(-clock.ms // HOUR_MS) * HOUR_MS


def keep(clock: HandClock) -> retention.Erased:
    shredding.destroy_due(time.now())
    return retention.erase_expired(time.now())


@pytest.mark.parametrize(
    ("off_ms", "hours"), [(0, 0), (1, 1), (HOUR_MS - 1, 1), (HOUR_MS, 1), (HOUR_MS + 1, 2)]
)
def test_a_bucket_is_the_hour_at_whose_start_all_its_messages_have_ended(off_ms: int, hours: int) -> None:
    assert shredding.bucket_of(500_000 * HOUR_MS + off_ms) == 500_000 + hours


def test_a_row_opens_in_its_own_place_alone(room: OpenRoom, amal: Person) -> None:
    said = room.says(amal, b"plain")
    row = Message.objects.get(seq=said.seq, room_id=room.room_id)
    assert b"plain" not in bytes(row.wrapped)
    place: dict[str, Any] = {"room_id": row.room_id, "seq": row.seq, "message_id": row.message_id}
    key = shredding.hour_key(row.bucket_hour)
    assert shredding.unwrap(key=key, wrapped=bytes(row.wrapped), **place) == b"plain"
    other = room.leader.account_id
    for change in ({"room_id": other}, {"seq": row.seq + 1}, {"message_id": other}):
        with pytest.raises(sodium.OpenFailed):
            shredding.unwrap(key=key, wrapped=bytes(row.wrapped), **{**place, **change})


def test_a_row_that_was_moved_is_not_read_as_something_else(room: OpenRoom, amal: Person) -> None:
    first, second = room.says(amal, b"one"), room.says(amal, b"two")
    one, two = (Message.objects.get(room_id=room.room_id, seq=said.seq) for said in (first, second))
    one.wrapped, two.wrapped = two.wrapped, one.wrapped
    one.save()
    two.save()
    with pytest.raises(sodium.OpenFailed):
        room.read()


def test_keys_live_until_their_hour_is_over_and_not_longer(
    room: OpenRoom, amal: Person, clock: HandClock
) -> None:
    to_the_hour(clock)
    clock.forward(minutes=20)
    room.append(Action.SETTINGS, settings(3_600))
    said = room.says(amal, b"an hour")
    row = Message.objects.get(seq=said.seq, room_id=room.room_id)
    name = f"hour:{row.bucket_hour}"
    file = key_file_at(django_settings.PEERCHAT.key_file)
    key = file.get(name)
    assert key is not None
    clock.forward(hours=1)
    assert room.read() == []
    keep(clock)
    assert file.get(name) == key
    clock.forward(minutes=39, seconds=59, milliseconds=999)
    keep(clock)
    assert file.get(name) == key
    clock.forward(milliseconds=1)
    keep(clock)
    assert file.get(name) is None
    assert key not in django_settings.PEERCHAT.key_file.read_bytes()
    assert not Message.objects.filter(id=row.id).exists()


def test_without_its_key_a_row_says_nothing_even_before_it_is_deleted(
    room: OpenRoom, amal: Person, clock: HandClock
) -> None:
    said = room.says(amal, b"gone")
    row = Message.objects.get(seq=said.seq, room_id=room.room_id)
    # As where the clock of the reader is behind: the row is live, its key is not.
    key_file_at(django_settings.PEERCHAT.key_file).destroy(f"hour:{row.bucket_hour}")
    assert room.read() == []
    assert messages.items_after(room.row, said.seq - 1, 200).through == said.seq


def test_other_keys_in_the_file_are_left_alone(clock: HandClock, db: None) -> None:
    file = key_file_at(django_settings.PEERCHAT.key_file)
    share = file.get_or_create("pin:0123")
    later = shredding.last_bucket_over(time.now()) + 1
    key = shredding.hour_key(later)
    shredding.hour_key(later - 1)
    assert shredding.destroy_due(time.now()) >= 1
    assert (file.get("pin:0123"), file.get(f"hour:{later}")) == (share, key)
    assert file.get(f"hour:{later - 1}") is None
    file.destroy("pin:0123")


# --- rows ---------------------------------------------------------------------------------------------


def test_erasing_twice_is_erasing_once(room: OpenRoom, amal: Person, clock: HandClock) -> None:
    for _ in range(3):
        room.says(amal)
    clock.forward(hours=26)
    assert keep(clock).messages == 3
    assert keep(clock).messages == 0


def test_a_pull_over_erased_seqs_shows_no_gap(room: OpenRoom, amal: Person, clock: HandClock) -> None:
    room.append(Action.SETTINGS, settings(3_600))
    first = room.says(amal, b"short")
    room.append(Action.SETTINGS, settings(86_400))
    room.says(amal, b"long")
    clock.forward(hours=3)
    keep(clock)
    answer = messages.items_after(room.row, first.seq - 1, 200)
    assert [item.seq for item in answer.items] == [first.seq + 1, first.seq + 2]
    assert (answer.through, answer.floor) == (room.row.last_seq, 1 if room.row.floor else 0)


def test_the_floor_follows_what_is_left_and_never_falls(
    room: OpenRoom, amal: Person, clock: HandClock
) -> None:
    room.append(Action.SETTINGS, settings(3_600))
    room.says(amal)
    last = room.row.last_seq
    clock.forward(days=29)
    keep(clock)
    # Commits and young entries are still there: a phone that slept 29 days can follow.
    assert room.row.floor <= 1
    assert messages.items_after(room.row, 0, 200).items[0].seq == 1
    clock.forward(days=2)
    keep(clock)
    assert room.row.floor == last + 1
    answer = messages.items_after(room.row, 0, 200)
    assert (answer.floor, answer.through) == (last + 1, last)
    assert {item.kind for item in answer.items} == {"entry"}
    room.says(amal, b"new")
    keep(clock)
    assert room.row.floor == last + 1
    assert room.read() == [b"new"]


def test_the_log_is_kept_as_long_as_the_room(room: OpenRoom, amal: Person, clock: HandClock) -> None:
    entries = RoomEntry.objects.filter(room_id=room.room_id).count()
    clock.forward(days=400)
    keep(clock)
    assert RoomEntry.objects.filter(room_id=room.room_id).count() == entries
    assert not Commit.objects.filter(room_id=room.room_id).exists()


def test_events_that_no_one_fetched_for_a_month_go(room: OpenRoom, amal: Person, clock: HandClock) -> None:
    assert DeviceEvent.objects.filter(device_id=amal.device_id).exists()
    clock.forward(days=29)
    keep(clock)
    assert DeviceEvent.objects.filter(device_id=amal.device_id).exists()
    clock.forward(days=2)
    keep(clock)
    assert not DeviceEvent.objects.filter(device_id=amal.device_id).exists()


def test_what_is_young_is_not_touched(room: OpenRoom, amal: Person, clock: HandClock) -> None:
    room.says(amal, b"kept")
    clock.forward(hours=23)
    erased = keep(clock)
    assert (erased.messages, erased.commits) == (0, 0)
    assert room.read() == [b"kept"]
