"""Commits: one for each epoch, for what is pending and nothing else, and the Welcome in the same transaction."""

from __future__ import annotations

from uuid import UUID

import pytest

from peerchat.accounts import community
from peerchat.accounts.models import Device
from peerchat.clock import now
from peerchat.errors import ErrorCode
from peerchat.protocol.signed import Action
from rooms import device_events, leaves
from rooms.models import Commit, GroupLeaf, LeafState
from tests.support.people import Person, Village
from tests.support.rooms import OpenRoom, code, leave, lock, mute, refusal, remove
from tests.support.time import HandClock


def admitted(room: OpenRoom, *names: str) -> list[Person]:
    people = [room.newcomer(name) for name in names]
    for person in people:
        room.asks(person)
        room.admits(person)
    return people


def state(person: Person) -> str | None:
    return GroupLeaf.objects.filter(device_id=person.device_id).values_list("state", flat=True).first()


# --- adding and removing ------------------------------------------------------------------------------


def test_one_commit_adds_everyone_who_waits_and_each_gets_the_welcome(room: OpenRoom) -> None:
    people = admitted(room, "Amal", "Binta")
    bundle = room.bundle(adds=people)
    answer = room.commit(bundle)
    assert (answer.epoch, answer.seq) == (1, room.row.last_seq)
    for person in people:
        welcome = device_events.events_after(person.device_id, 0).items[-1]
        assert welcome.kind == "welcome"
        assert (welcome.welcome, welcome.epoch, welcome.room_seq) == (bundle.welcome, 1, answer.seq)
        assert state(person) == LeafState.IN_GROUP
    assert leaves.pending_in(room.row).adds == []


def test_any_device_of_the_group_carries_it_out(room: OpenRoom, amal: Person) -> None:
    (binta,) = admitted(room, "Binta")
    room.commit(by=amal, adds=[binta])
    assert state(binta) == LeafState.IN_GROUP


def test_a_commit_adds_only_who_was_admitted(room: OpenRoom, amal: Person, village: Village) -> None:
    waiting, stranger = room.newcomer("Waiting"), village.join("Stranger")
    room.asks(waiting)
    for person in (waiting, stranger, amal):
        assert code(room.commit, adds=[person]) is ErrorCode.NOT_PENDING
    assert room.row.epoch == 1


def test_a_commit_removes_only_who_is_gone(room: OpenRoom, amal: Person, binta: Person) -> None:
    assert code(room.commit, by=amal, removes=[binta]) is ErrorCode.NOT_PENDING
    assert code(room.commit, by=amal, removes=[amal]) is ErrorCode.NOT_PENDING
    room.append(Action.LEAVE, leave(), by=binta)
    room.commit(by=amal, removes=[binta])
    assert state(binta) is None


def test_a_part_of_what_is_pending_may_be_done(room: OpenRoom) -> None:
    first, second = admitted(room, "Amal", "Binta")
    room.commit(adds=[first])
    assert [one.device_id for one in leaves.pending_in(room.row).adds] == [second.keys.device_id]


@pytest.mark.parametrize("what", ["twice", "both", "no welcome", "a welcome for nobody"])
def test_a_bundle_that_makes_no_sense_is_malformed(room: OpenRoom, what: str) -> None:
    (person,) = admitted(room, "Amal")
    bundle = {
        "twice": room.bundle(adds=[person, person]),
        "both": room.bundle(adds=[person], removes=[person]),
        "no welcome": room.bundle(adds=[person], welcome=None),
        "a welcome for nobody": room.bundle(welcome=b"hello"),
    }[what]
    assert code(room.commit, bundle) is ErrorCode.MALFORMED
    assert (room.row.epoch, state(person)) == (0, LeafState.PENDING_ADD)


# --- compare and swap -------------------------------------------------------------------------------------


def test_of_two_commits_for_one_epoch_one_wins_and_the_loser_learns_the_epoch(
    room: OpenRoom, amal: Person, binta: Person
) -> None:
    epoch = room.row.epoch
    ours, theirs = room.bundle(), room.bundle()
    room.commit(ours, by=amal)
    error = refusal(room.commit, theirs, by=binta)
    assert (error.code, error.http_status) == (ErrorCode.STALE_EPOCH, 409)
    assert error.details == {"epoch": epoch + 1}
    assert Commit.objects.filter(room_id=room.room_id, epoch=epoch).count() == 1


