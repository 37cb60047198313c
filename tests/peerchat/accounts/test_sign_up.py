"""Signing up: an invite becomes one account, and nothing in it can be swapped on the way."""

from collections.abc import Callable
from datetime import timedelta
from threading import Thread

import pytest
from django.db import connection

from peerchat import clock, sodium
from peerchat.accounts import invites, sign_up
from peerchat.accounts.founding import found_community
from peerchat.accounts.loading import load_community
from peerchat.accounts.models import Account, AccountEntry, CommunityEntry, Device, DeviceSession, Invite
from peerchat.accounts.new_account import new_account, open_account, sign_statement
from peerchat.accounts.sessions import session_of
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.http_bodies import SignUpRequest
from peerchat.protocol.signed import Head, InviteAcceptance, Label, Profile
from tests.support.people import Person, Village, first_request


def person(village: Village, name: str = "Rosa") -> Person:
    return Person(name=name, keys=new_account(), root=village.root)


def refusal(request: SignUpRequest) -> ErrorCode:
    """Return the code of the refusal, after which nothing may be left behind."""
    before = [
        model.objects.count() for model in (Account, AccountEntry, Device, DeviceSession, CommunityEntry)
    ]
    with pytest.raises(PeerChatError) as caught:
        sign_up.sign_up(request=request)
    after = [
        model.objects.count() for model in (Account, AccountEntry, Device, DeviceSession, CommunityEntry)
    ]
    assert after == before
    return caught.value.code


def test_an_invite_becomes_an_account_with_a_signed_in_device(village: Village) -> None:
    rosa = person(village)
    opened = sign_up.sign_up(request=village.request(rosa, seed=village.invite()))
    found = session_of(opened.token)
    assert found is not None
    assert found.device.account_id == rosa.account_id
    assert (rosa.account.handle, rosa.account.language) == ("Rosa", "en")
    assert [entry.action for entry in rosa.account.entries.all()] == ["open", "device-add"]


def test_no_secret_is_stored_as_it_came(village: Village) -> None:
    rosa = person(village)
    request = village.request(rosa, seed=village.invite())
    opened = sign_up.sign_up(request=request)
    assert bytes(rosa.account.sign_in_verifier_hash) != request.sign_in_verifier
    assert opened.token.encode() not in bytes(opened.session.token_hash)
    assert request.sign_in_verifier.hex() not in repr(opened)
    assert opened.token not in repr(opened)


def test_an_invite_works_once(village: Village) -> None:
    seed = village.invite()
    sign_up.sign_up(request=village.request(person(village), seed=seed))
    assert refusal(village.request(person(village, "Mara"), seed=seed)) is ErrorCode.INVITE_UNUSABLE


def test_the_same_request_again_gives_a_fresh_session_and_no_second_account(village: Village) -> None:
    request = village.request(person(village), seed=village.invite())
    first, second = sign_up.sign_up(request=request), sign_up.sign_up(request=request)
    assert first.token != second.token
    assert first.session.device_id == second.session.device_id
    assert Account.objects.count() == 2


def test_the_same_request_is_worth_nothing_an_hour_later(village: Village) -> None:
    request = village.request(person(village), seed=village.invite())
    sign_up.sign_up(request=request)
    later = clock.now_ms() + 3_600_001
    with clock.replaced(lambda: later):
        assert refusal(request) is ErrorCode.INVITE_UNUSABLE


@pytest.mark.parametrize("field", ["sign_in_verifier", "backup"])
def test_who_does_not_hold_all_of_it_gets_no_session_by_repeating(village: Village, field: str) -> None:
    request = village.request(person(village), seed=village.invite())
    sign_up.sign_up(request=request)
    assert refusal(request.model_copy(update={field: bytes(32)})) is ErrorCode.INVITE_UNUSABLE


