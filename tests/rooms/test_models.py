"""Invariants that the database itself keeps, whatever code comes later."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Model

from peerchat.clock import now
from rooms import access
from rooms.models import Commit, DeviceEvent, GroupLeaf, Membership, RoomEntry
from tests.support.people import Person
from tests.support.rooms import OpenRoom


def refuses(row: Model, **change: Any) -> None:
    for name, value in change.items():
        setattr(row, name, value)
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


def refuses_copy(row: Model, **change: Any) -> None:
    row.pk = None
    row._state.adding = True
    refuses(row, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"standing": "ghost"},
        {"role": "owner"},
        {"identity_key": None},
        {"standing": "removed", "role": "leader"},
        {"standing": "left", "muted": True},
        {"standing": "waiting", "asked_at": None},
        {"acceptance_body": b"x"},
    ],
)
def test_a_membership_is_whole(room: OpenRoom, amal: Person, change: dict[str, Any]) -> None:
    refuses(Membership.objects.get(account_id=amal.account_id), **change)


def test_a_person_is_one_thing_to_a_room(room: OpenRoom, amal: Person) -> None:
    refuses_copy(Membership.objects.get(account_id=amal.account_id))
    refuses_copy(GroupLeaf.objects.get(device_id=amal.device_id))


@pytest.mark.parametrize(
    "change",
    [
        {"expiry_seconds": 3_599},
        {"expiry_seconds": 30 * 86_400 + 1},
        {"name": ""},
        {"floor": 99},
        {"commit_log_index": 99},
    ],
)
def test_a_room_is_within_bounds(room: OpenRoom, change: dict[str, Any]) -> None:
    refuses(access.rooms_named([room.room_id])[room.room_id], **change)


def test_each_epoch_seq_and_index_is_taken_once(room: OpenRoom, amal: Person) -> None:
    commit = Commit.objects.get(room_id=room.room_id)
    refuses_copy(Commit.objects.get(id=commit.id), seq=99, commit_hash=b"x")
    refuses_copy(Commit.objects.get(id=commit.id), epoch=99, commit_hash=b"x")
    refuses_copy(Commit.objects.get(id=commit.id), epoch=99, seq=99)
    entry = RoomEntry.objects.get(room_id=room.room_id, index=0)
    refuses_copy(RoomEntry.objects.get(id=entry.id), index=99, hash=b"x")
    refuses_copy(RoomEntry.objects.get(id=entry.id), seq=99, hash=b"x")


@pytest.mark.parametrize(
    "change", [{"payload": None}, {"epoch": None}, {"kind": "admitted"}, {"kind": "unknown", "payload": None}]
)
def test_an_event_is_whole(room: OpenRoom, amal: Person, change: dict[str, Any]) -> None:
    event = DeviceEvent.objects.get(device_id=amal.device_id, kind="welcome")
    refuses(event, **change)
    refuses_copy(DeviceEvent(device_id=amal.device_id, seq=event.seq, kind="welcome", created_at=now()))
