"""The community log as the server keeps it: who may append, and what is projected."""

from threading import Thread
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from peerchat import clock
from peerchat.accounts import account_logs, community, roles
from peerchat.accounts.founding import found_community
from peerchat.accounts.loading import load_community
from peerchat.accounts.models import Certification, Community, CommunityEntry
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.signed import Action, CertifyBody, InviteRole, Role
from tests.peerchat.accounts.conftest import Rooms
from tests.support.people import Person, Village, salt

DAY_MS = 24 * 3_600_000


def certifying(person: Person, role: Role = Role.LEADER) -> CertifyBody:
    return CertifyBody(
        salt=salt(), account_id=person.keys.account_id, identity_key=person.keys.identity_key, role=role
    )


def refusal(act: object) -> PeerChatError:
    before = CommunityEntry.objects.count(), Certification.objects.count()
    with pytest.raises(PeerChatError) as caught:
        act()  # type: ignore[operator]  # a test's own lambda
    assert (CommunityEntry.objects.count(), Certification.objects.count()) == before
    return caught.value


def test_a_steward_certifies_and_it_counts_at_once_in_a_demo(village: Village, rooms: Rooms) -> None:
    lee = village.join("Lee")
    index = village.certify(lee, Role.LEADER)
    assert roles.roles_now(lee.account_id) == {Role.LEADER}
    assert roles.is_effective(lee.account_id, Role.LEADER, clock.now_ms(), index)
    assert not roles.is_effective(lee.account_id, Role.LEADER, clock.now_ms(), index - 1)
    assert not roles.is_effective(lee.account_id, Role.COUNSELOR, clock.now_ms(), index)
    assert rooms.changes == 1


def test_a_lone_stewards_word_counts_after_a_day(slow_village: Village) -> None:
    lee = slow_village.join("Lee")
    index = slow_village.certify(lee, Role.LEADER)
    assert roles.roles_now(lee.account_id) == frozenset()
    assert not roles.is_effective(lee.account_id, Role.LEADER, clock.now_ms() + DAY_MS - 5_000, index)
    assert roles.is_effective(lee.account_id, Role.LEADER, clock.now_ms() + DAY_MS, index)


def test_a_revoked_role_ends_and_the_entries_before_still_count(village: Village) -> None:
    lee = village.join("Lee", role=InviteRole.LEADER)
    index = village.revoke(lee, Role.LEADER)
    assert roles.roles_now(lee.account_id) == frozenset()
    assert not roles.is_effective(lee.account_id, Role.LEADER, clock.now_ms(), index)
    assert roles.is_effective(lee.account_id, Role.LEADER, clock.now_ms(), index - 1)


def test_leaders_and_members_append_nothing(village: Village) -> None:
    lee, mo = village.join("Lee", role=InviteRole.LEADER), village.join("Mo")
    for author in (lee, mo):
        error = refusal(lambda by=author: village.certify(mo, Role.STEWARD, by=by))
        assert error.code is ErrorCode.NO_POWER


def test_an_entry_of_another_device_cannot_be_brought(village: Village) -> None:
    lee, mo = village.join("Lee", role=InviteRole.LEADER), village.join("Mo")
    signed = village.entry(Action.CERTIFY, certifying(mo), village.steward)
    error = refusal(lambda: community.append_community_entry(signed=signed, author=lee.device))
    assert error.code is ErrorCode.NO_POWER


def test_the_same_entry_again_has_the_same_index_and_stands_once(village: Village) -> None:
    signed = village.entry(Action.CERTIFY, certifying(village.join("Lee")), village.steward)
    indexes = {
        community.append_community_entry(signed=signed, author=village.steward.device) for _ in range(3)
    }
    assert indexes == {2}
    assert CommunityEntry.objects.count() == 3


def test_a_late_entry_learns_the_next_free_index(village: Village) -> None:
    lee, mo = village.join("Lee"), village.join("Mo")
    late = village.entry(Action.CERTIFY, certifying(mo), village.steward)
    village.certify(lee, Role.LEADER)
    error = refusal(lambda: community.append_community_entry(signed=late, author=village.steward.device))
    assert (error.code, error.http_status, error.details) == (ErrorCode.STALE_HEAD, 409, {"index": 3})