def test_an_epoch_that_is_not_there_yet_is_refused(room: OpenRoom) -> None:
    assert code(room.commit, room.bundle(epoch=1)) is ErrorCode.STALE_EPOCH


def test_the_same_bytes_again_give_the_same_answer(room: OpenRoom, amal: Person, binta: Person) -> None:
    bundle = room.bundle()
    first = room.commit(bundle, by=amal)
    room.commit(by=binta)
    assert room.commit(bundle, by=amal) == first
    assert Commit.objects.filter(commit=bundle.commit).count() == 1


def test_another_devices_bytes_are_no_retry(room: OpenRoom, amal: Person, binta: Person) -> None:
    bundle = room.bundle()
    room.commit(bundle, by=amal)
    assert code(room.commit, bundle, by=binta) is ErrorCode.STALE_EPOCH


# --- who may --------------------------------------------------------------------------------------------


def test_a_member_whose_device_was_not_added_yet_cannot_commit(room: OpenRoom) -> None:
    (person,) = admitted(room, "Amal")
    assert code(room.commit, by=person) is ErrorCode.NOT_ALLOWED


def test_a_device_under_removal_may_not_commit(room: OpenRoom, amal: Person, binta: Person) -> None:
    # By leaving: the room is closed to it. By its leaf alone (a revoked device): refused as well.
    room.append(Action.LEAVE, leave(), by=binta)
    assert code(room.commit, by=binta) is ErrorCode.NOT_FOUND
    GroupLeaf.objects.filter(device_id=amal.device_id).update(state=LeafState.PENDING_REMOVE)
    assert code(room.commit, by=amal, removes=[binta]) is ErrorCode.NOT_ALLOWED
    Device.objects.filter(id=amal.device_id).update(revoked_at=now())
    assert code(room.commit, by=amal) is ErrorCode.NOT_FOUND


def test_a_stranger_learns_nothing(room: OpenRoom, village: Village) -> None:
    assert code(room.commit, by=village.join("Stranger")) is ErrorCode.NOT_FOUND


# --- the header's heads -----------------------------------------------------------------------------------


def test_a_commit_must_know_the_entry_that_it_carries_out(room: OpenRoom) -> None:
    before = room.row.log_index
    (person,) = admitted(room, "Amal")
    error = refusal(room.commit, room.bundle(adds=[person], room_head=before))
    assert (error.code, error.details) == (ErrorCode.STALE_HEAD, {"index": before + 2})
    # A later entry that has nothing to do with it may be unknown: else busy leaders would starve every commit.
    bundle = room.bundle(adds=[person])
    room.append(Action.LOCK, lock(True))
    room.commit(bundle)
    assert state(person) == LeafState.IN_GROUP


def test_heads_never_go_back(room: OpenRoom, amal: Person) -> None:
    row = room.row
    back_in_the_room = room.bundle(room_head=row.log_index - 1)
    assert code(room.commit, back_in_the_room, by=amal) is ErrorCode.STALE_HEAD
    back_in_the_community = room.bundle(community_head=row.commit_community_index - 1)
    assert code(room.commit, back_in_the_community, by=amal) is ErrorCode.STALE_HEAD


def test_heads_that_are_not_there_are_refused(room: OpenRoom, amal: Person) -> None:
    for bundle in (
        room.bundle(room_head=room.row.log_index + 1),
        room.bundle(community_head=community.head().index + 1),
    ):
        assert code(room.commit, bundle, by=amal) is ErrorCode.BAD_ENTRY


def test_a_commit_names_the_entry_it_lands_with(room: OpenRoom, amal: Person) -> None:
    bundle = room.bundle(removes=[amal])
    assert code(room.append, Action.REMOVE, remove(amal), commit=bundle) is ErrorCode.BAD_ENTRY


# --- with an entry ----------------------------------------------------------------------------------------


