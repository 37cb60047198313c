"""A leader's first powers: what each does at once, to whom, and that nobody else has them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from peerchat.errors import ErrorCode
from peerchat.protocol.signed import Action
from peerchat.protocol.types import WireModel
from rooms import announce, device_events, memberships, messages, projection
from rooms.hints import Hint
from rooms.models import GroupLeaf, Membership, Standing
from tests.support.people import Person
from tests.support.rooms import OpenRoom, code, code_of, hide, lock, mute, remove


@pytest.mark.parametrize("action", [Action.REMOVE, Action.MUTE, Action.HIDE, Action.LOCK])
def test_a_member_has_none_of_them(room: OpenRoom, amal: Person, binta: Person, action: Action) -> None:
    said = room.says(binta)
    body: WireModel = {
        Action.REMOVE: remove(binta),
        Action.MUTE: mute(binta, True),
        Action.HIDE: hide(said.message_id),
        Action.LOCK: lock(True),
    }[action]
    bundle = room.bundle(removes=[binta], with_entry=True) if action is Action.REMOVE else None
    assert code(room.append, action, body, by=amal, commit=bundle) is ErrorCode.NO_POWER
    assert code_of(room.post(binta)) is None


@pytest.mark.parametrize("action", [Action.REMOVE, Action.MUTE])
def test_they_are_not_for_use_against_another_leader(room: OpenRoom, action: Action) -> None:
    lena = room.co_leader("Lena")
    body: Any = remove(lena) if action is Action.REMOVE else mute(lena, True)
    bundle = room.bundle(removes=[lena] if action is Action.REMOVE else [], with_entry=True)
    assert code(room.append, action, body, commit=bundle) is ErrorCode.NO_POWER
    assert code(room.append, action, body, by=lena, commit=bundle) is ErrorCode.NO_POWER


def test_a_removed_person_gets_nothing_more_from_that_moment(
    room: OpenRoom, amal: Person, binta: Person, django_capture_on_commit_callbacks: Any
) -> None:
    heard: list[Hint] = []
    with announce.heard_by(heard.append), django_capture_on_commit_callbacks(execute=True):
        room.remove(amal)
    assert (amal.device_id, room.room_id) in {pair for hint in heard for pair in hint.ended}
    assert memberships.rooms_of(amal.device) == []
    assert code_of(room.post(amal)) is ErrorCode.NOT_FOUND
    assert not GroupLeaf.objects.filter(device_id=amal.device_id).exists()
    assert Membership.objects.get(account_id=amal.account_id).standing == Standing.REMOVED
    events = device_events.events_after(amal.device_id, 0).items
    assert [item.what for item in events if item.kind == "room"] == ["removed"]
    assert code_of(room.post(binta)) is None


def test_a_mute_parts_the_epochs_before_and_after(room: OpenRoom, amal: Person, binta: Person) -> None:
    epoch = room.row.epoch
    answer = room.mute(amal)
    assert answer.epoch == epoch + 1
    assert code_of(room.post(amal)) is ErrorCode.MUTED
    assert code_of(room.post(binta, epoch=epoch)) is ErrorCode.STALE_EPOCH
    # A muted person reads on, and stays in the group.
    assert [mark.room_id for mark in memberships.rooms_of(amal.device)] == [room.room_id.bytes]
    room.says(binta, b"hello")
    assert room.read() == [b"hello"]


def test_hiding_leaves_its_place_and_can_be_said_of_a_message_of_this_room_alone(
    room: OpenRoom, amal: Person, other_room: OpenRoom
) -> None:
    said = room.says(amal, b"words")
    room.append(Action.HIDE, hide(said.message_id))
    assert room.read() == [b"words"]
    elsewhere = other_room.says(other_room.leader)
    for message_id in (elsewhere.message_id, uuid4()):
        assert code(room.append, Action.HIDE, hide(message_id)) is ErrorCode.BAD_ENTRY
    assert messages.items_after(room.row, said.seq, 200).items[-1].kind == "entry"


def test_a_lock_holds_until_it_is_opened(room: OpenRoom, amal: Person) -> None:
    room.append(Action.LOCK, lock(True))
    assert code_of(room.post(amal)) is ErrorCode.ROOM_LOCKED
    assert projection.state_of(room.row).locked
    room.append(Action.LOCK, lock(False))
    assert code_of(room.post(amal)) is None
