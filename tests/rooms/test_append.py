"""Every way into a room's log is one: judged, written and announced together, or not at all."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from peerchat import sodium
from peerchat.accounts import community
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol import limits
from peerchat.protocol.codec import decode_canonical
from peerchat.protocol.power_matrix import POWERS, CommitRule
from peerchat.protocol.signed import Action, CreateBody, Head, InviteRole, LogEntry, Role
from rooms import announce, append, opening, projection, reading, room_list, room_log
from rooms.hints import Hint
from rooms.models import Commit, GroupLeaf, LeafState, Membership, RoomEntry, Standing
from tests.support.people import Person, Village, salt
from tests.support.rooms import OpenRoom, admit, code, create_request, leave, lock, mute, remove, settings
from tests.support.time import HandClock

# --- opening ------------------------------------------------------------------------------------------


def test_a_certified_leader_opens_a_room_with_an_id_of_their_own(village: Village, leader: Person) -> None:
    room_id = sodium.random_bytes(16)
    request = create_request(leader, room_id=room_id)
    answers = {opening.open_room(device=leader.device, request=request).model_dump_json() for _ in range(2)}
    assert len(answers) == 1
    (row,) = room_list.rooms_seen_by(leader.device)
    assert (row.room_id, row.standing, row.role, row.in_group) == (room_id, "member", "leader", True)
    assert (row.last_seq, row.epoch, row.members, row.expiry_seconds) == (1, 0, 1, 86_400)


def test_nobody_else_opens_a_room(village: Village, leader: Person) -> None:
    for person in (village.steward, village.join("Amal"), village.join("Cora", role=InviteRole.COUNSELOR)):
        request = create_request(person)
        assert code(opening.open_room, device=person.device, request=request) is ErrorCode.NO_POWER
    village.revoke(leader, Role.LEADER)
    request = create_request(leader)
    assert code(opening.open_room, device=leader.device, request=request) is ErrorCode.NO_POWER


def test_a_room_is_not_opened_in_anothers_name(village: Village, leader: Person) -> None:
    other = village.join("Lena", role=InviteRole.LEADER)
    request = create_request(leader)
    assert code(opening.open_room, device=other.device, request=request) is ErrorCode.NO_POWER


def test_an_id_that_is_taken_is_a_conflict(room: OpenRoom, village: Village) -> None:
    other = village.join("Lena", role=InviteRole.LEADER)
    for request in (
        create_request(other, room_id=room.room_id.bytes),
        create_request(other, group_id=room.row.group_id.bytes),
    ):
        assert code(opening.open_room, device=other.device, request=request) is ErrorCode.CONFLICT
    assert room.row.log_index == 0


def test_a_wrong_clock_is_named(leader: Person, clock: HandClock) -> None:
    for off in (-limits.CLOCK_SKEW_MS - 1, limits.CLOCK_SKEW_MS + 1):
        request = create_request(leader, at=clock.ms + off)
        assert code(opening.open_room, device=leader.device, request=request) is ErrorCode.WRONG_CLOCK


def test_a_room_that_an_invite_named_before_it_was_there_is_seen_once_it_is(
    village: Village, leader: Person
) -> None:
    room_id = sodium.random_bytes(16)
    person = village.join("Amal", room_id=UUID(bytes=room_id))
    assert room_list.rooms_seen_by(person.device) == []
    room = OpenRoom.open(village, leader, room_id=room_id)
    (row,) = room_list.rooms_seen_by(person.device)
    assert (row.standing, row.name) == ("invited", "Tuesday")
    room.asks(person)
    room.admits(person)


# --- appending ----------------------------------------------------------------------------------------


def test_every_action_of_the_matrix_but_create_has_a_deed() -> None:
    assert append.registered() == set(POWERS) - {Action.CREATE}


def test_the_same_entry_again_gives_the_same_answer_and_changes_nothing(room: OpenRoom) -> None:
    signed = room.entry(Action.SETTINGS, settings(7_200))
    first = room.send_entry(signed)
    room.append(Action.SETTINGS, settings(3_600))
    assert room.send_entry(signed) == first
    assert (room.row.expiry_seconds, room.row.last_seq, room.row.log_index) == (3_600, 3, 2)


def test_a_leave_whose_answer_was_lost_can_be_sent_again(room: OpenRoom, amal: Person) -> None:
    signed = room.entry(Action.LEAVE, leave(), by=amal)
    assert room.send_entry(signed, by=amal) == room.send_entry(signed, by=amal)


def test_somebody_elses_entry_is_not_answered_as_ones_own(room: OpenRoom, amal: Person) -> None:
    signed = room.entry(Action.SETTINGS, settings(7_200))
    room.send_entry(signed)
    assert code(room.send_entry, signed, by=amal) is ErrorCode.NO_POWER


def test_two_leaders_entries_for_one_place_the_second_learns_the_next_index(room: OpenRoom) -> None:
    signed, late = (room.entry(Action.SETTINGS, settings(seconds)) for seconds in (7_200, 3_600))
    room.send_entry(signed)
    with pytest.raises(PeerChatError) as caught:
        room.send_entry(late)
    assert (caught.value.code, caught.value.http_status) == (ErrorCode.STALE_HEAD, 409)
    assert caught.value.details == {"index": 2}


def test_an_entry_of_another_room_is_refused(room: OpenRoom, other_room: OpenRoom) -> None:
    signed = other_room.entry(Action.SETTINGS, settings(7_200), by=room.leader)
    assert code(room.send_entry, signed) is ErrorCode.BAD_ENTRY
    assert code(other_room.send_entry, signed, by=room.leader) is ErrorCode.NOT_FOUND


def test_a_head_that_the_community_does_not_have_is_refused(room: OpenRoom) -> None:
    fork = Head(index=community.head().index, hash=bytes(32))
    ahead = Head(index=community.head().index + 1, hash=bytes(32))
    for head in (fork, ahead):
        assert code(room.append, Action.SETTINGS, settings(7_200), community_head=head) is ErrorCode.BAD_ENTRY


def test_powers_end_with_the_certification(room: OpenRoom, village: Village) -> None:
    before = community.head()
    village.revoke(room.leader, Role.LEADER)
    assert code(room.append, Action.LOCK, lock(True)) is ErrorCode.NO_POWER
    # Under a head from before the revocation the log's rules accept it; every client that knows more judges for itself.
    assert room.append(Action.LOCK, lock(True), community_head=before).index == 1


@pytest.mark.parametrize("action", [a for a, power in POWERS.items() if power.commit is CommitRule.REQUIRED])
def test_what_needs_a_commit_does_not_land_alone(room: OpenRoom, amal: Person, action: Action) -> None:
    body = remove(amal) if action is Action.REMOVE else mute(amal, True)
    assert code(room.append, action, body) is ErrorCode.COMMIT_NEEDED
    row = Membership.objects.get(room_id=room.room_id, account_id=amal.account_id)
    assert (row.standing, row.muted) == (Standing.MEMBER, False)


def test_what_needs_none_brings_none(room: OpenRoom) -> None:
    bundle = room.bundle(with_entry=True)
    assert code(room.append, Action.LOCK, lock(True), commit=bundle) is ErrorCode.MALFORMED


def test_an_entry_whose_commit_lost_leaves_nothing_behind(room: OpenRoom, amal: Person) -> None:
    before = room.row
    stale = room.bundle(removes=[amal], with_entry=True, epoch=before.epoch - 1)
    signed = room.entry(Action.REMOVE, remove(amal))
    with pytest.raises(PeerChatError) as caught:
        room.send_entry(signed, commit=stale)
    assert caught.value.details == {"epoch": before.epoch}
    after = room.row
    assert (after.last_seq, after.log_index, after.epoch) == (before.last_seq, before.log_index, before.epoch)
    assert Membership.objects.get(account_id=amal.account_id).standing == Standing.MEMBER
    assert GroupLeaf.objects.get(device_id=amal.device_id).state == LeafState.IN_GROUP
    # The same signed entry lands with a commit for the right epoch.
    room.send_entry(signed, commit=room.bundle(removes=[amal], with_entry=True))


def test_an_entry_stands_just_before_its_commit(room: OpenRoom, amal: Person) -> None:
    answer = room.remove(amal)
    commit = Commit.objects.order_by("-seq")[0]
    assert (answer.seq + 1, answer.epoch) == (commit.seq, room.row.epoch)


def test_nothing_is_announced_that_did_not_happen(
    room: OpenRoom, amal: Person, django_capture_on_commit_callbacks: Any
) -> None:
    heard: list[Hint] = []
    with announce.heard_by(heard.append):
        with django_capture_on_commit_callbacks(execute=True), pytest.raises(PeerChatError):
            room.append(Action.LOCK, lock(True), by=amal)
        assert heard == []
        with django_capture_on_commit_callbacks(execute=True):
            room.append(Action.LOCK, lock(True))
            assert heard == []
    whole = Hint()
    for hint in heard:
        whole = whole | hint
    assert whole.rooms == {room.room_id: room.row.last_seq}
    assert whole.refetch == {room.room_id}


def test_delivery_to_who_left_ends_at_once(
    room: OpenRoom, amal: Person, django_capture_on_commit_callbacks: Any
) -> None:
    heard: list[Hint] = []
    with announce.heard_by(heard.append), django_capture_on_commit_callbacks(execute=True):
        room.append(Action.LEAVE, leave(), by=amal)
    assert (amal.device_id, room.room_id) in {pair for hint in heard for pair in hint.ended}


# --- reading ------------------------------------------------------------------------------------------


def test_the_log_reads_as_it_was_sent_and_every_client_gets_the_same_state(
    room: OpenRoom, amal: Person, binta: Person
) -> None:
    room.mute(binta)
    room.remove(amal)
    room.append(Action.SETTINGS, settings(3_600))
    room.append(Action.LOCK, lock(True))
    entries, named = reading.log_from(room.row, 0)
    assert {amal.account_id, binta.account_id, room.leader.account_id} <= named
    state = room_log.replay(
        entries,
        room_id=room.room_id.bytes,
        community=projection.StoredCommunity(),
        accounts=community.account_state,
        verify=sodium.verify,
    )
    assert state == projection.state_of(room.row)
    tail, _ = reading.log_from(room.row, 3)
    assert tail == entries[3:]


def test_a_forged_entry_in_the_table_would_be_seen_by_every_client(room: OpenRoom, amal: Person) -> None:
    row = RoomEntry.objects.get(room_id=room.room_id, index=1)
    row.signature = bytes(64)
    row.save()
    entries, _ = reading.log_from(room.row, 0)
    with pytest.raises(PeerChatError):
        room_log.replay(
            entries,
            room_id=room.room_id.bytes,
            community=projection.StoredCommunity(),
            accounts=community.account_state,
            verify=sodium.verify,
        )


@pytest.mark.parametrize("what", ["entry", "body", "create"])
def test_bytes_that_are_not_what_they_say_are_malformed(room: OpenRoom, amal: Person, what: str) -> None:
    signed = room.entry(Action.LOCK, lock(True))
    if what == "entry":
        signed = signed.model_copy(update={"entry": signed.entry + b"\x00"})
    if what == "body":
        signed = room.entry(Action.LOCK, admit(amal))
    if what == "create":
        body = CreateBody(
            salt=salt(),
            group_id=sodium.random_bytes(16),
            identity_key=room.leader.keys.identity_key,
            expiry_seconds=3_600,
        )
        signed = room.entry(Action.CREATE, body)
    expected = ErrorCode.BAD_ENTRY if what == "create" else ErrorCode.MALFORMED
    assert code(room.send_entry, signed) is expected
    assert (
        decode_canonical(LogEntry, bytes(RoomEntry.objects.latest("index").entry)).index == room.row.log_index
    )
