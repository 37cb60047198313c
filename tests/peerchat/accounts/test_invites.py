"""Invites: who may make one, for what, and for how long."""

from datetime import timedelta
from uuid import uuid4

import pytest

from peerchat import clock, sodium
from peerchat.accounts import invites
from peerchat.accounts.models import Invite
from peerchat.accounts.new_account import sign_statement
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.signed import InviteCertificate, InviteRole, Label, Role, SignedStatement
from tests.peerchat.accounts.conftest import Rooms
from tests.support.people import Person, Village

ROOM = uuid4()


def make(village: Village, by: Person, certificate: SignedStatement) -> ErrorCode | None:
    before = Invite.objects.count()
    try:
        invites.create_invite(inviter=by.device, certificate=certificate)
    except PeerChatError as error:
        assert Invite.objects.count() == before
        return error.code
    return None


def hash_of(seed: bytes) -> bytes:
    return invites.invite_hash(sodium.public_key(seed=seed))


@pytest.mark.parametrize("role", list(InviteRole))
def test_a_steward_invites_for_anything(village: Village, role: InviteRole) -> None:
    seed = village.invite(role=role, room_id=ROOM)
    look = invites.look_at_invite(invite_key=sodium.public_key(seed=seed))
    assert (look.role, look.room_id) == (role, ROOM.bytes)
    assert look.certificate is not None


def test_a_leader_invites_members_into_a_room_that_it_leads_and_no_further(
    village: Village, rooms: Rooms
) -> None:
    lee = village.join("Lee", role=InviteRole.LEADER)
    rooms.led.add((lee.account_id, ROOM))

    def attempt(role: InviteRole, room: object) -> ErrorCode | None:
        certificate = village.certificate(
            seed=sodium.random_bytes(32),
            inviter=lee,
            role=role,
            room_id=room,  # type: ignore[arg-type]  # a UUID or None
        )
        return make(village, lee, certificate)

    assert attempt(InviteRole.MEMBER, ROOM) is None
    assert attempt(InviteRole.MEMBER, uuid4()) is ErrorCode.NOT_ALLOWED
    assert attempt(InviteRole.MEMBER, None) is ErrorCode.NOT_ALLOWED
    for role in (InviteRole.LEADER, InviteRole.STEWARD, InviteRole.COUNSELOR):
        assert attempt(role, ROOM) is ErrorCode.NOT_ALLOWED
    village.revoke(lee, Role.LEADER)
    assert attempt(InviteRole.MEMBER, ROOM) is ErrorCode.NOT_ALLOWED


@pytest.mark.parametrize("role", [InviteRole.MEMBER, InviteRole.COUNSELOR])
def test_members_and_counselors_invite_nobody(village: Village, rooms: Rooms, role: InviteRole) -> None:
    mo = village.join("Mo", role=role)
    rooms.led.add((mo.account_id, ROOM))
    certificate = village.certificate(seed=sodium.random_bytes(32), inviter=mo, room_id=ROOM)
    assert make(village, mo, certificate) is ErrorCode.NOT_ALLOWED


def test_a_role_that_does_not_count_yet_invites_nobody(slow_village: Village) -> None:
    sue = slow_village.join("Sue", role=InviteRole.STEWARD)
    certificate = slow_village.certificate(seed=sodium.random_bytes(32), inviter=sue)
    assert make(slow_village, sue, certificate) is ErrorCode.NOT_ALLOWED


def test_an_invite_is_signed_by_the_device_that_brings_it(village: Village) -> None:
    mo, seed = village.join("Mo"), sodium.random_bytes(32)
    by_steward = village.certificate(seed=seed, inviter=village.steward)
    assert make(village, mo, by_steward) is ErrorCode.BAD_ENTRY
    forged = by_steward.model_copy(update={"signature": bytes(64)})
    assert make(village, village.steward, forged) is ErrorCode.BAD_SIGNATURE


