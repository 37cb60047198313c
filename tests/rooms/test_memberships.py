"""Asking, waiting, being let in or not, going: what each person may do, and what they are shown."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from peerchat import sodium
from peerchat.accounts import account_logs, invites
from peerchat.accounts.models import Account, Invite
from peerchat.errors import ErrorCode
from peerchat.protocol import limits
from peerchat.protocol.signed import Action, GrantBody, InviteRole, RoomRole
from rooms import device_events, leaves, memberships, room_list
from rooms.models import GroupLeaf, LeafState, Membership, Standing
from tests.support.people import Person, Village, salt
from tests.support.rooms import OpenRoom, admit, code, code_of, leave, lock
from tests.support.time import HandClock


def standing(room: OpenRoom, person: Person) -> str | None:
    row = Membership.objects.filter(room_id=room.room_id, account_id=person.account_id).first()
    return row.standing if row else None


def events(person: Person) -> list[str]:
    items = device_events.events_after(person.device_id, 0).items
    return [item.what if item.kind == "room" else item.kind for item in items]


def waiting(room: OpenRoom, by: Person | None = None) -> list[UUID]:
    found = memberships.waiting_list(device=(by or room.leader).device, room_id=room.room_id)
    return [UUID(bytes=one.account.account_id) for one in found]


# --- asking -----------------------------------------------------------------------------------------


def test_an_invited_person_asks_and_the_leaders_devices_hear_of_it_once(room: OpenRoom) -> None:
    person = room.newcomer("Amal")
    room.asks(person)
    room.asks(person)
    assert waiting(room) == [person.account_id]
    assert events(room.leader) == ["waiting"]


def test_a_leader_sees_all_that_proves_who_knocks(room: OpenRoom, village: Village) -> None:
    person = room.newcomer("Amal")
    room.asks(person)
    (one,) = memberships.waiting_list(device=room.leader.device, room_id=room.room_id)
    account, invite = Account.objects.get(id=person.account_id), Invite.objects.get(used_by=person.account_id)
    assert one.account == account_logs.logs_of([person.account_id])[0]
    assert one.acceptance.body == bytes(account.acceptance_body)
    assert one.certificate == invites.certificate_of(invite)


def test_only_leaders_see_who_waits(room: OpenRoom, amal: Person) -> None:
    room.asks(room.newcomer("Binta"))
    assert code(waiting, room, by=amal) is ErrorCode.NO_POWER
    (row,) = room_list.rooms_seen_by(amal.device)
    assert row.waiting == 0
    (row,) = room_list.rooms_seen_by(room.leader.device)
    assert row.waiting == 1


def test_without_an_invite_there_is_no_room_to_ask_at(room: OpenRoom, village: Village) -> None:
    assert code(room.asks, village.join("Stranger")) is ErrorCode.NOT_FOUND


def test_asking_again_as_a_member_changes_nothing(room: OpenRoom, amal: Person) -> None:
    room.asks(amal)
    assert standing(room, amal) == Standing.MEMBER


def test_who_withdrew_waits_no_more_and_may_ask_again(room: OpenRoom) -> None:
    person = room.newcomer("Amal")
    room.asks(person)
    for _ in range(2):
        memberships.withdraw_request(device=person.device, room_id=room.room_id)
    assert waiting(room) == []
    assert room_list.rooms_seen_by(person.device)[0].standing == "invited"
    room.asks(person)
    assert waiting(room) == [person.account_id]


def test_withdrawing_does_not_end_a_membership(room: OpenRoom, amal: Person) -> None:
    memberships.withdraw_request(device=amal.device, room_id=room.room_id)
    assert standing(room, amal) == Standing.MEMBER


# --- asking by another link -----------------------------------------------------------------------------


def test_a_rooms_link_lets_someone_ask_who_signed_up_with_another(room: OpenRoom, village: Village) -> None:
    person = village.join("Amal")
    seed = village.invite(room_id=room.room_id)
    acceptance = room.acceptance(person, seed=seed)
    room.asks(person, acceptance=acceptance)
    room.asks(person, acceptance=acceptance)
    (one,) = memberships.waiting_list(device=room.leader.device, room_id=room.room_id)
    invite = Invite.objects.get(invite_hash=invites.invite_hash(sodium.public_key(seed=seed)))
    assert one.acceptance == acceptance
    assert one.certificate == invites.certificate_of(invite)
    assert not invites.live_invites().filter(id=invite.id).exists()


def test_a_shown_link_works_once(room: OpenRoom, village: Village) -> None:
    first, second = village.join("Amal"), village.join("Binta")
    seed = village.invite(room_id=room.room_id)
    room.asks(first, acceptance=room.acceptance(first, seed=seed))
    later = room.acceptance(second, seed=seed)
    assert code(room.asks, second, acceptance=later) is ErrorCode.INVITE_UNUSABLE
    assert waiting(room) == [first.account_id]


def test_who_withdrew_after_a_shown_link_may_ask_again(room: OpenRoom, village: Village) -> None:
    person = village.join("Amal")
    acceptance = room.acceptance(person, seed=village.invite(room_id=room.room_id))
    room.asks(person, acceptance=acceptance)
    memberships.withdraw_request(device=person.device, room_id=room.room_id)
    room.asks(person, acceptance=acceptance)
    assert waiting(room) == [person.account_id]


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("another room's", ErrorCode.INVITE_UNUSABLE),
        ("no room's", ErrorCode.INVITE_UNUSABLE),
        ("an old", ErrorCode.INVITE_UNUSABLE),
        ("a revoked", ErrorCode.INVITE_UNUSABLE),
        ("an unknown", ErrorCode.INVITE_UNUSABLE),
        ("another person's", ErrorCode.BAD_ENTRY),
        ("a forged", ErrorCode.BAD_SIGNATURE),
    ],
)
def test_a_link_that_does_not_fit_opens_nothing(
    room: OpenRoom,
    other_room: OpenRoom,
    village: Village,
    clock: HandClock,
    what: str,
    expected: ErrorCode,
) -> None:
    person = village.join("Amal")
    target = {"another room's": other_room.room_id, "no room's": None}.get(what, room.room_id)
    seed = village.invite(room_id=target, lifetime=timedelta(days=1))
    signer = village.join("Binta") if what == "another person's" else person
    if what == "an unknown":
        seed = sodium.random_bytes(32)
    acceptance = room.acceptance(signer, seed=seed)
    if what == "an old":
        clock.forward(days=2)
    if what == "a revoked":
        hash_ = invites.invite_hash(sodium.public_key(seed=seed))
        invites.revoke_invite(account_id=village.steward.account_id, hash_=hash_)
    if what == "a forged":
        acceptance = acceptance.model_copy(update={"signature": bytes(64)})
    assert code(room.asks, person, acceptance=acceptance) is expected
    assert standing(room, person) is None


# --- saying no ------------------------------------------------------------------------------------------


def test_a_declined_person_hears_of_it_and_may_ask_again(room: OpenRoom) -> None:
    person = room.newcomer("Amal")
    room.asks(person)
    for _ in range(2):
        memberships.decline(device=room.leader.device, room_id=room.room_id, account_id=person.account_id)
    assert waiting(room) == []
    assert events(person) == ["declined"]
    room.asks(person)
    assert waiting(room) == [person.account_id]


def test_only_leaders_decline_and_only_who_waits(room: OpenRoom, amal: Person) -> None:
    person = room.newcomer("Binta")
    room.asks(person)

    def decline(by: Person, who: Person) -> None:
        memberships.decline(device=by.device, room_id=room.room_id, account_id=who.account_id)

    assert code(decline, amal, person) is ErrorCode.NO_POWER
    assert code(decline, room.leader, amal) is ErrorCode.NOT_PENDING
    assert code(decline, room.leader, room.village.steward) is ErrorCode.NOT_PENDING
    assert standing(room, amal) == Standing.MEMBER


# --- being let in ---------------------------------------------------------------------------------------


def test_who_is_admitted_is_a_member_and_their_devices_are_to_be_added(room: OpenRoom) -> None:
    person = room.newcomer("Amal")
    room.asks(person)
    room.admits(person)
    assert standing(room, person) == Standing.MEMBER
    assert [one.device_id for one in leaves.pending_in(room.row).adds] == [person.keys.device_id]
    assert events(person) == ["admitted"]
    assert waiting(room) == []


def test_nobody_is_drawn_into_a_room(room: OpenRoom, village: Village) -> None:
    invited, stranger = room.newcomer("Amal"), village.join("Stranger")
    for person in (invited, stranger):
        assert code(room.admits, person) is ErrorCode.NOT_PENDING
        assert standing(room, person) is None
    assert room.row.log_index == 0


def test_who_left_comes_back_only_by_asking(room: OpenRoom, amal: Person) -> None:
    room.append(Action.LEAVE, leave(), by=amal)
    room.commit(removes=[amal])
    assert code(room.admits, amal) is ErrorCode.NOT_PENDING
    room.asks(amal)
    room.admits(amal)
    assert standing(room, amal) == Standing.MEMBER


def test_who_comes_back_waits_until_the_old_leaf_is_gone(room: OpenRoom, amal: Person) -> None:
    room.append(Action.LEAVE, leave(), by=amal)
    room.asks(amal)
    assert code(room.admits, amal) is ErrorCode.CONFLICT
    room.commit(removes=[amal])
    room.admits(amal)
    assert [one.device_id for one in leaves.pending_in(room.row).adds] == [amal.keys.device_id]


def test_a_removed_person_may_not_ask_but_a_leader_may_admit_them(room: OpenRoom, amal: Person) -> None:
    room.remove(amal)
    assert code(room.asks, amal) is ErrorCode.NOT_ALLOWED
    room.admits(amal)
    assert standing(room, amal) == Standing.MEMBER


def test_an_admit_under_another_identity_is_refused(room: OpenRoom, amal: Person) -> None:
    person = room.newcomer("Binta")
    room.asks(person)
    body = admit(person, identity_key=amal.keys.identity_key)
    assert code(room.append, Action.ADMIT, body) is ErrorCode.BAD_ENTRY
    assert standing(room, person) == Standing.WAITING


def test_nobody_is_admitted_to_a_locked_room_but_they_may_ask(room: OpenRoom) -> None:
    person = room.newcomer("Amal")
    room.append(Action.LOCK, lock(True))
    room.asks(person)
    assert code(room.admits, person) is ErrorCode.ROOM_LOCKED
    room.append(Action.LOCK, lock(False))
    room.admits(person)
    assert standing(room, person) == Standing.MEMBER


def test_a_full_room_admits_nobody(room: OpenRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ROOM_MEMBERS_MAX", 2)
    first, second = room.newcomer("Amal"), room.newcomer("Binta")
    for person in (first, second):
        room.asks(person)
    room.admits(first)
    assert code(room.admits, second) is ErrorCode.ROOM_FULL
    assert standing(room, second) == Standing.WAITING


# --- going ----------------------------------------------------------------------------------------------


def test_who_leaves_sees_nothing_more_and_their_leaf_is_to_be_removed(room: OpenRoom, amal: Person) -> None:
    room.append(Action.LEAVE, leave(), by=amal)
    assert memberships.rooms_of(amal.device) == []
    assert [one.device_id for one in leaves.pending_in(room.row).removes] == [amal.keys.device_id]
    assert code_of(room.post(amal)) is ErrorCode.NOT_FOUND


def test_who_leaves_before_being_added_is_not_added_any_more(room: OpenRoom) -> None:
    person = room.newcomer("Amal")
    room.asks(person)
    room.admits(person)
    bundle = room.bundle(adds=[person])
    room.append(Action.LEAVE, leave(), by=person)
    assert not GroupLeaf.objects.filter(device_id=person.device_id).exists()
    assert code(room.commit, bundle) is ErrorCode.NOT_PENDING


def test_a_welcome_that_was_not_fetched_is_dropped_with_the_membership(room: OpenRoom, amal: Person) -> None:
    assert events(amal) == ["admitted", "welcome"]
    room.append(Action.LEAVE, leave(), by=amal)
    assert events(amal) == []


def test_the_only_leader_cannot_leave_before_another_leads(room: OpenRoom) -> None:
    assert code(room.append, Action.LEAVE, leave()) is ErrorCode.BAD_ENTRY
    room.co_leader("Lena")
    room.append(Action.LEAVE, leave())
    assert standing(room, room.leader) == Standing.LEFT
    assert GroupLeaf.objects.get(device_id=room.leader.device_id).state == LeafState.PENDING_REMOVE


def test_an_uncertified_member_cannot_be_made_leader(room: OpenRoom, village: Village) -> None:
    person = village.join("Cora", role=InviteRole.COUNSELOR, room_id=room.room_id)
    room.asks(person)
    room.admits(person)
    body = GrantBody(salt=salt(), account_id=person.keys.account_id, room_role=RoomRole.LEADER)
    assert code(room.append, Action.GRANT, body) is ErrorCode.NO_POWER
