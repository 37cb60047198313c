"""What the hub asks of the database."""

from __future__ import annotations

from uuid import UUID, uuid4

from peerchat.accounts.models import Device
from peerchat.clock import now
from rooms import hub_reads
from tests.support.people import Person
from tests.support.rooms import OpenRoom
from tests.support.time import HandClock


def rooms_seen(person: Person) -> set[UUID]:
    return {UUID(bytes=mark.room_id) for mark in hub_reads.device_view(person.device_id).rooms}


def test_a_member_sees_its_rooms_and_no_others(room: OpenRoom, other_room: OpenRoom, amal: Person) -> None:
    assert rooms_seen(amal) == {room.room_id}


def test_who_waits_sees_no_room(room: OpenRoom) -> None:
    person = room.newcomer("Waiting")
    room.asks(person)
    assert rooms_seen(person) == set()


def test_who_was_removed_sees_it_no_more(room: OpenRoom, amal: Person) -> None:
    room.remove(amal)
    assert rooms_seen(amal) == set()
    assert amal.account_id not in hub_reads.members_of([room.room_id])[room.room_id]


def test_a_revoked_device_sees_nothing(room: OpenRoom, amal: Person) -> None:
    Device.objects.filter(id=amal.device_id).update(revoked_at=now())
    assert rooms_seen(amal) == set()


def test_an_unknown_device_and_an_unknown_room_are_nothing(db: None) -> None:
    assert hub_reads.device_view(uuid4()).rooms == []
    assert hub_reads.room_items(uuid4(), 0) is None
    room_id = uuid4()
    assert hub_reads.members_of([room_id]) == {room_id: set()}


def test_items_are_what_a_pull_would_give(room: OpenRoom, amal: Person) -> None:
    before = room.row.last_seq
    room.says(amal, b"one")
    items = hub_reads.room_items(room.room_id, before)
    assert items is not None
    assert [item.kind for item in items.items] == ["message"]
    assert items.through == room.row.last_seq


def test_a_session_lives_until_it_ends_or_its_device_does(
    room: OpenRoom, amal: Person, clock: HandClock
) -> None:
    assert amal.opened is not None
    token = bytes(amal.opened.session.token_hash)
    assert hub_reads.live_sessions([token, b"other" * 6]) == {token}
    Device.objects.filter(id=amal.device_id).update(revoked_at=now())
    assert hub_reads.live_sessions([token]) == set()
    Device.objects.filter(id=amal.device_id).update(revoked_at=None)
    clock.forward(hours=13)
    assert hub_reads.live_sessions([token]) == set()