def test_unknown_used_revoked_and_ended_invites_answer_alike(village: Village) -> None:
    unknown = sodium.random_bytes(32)
    used = village.invite()
    sign_up.sign_up(request=village.request(person(village, "First"), seed=used))
    revoked = village.invite()
    invites.revoke_invite(
        account_id=village.steward.account_id,
        hash_=invites.invite_hash(sodium.public_key(seed=revoked)),
    )
    ended = village.invite(lifetime=timedelta(minutes=1))
    later = clock.now_ms() + 60_001
    for seed in (unknown, used, revoked):
        assert refusal(village.request(person(village), seed=seed)) is ErrorCode.INVITE_UNUSABLE
    with clock.replaced(lambda: later):
        assert refusal(village.request(person(village), seed=ended)) is ErrorCode.INVITE_UNUSABLE


@pytest.mark.parametrize("taken", ["ROSA", "\uff32\uff4f\uff53\uff41", "Rosa"])
def test_a_handle_that_looks_the_same_is_taken(village: Village, taken: str) -> None:
    sign_up.sign_up(request=village.request(person(village), seed=village.invite()))
    seed = village.invite()
    assert refusal(village.request(person(village, taken), seed=seed)) is ErrorCode.HANDLE_TAKEN
    sign_up.sign_up(request=village.request(person(village, "Rosalie"), seed=seed))


def test_whether_a_handle_is_taken_is_told_to_the_invited_alone(village: Village) -> None:
    village.join("Rosa")
    stranger = village.request(person(village), seed=sodium.random_bytes(32))
    assert refusal(stranger) is ErrorCode.INVITE_UNUSABLE


def _another_identity(village: Village, request: SignUpRequest, seed: bytes) -> SignUpRequest:
    acceptance = InviteAcceptance(
        invite_key=sodium.public_key(seed=seed),
        account_id=request.account_id,
        identity_key=new_account().identity_key,
    )
    signed = sign_statement(acceptance, label=Label.INVITE_ACCEPTANCE, root=village.root, seed=seed)
    return request.model_copy(update={"acceptance": signed})


def _another_account(village: Village, request: SignUpRequest, seed: bytes) -> SignUpRequest:
    return request.model_copy(update={"account_id": bytes(16)})


def _swapped_log(village: Village, request: SignUpRequest, seed: bytes) -> SignUpRequest:
    """What a false server would do: keep the acceptance, and bring an identity of its own."""
    other = village.request(person(village, "Eve"), seed=sodium.random_bytes(32))
    return request.model_copy(
        update={
            "account_id": other.account_id,
            "account_entries": other.account_entries,
            "profile": other.profile,
        }
    )


def _others_profile(village: Village, request: SignUpRequest, seed: bytes) -> SignUpRequest:
    other = village.request(person(village, "Eve"), seed=sodium.random_bytes(32))
    return request.model_copy(update={"profile": other.profile})


def _acceptance_by_another_key(village: Village, request: SignUpRequest, seed: bytes) -> SignUpRequest:
    forged = sign_statement(
        InviteAcceptance(
            invite_key=sodium.public_key(seed=seed),
            account_id=request.account_id,
            identity_key=new_account().identity_key,
        ),
        label=Label.INVITE_ACCEPTANCE,
        root=village.root,
        seed=bytes(32),
    )
    return request.model_copy(update={"acceptance": forged})