@pytest.mark.parametrize(
    "lifetime", [timedelta(days=30, minutes=1), timedelta(0), timedelta(days=-1), timedelta(days=4_000)]
)
def test_an_invite_lives_for_thirty_days_at_most(village: Village, lifetime: timedelta) -> None:
    certificate = village.certificate(
        seed=sodium.random_bytes(32), inviter=village.steward, lifetime=lifetime
    )
    assert make(village, village.steward, certificate) is ErrorCode.BAD_ENTRY


def test_a_time_past_every_calendar_is_refused_like_any_other(village: Village) -> None:
    body = InviteCertificate(
        invite_key=sodium.public_key(seed=bytes(32)),
        role=InviteRole.MEMBER,
        room_id=None,
        inviter=village.steward.author,
        expires_at=2**53 - 1,
    )
    seed = village.steward.keys.device_seed
    certificate = sign_statement(body, label=Label.INVITE, root=village.root, seed=seed)
    assert make(village, village.steward, certificate) is ErrorCode.BAD_ENTRY


def test_the_same_invite_again_changes_nothing_and_another_with_its_key_is_refused(village: Village) -> None:
    seed = sodium.random_bytes(32)
    certificate = village.certificate(seed=seed, inviter=village.steward)
    assert make(village, village.steward, certificate) is None
    assert make(village, village.steward, certificate) is None
    other = village.certificate(seed=seed, inviter=village.steward, role=InviteRole.STEWARD)
    assert make(village, village.steward, other) is ErrorCode.CONFLICT
    assert Invite.objects.filter(invite_hash=hash_of(seed)).count() == 1


def test_whoever_holds_no_live_invite_gets_one_answer(village: Village) -> None:
    used, revoked = village.invite(), village.invite()
    Invite.objects.filter(invite_hash=hash_of(used)).update(used_at=clock.now())
    invites.revoke_invite(account_id=village.steward.account_id, hash_=hash_of(revoked))
    answers = set()
    for seed in (used, revoked, sodium.random_bytes(32)):
        with pytest.raises(PeerChatError) as caught:
            invites.look_at_invite(invite_key=sodium.public_key(seed=seed))
        answers.add((caught.value.code, caught.value.message, caught.value.http_status))
    assert len(answers) == 1


def test_its_maker_and_stewards_take_an_invite_back_and_nobody_else_learns_of_it(
    village: Village, rooms: Rooms
) -> None:
    lee, mo = village.join("Lee", role=InviteRole.LEADER), village.join("Mo")
    rooms.led.add((lee.account_id, ROOM))
    mine = [village.invite(room_id=ROOM, inviter=lee) for _ in range(2)]
    assert {row.used for row in invites.invites_of(account_id=lee.account_id)} == {False}
    for hash_ in (hash_of(mine[0]), bytes(32)):
        with pytest.raises(PeerChatError) as caught:
            invites.revoke_invite(account_id=mo.account_id, hash_=hash_)
        assert caught.value.code is ErrorCode.NOT_FOUND
    invites.revoke_invite(account_id=lee.account_id, hash_=hash_of(mine[0]))
    invites.revoke_invite(account_id=lee.account_id, hash_=hash_of(mine[0]))
    invites.revoke_invite(account_id=village.steward.account_id, hash_=hash_of(mine[1]))
    assert invites.invites_of(account_id=lee.account_id) == []


def test_a_used_invite_cannot_be_taken_back(village: Village) -> None:
    seed = village.invite()
    Invite.objects.filter(invite_hash=hash_of(seed)).update(used_at=clock.now())
    with pytest.raises(PeerChatError) as caught:
        invites.revoke_invite(account_id=village.steward.account_id, hash_=hash_of(seed))
    assert caught.value.code is ErrorCode.CONFLICT
    assert [row.used for row in invites.invites_of(account_id=village.steward.account_id)] == [True]


def test_the_server_keeps_no_invite_key(village: Village) -> None:
    seed = village.invite()
    stored = Invite.objects.get(invite_hash=hash_of(seed))
    assert bytes(stored.invite_hash) != sodium.public_key(seed=seed)
    assert seed not in bytes(stored.certificate_body or b"")