@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_entry_of_another_time_is_refused(village: Village, minutes: int) -> None:
    at = clock.now_ms() + minutes * 60_000
    signed = village.entry(Action.CERTIFY, certifying(village.join("Lee")), village.steward, at=at)
    error = refusal(lambda: community.append_community_entry(signed=signed, author=village.steward.device))
    assert error.code is ErrorCode.WRONG_CLOCK


def test_nobody_is_certified_who_is_not_here_under_this_identity(village: Village) -> None:
    lee, mo = village.join("Lee"), village.join("Mo")
    swapped = certifying(lee).model_copy(update={"identity_key": mo.keys.identity_key})
    unknown = certifying(lee).model_copy(update={"account_id": uuid4().bytes})
    for body in (swapped, unknown):
        signed = village.entry(Action.CERTIFY, body, village.steward)
        error = refusal(
            lambda one=signed: community.append_community_entry(signed=one, author=village.steward.device)
        )
        assert error.code is ErrorCode.BAD_ENTRY


def test_a_deployment_has_one_community(village: Village) -> None:
    other = found_community(name="Other", demo=False, at=clock.now_ms())
    with pytest.raises(PeerChatError) as caught:
        load_community(genesis=other.genesis, name=other.name, languages=other.languages)
    assert caught.value.code is ErrorCode.CONFLICT
    with pytest.raises(IntegrityError), transaction.atomic():
        Community.objects.create(id=2, root=other.root, name="Other", demo=False)


def test_a_demo_is_refused_outside_debug_mode_and_leaves_nothing(db: None) -> None:
    demo = found_community(name="Demo", demo=True, at=clock.now_ms())
    with pytest.raises(PeerChatError) as caught:
        load_community(genesis=demo.genesis, name=demo.name, languages=demo.languages)
    assert caught.value.code is ErrorCode.NOT_ALLOWED
    assert not Community.objects.exists()
    assert not CommunityEntry.objects.exists()


def test_one_sees_oneself_the_certified_and_those_in_ones_rooms(village: Village, rooms: Rooms) -> None:
    rosa, mara, lena = (village.join(name) for name in ("Rosa", "Mara", "Lena"))
    lee = village.join("Lee", role=InviteRole.LEADER)
    rooms.shared.add(frozenset({rosa.account_id, mara.account_id}))
    everyone = [one.account_id for one in (rosa, mara, lena, lee, village.steward)]
    seen = account_logs.visible_logs(asker=rosa.account_id, account_ids=[*everyone, uuid4()])
    wanted = {one.keys.account_id for one in (rosa, mara, lee, village.steward)}
    assert {log.account_id for log in seen} == wanted


def test_candidates_are_for_stewards_and_are_who_came_for_a_role(village: Village) -> None:
    mo = village.join("Mo")
    cleo = village.join("Cleo", role=InviteRole.COUNSELOR, certified=False)
    (found,) = account_logs.candidates(asker=village.steward.account_id)[1:]
    assert found.account.account_id == cleo.keys.account_id
    assert found.invited_as is InviteRole.COUNSELOR
    for asker in (mo, cleo):
        with pytest.raises(PeerChatError) as caught:
            account_logs.candidates(asker=asker.account_id)
        assert caught.value.code is ErrorCode.NOT_ALLOWED


@pytest.mark.django_db(transaction=True)
def test_of_entries_for_one_place_one_gets_it() -> None:
    village = Village.found(demo=True)
    people = [village.join(name) for name in ("Rosa", "Mara", "Lena", "Nora")]
    entries = [village.entry(Action.CERTIFY, certifying(one), village.steward) for one in people]
    device = village.steward.device
    codes: list[str] = []

    def append(number: int) -> None:
        try:
            community.append_community_entry(signed=entries[number], author=device)
            codes.append("in")
        except PeerChatError as error:
            codes.append(error.code.value)
        finally:
            connection.close()

    threads = [Thread(target=append, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["in"] + ["log.stale_head"] * 3
    assert Certification.objects.count() == 2