@pytest.mark.parametrize(
    ("forge", "code"),
    [
        (_another_identity, ErrorCode.BAD_ENTRY),
        (_another_account, ErrorCode.BAD_ENTRY),
        (_swapped_log, ErrorCode.BAD_ENTRY),
        (_others_profile, ErrorCode.BAD_SIGNATURE),
        (_acceptance_by_another_key, ErrorCode.BAD_SIGNATURE),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(
    village: Village, forge: Callable[[Village, SignUpRequest, bytes], SignUpRequest], code: ErrorCode
) -> None:
    seed = village.invite()
    request = village.request(person(village), seed=seed)
    assert refusal(forge(village, request, seed)) is code
    sign_up.sign_up(request=request)


def test_a_profile_signed_for_another_account_is_refused(village: Village) -> None:
    rosa = person(village)
    request = village.request(rosa, seed=village.invite())
    profile = Profile(account_id=bytes(16), handle="Rosa", language="en", at=clock.now_ms())
    signed = sign_statement(profile, label=Label.PROFILE, root=village.root, seed=rosa.keys.identity_seed)
    assert refusal(request.model_copy(update={"profile": signed})) is ErrorCode.BAD_ENTRY


def test_a_head_that_the_community_never_had_is_refused(village: Village) -> None:
    rosa = person(village)
    request = village.request(rosa, seed=village.invite())
    entries = open_account(
        rosa.keys, root=village.root, community_head=Head(index=1, hash=bytes(32)), at=clock.now_ms()
    )
    assert refusal(request.model_copy(update={"account_entries": entries})) is ErrorCode.BAD_ENTRY


@pytest.mark.parametrize("minutes", [-6, 6])
def test_entries_of_another_time_are_refused(village: Village, minutes: int) -> None:
    at = clock.now_ms() + minutes * 60_000
    request = village.request(person(village), seed=village.invite(), at=at)
    assert refusal(request) is ErrorCode.WRONG_CLOCK


def test_ids_and_keys_of_others_cannot_be_taken(village: Village) -> None:
    rosa = village.join("Rosa")
    twin = Person(name="Twin", keys=rosa.keys, root=village.root)
    assert refusal(village.request(twin, seed=village.invite())) is ErrorCode.CONFLICT


def test_the_first_steward_claims_with_the_invite_that_genesis_names(db: None) -> None:
    founded = found_community(name="Harbour", demo=False, at=clock.now_ms())
    load_community(genesis=founded.genesis, name=founded.name, languages=founded.languages)
    steward = Person(name="Stew", keys=new_account(), root=founded.root)
    request = first_request(founded, steward)
    assert refusal(request.model_copy(update={"claim": None})) is ErrorCode.BAD_ENTRY
    thief = first_request(founded, Person(name="Eve", keys=new_account(), root=founded.root))
    assert refusal(request.model_copy(update={"claim": thief.claim})) is ErrorCode.BAD_ENTRY
    sign_up.sign_up(request=request)
    assert [entry.action for entry in CommunityEntry.objects.order_by("index")] == ["genesis", "claim"]
    assert refusal(thief) is ErrorCode.INVITE_UNUSABLE


def test_nobody_else_claims(village: Village) -> None:
    eve = Person(name="Eve", keys=new_account(), root=village.root)
    claim = first_request(village.founded, eve).claim
    request = village.request(eve, seed=village.invite())
    assert refusal(request.model_copy(update={"claim": claim})) is ErrorCode.BAD_ENTRY


@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_one_link_at_once_one_gets_in() -> None:
    village = Village.found(demo=True)
    seed = village.invite()
    requests = [
        village.request(person(village, name), seed=seed) for name in ("Rosa", "Mara", "Lena", "Nora")
    ]
    codes: list[str] = []

    def try_it(request: SignUpRequest) -> None:
        try:
            sign_up.sign_up(request=request)
            codes.append("in")
        except PeerChatError as error:
            codes.append(error.code.value)
        finally:
            connection.close()

    threads = [Thread(target=try_it, args=(request,)) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["in"] + ["invite.unusable"] * 3
    assert Account.objects.count() == 2
    assert Invite.objects.filter(used_by__isnull=False).count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_who_want_one_handle_at_once_one_gets_it() -> None:
    village = Village.found(demo=True)
    requests = [village.request(person(village), seed=village.invite()) for _ in range(4)]
    codes: list[str] = []

    def try_it(request: SignUpRequest) -> None:
        try:
            sign_up.sign_up(request=request)
            codes.append("in")
        except PeerChatError as error:
            codes.append(error.code.value)
        finally:
            connection.close()

    threads = [Thread(target=try_it, args=(request,)) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes.count("in") == 1
    assert set(codes) <= {"in", "account.handle_taken", "request.conflict"}
