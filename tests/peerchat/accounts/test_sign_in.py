"""Signing in: the device's key opens the door, nothing else does, and nobody can hold it shut."""

import pytest

from peerchat import clock, sodium
from peerchat.accounts import sessions, sign_in
from peerchat.accounts.models import Device, DeviceSession, UsedNonce
from peerchat.accounts.new_account import sign_statement
from peerchat.clock import now
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.signed import Label, SignedStatement, SignInStatement
from tests.peerchat.accounts.conftest import Rooms
from tests.support.people import Person, Village

ORIGIN = "http://127.0.0.1:8000"


def answer(
    person: Person,
    *,
    nonce: bytes | None = None,
    origin: str = ORIGIN,
    seed: bytes | None = None,
    device_id: bytes | None = None,
    label: Label = Label.SIGN_IN,
) -> SignedStatement:
    """Return a signed answer to a fresh challenge; the keywords are the faults."""
    asked_for = device_id or person.keys.device_id
    body = SignInStatement(
        device_id=asked_for,
        server_nonce=nonce or sign_in.begin_sign_in(device_id=asked_for).server_nonce,
        client_nonce=sodium.random_bytes(32),
        origin=origin,
    )
    return sign_statement(body, label=label, root=person.root, seed=seed or person.keys.device_seed)


def refusal(statement: SignedStatement) -> ErrorCode:
    with pytest.raises(PeerChatError) as caught:
        sign_in.sign_in(statement=statement)
    return caught.value.code


def test_the_devices_key_signs_it_in(village: Village) -> None:
    rosa = village.join("Rosa")
    opened = sign_in.sign_in(statement=answer(rosa))
    found = sessions.session_of(opened.token)
    assert found is not None
    assert found.device_id == rosa.device_id


def test_nothing_else_does(village: Village) -> None:
    rosa, mara = village.join("Rosa"), village.join("Mara")
    for wrong in (
        answer(rosa, seed=rosa.keys.identity_seed),
        answer(rosa, seed=mara.keys.device_seed),
        answer(rosa, origin="http://127.0.0.1:8001"),
        answer(rosa, origin="https://evil.example"),
        answer(rosa, label=Label.PROFILE),
        answer(rosa, nonce=sodium.random_bytes(32)),
        answer(rosa, nonce=sign_in.begin_sign_in(device_id=mara.keys.device_id).server_nonce),
        answer(rosa, device_id=sodium.random_bytes(16)),
        answer(rosa, device_id=mara.keys.device_id),
    ):
        assert refusal(wrong) is ErrorCode.SIGN_IN_FAILED
    assert DeviceSession.objects.count() == 3


def test_an_answer_counts_once(village: Village) -> None:
    statement = answer(village.join("Rosa"))
    sign_in.sign_in(statement=statement)
    assert refusal(statement) is ErrorCode.SIGN_IN_FAILED


def test_a_challenge_ends_after_a_minute(village: Village) -> None:
    rosa = village.join("Rosa")
    statement = answer(rosa)
    later = clock.now_ms() + 60_001
    with clock.replaced(lambda: later):
        assert refusal(statement) is ErrorCode.SIGN_IN_FAILED
        sign_in.sign_in(statement=answer(rosa))


def test_a_challenge_for_a_device_that_does_not_exist_looks_the_same(village: Village) -> None:
    rosa = village.join("Rosa")
    real = sign_in.begin_sign_in(device_id=rosa.keys.device_id)
    other = sign_in.begin_sign_in(device_id=sodium.random_bytes(16))
    assert len(real.server_nonce) == len(other.server_nonce) == 32
    assert abs(real.ends_at - other.ends_at) < 1_000


def test_asking_for_challenges_touches_no_table(village: Village, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]  # pytest-django's fixture is a callable
        sign_in.begin_sign_in(device_id=village.steward.keys.device_id)


def test_a_revoked_device_gets_no_session_and_its_own_ends(village: Village) -> None:
    rosa = village.join("Rosa")
    assert sessions.session_of(rosa.token) is not None
    Device.objects.filter(id=rosa.device_id).update(revoked_at=now())
    assert sessions.session_of(rosa.token) is None
    assert refusal(answer(rosa)) is ErrorCode.SIGN_IN_FAILED


def test_failing_for_ever_in_somebodys_name_does_not_keep_them_out(village: Village) -> None:
    rosa, eve = village.join("Rosa"), village.join("Eve")
    codes = [refusal(answer(rosa, seed=eve.keys.device_seed)) for _ in range(40)]
    assert codes[0] is ErrorCode.SIGN_IN_FAILED
    assert codes[-1] is ErrorCode.RATE_LIMITED
    sign_in.sign_in(statement=answer(rosa))


def test_a_session_ends_after_twelve_hours_and_is_swept_out(village: Village) -> None:
    rosa = village.join("Rosa")
    later = clock.now_ms() + 12 * 3_600_000 + 1
    with clock.replaced(lambda: later):
        assert sessions.session_of(rosa.token) is None
        sign_in.sign_in(statement=answer(rosa))
        assert DeviceSession.objects.count() == 1
        assert UsedNonce.objects.count() == 1


def test_signing_out_ends_this_session_and_says_so(village: Village, rooms: Rooms) -> None:
    rosa = village.join("Rosa")
    other = sign_in.sign_in(statement=answer(rosa)).token
    sessions.end_session(token=rosa.token)
    sessions.end_session(token=rosa.token)
    assert sessions.session_of(rosa.token) is None
    assert sessions.session_of(other) is not None
    assert rooms.ended == [rosa.device_id]


@pytest.mark.parametrize("token", ["", "x", "\ud800", "x" * 10_000, "\x00"])
def test_a_made_up_token_opens_nothing(village: Village, token: str) -> None:
    assert sessions.session_of(token) is None
    sessions.end_session(token=token)
