"""What a person is shown of rooms, and of the people in them: no more than their standing allows."""

from __future__ import annotations

from uuid import uuid4

from peerchat.accounts import account_logs, seams
from peerchat.accounts.models import Invite
from peerchat.protocol.http_bodies import RoomRow
from peerchat.protocol.signed import Action, Role
from rooms import memberships, room_list
from tests.support.people import Person, Village
from tests.support.rooms import OpenRoom, leave


def row(person: Person) -> RoomRow:
    (found,) = room_list.rooms_seen_by(person.device)
    return found


def sees(person: Person, other: Person) -> bool:
    return other.account_id in seams.rooms().sharing_a_room(
        account_id=person.account_id, others={other.account_id}
    )


def test_a_member_sees_the_room_as_it_stands(room: OpenRoom, amal: Person, binta: Person) -> None:
    room.asks(room.newcomer("Waiting"))
    seen = row(amal)
    assert (seen.standing, seen.role, seen.in_group, seen.members) == ("member", "member", True, 3)
    assert (seen.last_seq, seen.epoch, seen.waiting) == (room.row.last_seq, 2, 0)
    assert row(room.leader).waiting == 1


def test_a_leader_without_a_certification_sees_no_waiting_count(room: OpenRoom, village: Village) -> None:
    room.asks(room.newcomer("Waiting"))
    village.revoke(room.leader, Role.LEADER)
    assert row(room.leader).waiting == 0


def test_who_is_admitted_and_not_yet_added_is_told_so(room: OpenRoom) -> None:
    person = room.newcomer("Amal")
    room.asks(person)
    room.admits(person)
    assert (row(person).standing, row(person).in_group) == ("member", False)


def test_from_outside_nothing_shows_but_the_name(room: OpenRoom, amal: Person, binta: Person) -> None:
    invited, waiting, declined = (room.newcomer(name) for name in ("Invited", "Waiting", "Declined"))
    for person in (waiting, declined):
        room.asks(person)
    memberships.decline(device=room.leader.device, room_id=room.room_id, account_id=declined.account_id)
    room.append(Action.LEAVE, leave(), by=binta)
    room.remove(amal)
    expected = {invited: "invited", waiting: "waiting", declined: "declined", binta: "left", amal: "removed"}
    for person, standing in expected.items():
        seen = row(person)
        assert (seen.standing, seen.name) == (standing, "Tuesday")
        hidden = (
            seen.members,
            seen.waiting,
            seen.last_seq,
            seen.epoch,
            seen.in_group,
            seen.role,
            seen.locked,
        )
        assert hidden == (0, 0, 0, 0, False, None, False)


def test_a_room_that_an_invite_names_and_nobody_opened_is_not_listed(village: Village) -> None:
    assert room_list.rooms_seen_by(village.join("Amal", room_id=uuid4()).device) == []


def test_a_muted_member_is_told_so(room: OpenRoom, amal: Person, binta: Person) -> None:
    room.mute(amal)
    assert (row(amal).muted, row(binta).muted) == (True, False)


# --- whose account logs one may see -----------------------------------------------------------------------


def test_members_see_each_other_and_who_was_here(room: OpenRoom, amal: Person, binta: Person) -> None:
    assert sees(amal, binta)
    room.append(Action.LEAVE, leave(), by=binta)
    assert sees(amal, binta)
    assert not sees(binta, amal)


def test_who_was_removed_sees_nobody_any_more(room: OpenRoom, amal: Person, binta: Person) -> None:
    room.remove(amal)
    assert not sees(amal, binta)
    assert not sees(amal, room.leader)
    assert sees(binta, amal)


def test_who_waits_sees_the_leaders_and_only_leaders_see_who_waits(room: OpenRoom, amal: Person) -> None:
    person = room.newcomer("Binta")
    assert not sees(room.leader, person)
    room.asks(person)
    assert (sees(person, room.leader), sees(person, amal)) == (True, False)
    assert (sees(room.leader, person), sees(amal, person)) == (True, False)


def test_strangers_do_not_see_each_other(room: OpenRoom, amal: Person, village: Village) -> None:
    stranger = village.join("Stranger")
    logs = account_logs.visible_logs(
        asker=stranger.account_id, account_ids=[amal.account_id, stranger.account_id, uuid4()]
    )
    assert [log.account_id for log in logs] == [stranger.keys.account_id]


def test_a_leader_invites_into_the_room_they_lead_and_no_other(
    room: OpenRoom, other_room: OpenRoom, amal: Person
) -> None:
    answers = seams.rooms()
    assert answers.leads(account_id=room.leader.account_id, room_id=room.room_id)
    assert not answers.leads(account_id=room.leader.account_id, room_id=other_room.room_id)
    assert not answers.leads(account_id=amal.account_id, room_id=room.room_id)
    room.village.invite(room_id=room.room_id, inviter=room.leader)
    assert Invite.objects.filter(inviter=room.leader.account_id).count() == 1
    assert answers.room_name(room_id=room.room_id) == "Tuesday"