def test_a_remove_takes_every_leaf_of_the_person_out(room: OpenRoom, amal: Person, binta: Person) -> None:
    bare = room.bundle(with_entry=True)
    assert code(room.append, Action.REMOVE, remove(amal), commit=bare) is ErrorCode.COMMIT_NEEDED
    other = room.bundle(removes=[binta], with_entry=True)
    assert code(room.append, Action.REMOVE, remove(amal), commit=other) is ErrorCode.NOT_PENDING
    both = room.bundle(removes=[amal, binta], with_entry=True)
    assert code(room.append, Action.REMOVE, remove(amal), commit=both) is ErrorCode.NOT_PENDING
    room.remove(amal)
    assert (state(amal), state(binta)) == (None, LeafState.IN_GROUP)


def test_a_remove_may_take_others_out_who_left(room: OpenRoom, amal: Person, binta: Person) -> None:
    room.append(Action.LEAVE, leave(), by=binta)
    both = room.bundle(removes=[amal, binta], with_entry=True)
    room.append(Action.REMOVE, remove(amal), commit=both)
    assert (state(amal), state(binta)) == (None, None)


def test_someone_who_was_never_added_is_removed_with_a_bare_path(room: OpenRoom) -> None:
    (person,) = admitted(room, "Amal")
    room.append(Action.REMOVE, remove(person), commit=room.bundle(with_entry=True))
    assert state(person) is None
    assert leaves.pending_in(room.row).adds == []


# --- bare paths -------------------------------------------------------------------------------------------


def test_a_joiners_first_path_is_free_and_the_next_waits_ten_minutes(
    room: OpenRoom, amal: Person, clock: HandClock
) -> None:
    room.commit(by=amal)
    room.commit(by=amal)
    error = refusal(room.commit, by=amal)
    assert (error.code, error.http_status) == (ErrorCode.RATE_LIMITED, 429)
    assert 0 < error.details["wait_ms"] <= 600_001
    clock.forward(minutes=10)
    room.commit(by=amal)


def test_the_limit_is_each_devices_own_and_does_not_hold_up_others_work(room: OpenRoom, amal: Person) -> None:
    room.commit()
    assert code(room.commit) is ErrorCode.RATE_LIMITED
    (person,) = admitted(room, "Binta")
    room.commit(adds=[person])
    room.append(Action.MUTE, mute(person, True), commit=room.bundle(with_entry=True))
    room.commit(by=amal)


def test_a_refused_path_costs_nothing(room: OpenRoom, amal: Person) -> None:
    room.commit(by=amal)
    assert code(room.commit, room.bundle(epoch=0), by=amal) is ErrorCode.STALE_EPOCH
    room.commit(by=amal)


# --- key packages -------------------------------------------------------------------------------------------


def claim(room: OpenRoom, *people: Person, by: Person | None = None) -> dict[bytes, bytes]:
    answer = leaves.claim_packages(
        device=(by or room.leader).device,
        room_id=room.room_id,
        device_ids=[person.device_id for person in people],
    )
    return {one.device_id: one.key_package for one in answer.key_packages}


def test_key_packages_are_handed_out_for_who_is_to_be_added_and_nobody_else(
    room: OpenRoom, amal: Person, village: Village
) -> None:
    first, second = admitted(room, "Binta", "Cleo")
    got = claim(room, first, second)
    assert set(got) == {first.keys.device_id, second.keys.device_id}
    assert claim(room, first, second) == got
    for person in (amal, village.join("Stranger"), room.newcomer("Waiting")):
        assert code(claim, room, person) is ErrorCode.NOT_PENDING
        assert code(claim, room, first, person) is ErrorCode.NOT_PENDING


def test_only_a_device_of_the_group_takes_key_packages(room: OpenRoom, village: Village) -> None:
    first, second = admitted(room, "Amal", "Binta")
    assert code(claim, room, second, by=first) is ErrorCode.NOT_ALLOWED
    assert code(claim, room, second, by=village.join("Stranger")) is ErrorCode.NOT_FOUND


def test_a_device_without_a_package_is_left_out(room: OpenRoom) -> None:
    person = room.newcomer("Amal", packages=0)
    room.asks(person)
    room.admits(person)
    assert claim(room, person) == {}


def test_twenty_five_join_by_one_commit(room: OpenRoom) -> None:
    people = admitted(room, *(f"Person {number}" for number in range(25)))
    pending = leaves.pending_in(room.row)
    assert [UUID(bytes=one.device_id) for one in pending.adds] == [one.device_id for one in people]
    room.commit(adds=people)
    assert room.row.epoch == 1
