"""One door to a room, and one answer at it for all who may not pass."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from peerchat.accounts.models import Device
from peerchat.clock import now
from peerchat.errors import ErrorCode
from peerchat.protocol.signed import Action, Role
from rooms import access
from rooms.models import Membership, Room, Standing
from tests.support.people import Person, Village
from tests.support.rooms import OpenRoom, code, leave, refusal

ROOT = Path(__file__).parents[2]
# Fetching by the manager, through a relation, or by a shortcut: all would pass by the door.
PAST_THE_DOOR = re.compile(
    r"\bRoom\.(_default_manager|_base_manager|objects)\b|\bRoom\.DoesNotExist\b|get_object_or_404\(\s*Room\b"
    r"|\bget_model\(|select_related\([^)]*\"room\"|(?<!draft)(?<!self)\.room\b(?![_(])"
)


def test_nothing_else_fetches_a_room() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("peerchat", "rooms", "moderation")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path != ROOT / "rooms/access.py" and "migrations" not in path.parts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if PAST_THE_DOOR.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "Room.objects.get(id=1)",
        "get_object_or_404(Room, id=1)",
        "message.room.name",
        'x.select_related("room")',
    ],
)
def test_the_search_would_find_another_door(line: str) -> None:
    assert PAST_THE_DOOR.search(line)


def test_a_member_passes_and_everyone_else_gets_one_answer(
    village: Village, room: OpenRoom, amal: Person
) -> None:
    assert access.room_for(amal.device, room.room_id).id == room.room_id
    stranger = village.join("Stranger")
    invited = room.newcomer("Invited")
    waiting = room.newcomer("Waiting")
    room.asks(waiting)
    answers = {
        (error.code, error.message, error.http_status, tuple(error.details))
        for error in (
            refusal(access.room_for, amal.device, uuid4()),
            refusal(access.room_for, stranger.device, room.room_id),
            refusal(access.room_for, invited.device, room.room_id),
            refusal(access.room_for, waiting.device, room.room_id),
            refusal(access.room_led_by, stranger.device, room.room_id),
            refusal(access.room_to_ask, stranger.device, room.room_id, shown_invite=None),
        )
    }
    assert len(answers) == 1
    assert next(iter(answers))[0] is ErrorCode.NOT_FOUND


def test_a_lock_looks_again_who_is_a_member(room: OpenRoom, amal: Person) -> None:
    with transaction.atomic():
        assert access.room_for(amal.device, room.room_id, lock=True).id == room.room_id
    room.append(Action.LEAVE, leave(), by=amal)
    with transaction.atomic():
        error = refusal(access.room_for, amal.device, room.room_id, lock=True)
    assert error.code is ErrorCode.NOT_FOUND


def test_a_revoked_device_of_a_member_does_not_pass(room: OpenRoom, amal: Person) -> None:
    device = amal.device
    Device.objects.filter(id=device.id).update(revoked_at=now())
    assert refusal(access.room_for, device, room.room_id).code is ErrorCode.NOT_FOUND


def test_another_accounts_device_id_does_not_help(room: OpenRoom, amal: Person, village: Village) -> None:
    stranger = village.join("Stranger")
    device = stranger.device
    device.account_id = amal.account_id
    assert refusal(access.room_for, device, room.room_id).code is ErrorCode.NOT_FOUND


def test_a_leader_leads_while_the_community_certifies_them(village: Village, room: OpenRoom) -> None:
    leader = room.leader
    assert access.room_led_by(leader.device, room.room_id).id == room.room_id
    village.revoke(leader, Role.LEADER)
    assert refusal(access.room_led_by, leader.device, room.room_id).code is ErrorCode.NO_POWER
    assert access.room_for(leader.device, room.room_id).id == room.room_id


def test_a_member_does_not_lead(room: OpenRoom, amal: Person) -> None:
    error = refusal(access.room_led_by, amal.device, room.room_id)
    assert (error.code, error.http_status) == (ErrorCode.NO_POWER, 403)


def test_who_leaves_while_another_waits_for_the_lock_does_not_pass(
    room: OpenRoom, amal: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = access._fetch

    def fetch_late(room_id: UUID, *, lock: bool) -> Room:
        Membership.objects.filter(account_id=amal.account_id).update(standing=Standing.LEFT)
        return fetch(room_id, lock=lock)

    monkeypatch.setattr(access, "_fetch", fetch_late)
    with transaction.atomic():
        assert code(access.room_for, amal.device, room.room_id, lock=True) is ErrorCode.NOT_FOUND
