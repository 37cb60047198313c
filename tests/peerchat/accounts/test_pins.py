"""PINs: ten guesses, whoever makes them and however fast; and only the device itself can make one."""

from hashlib import sha256
from threading import Thread

import pytest
from django.conf import settings
from django.db import connection

from peerchat import sodium
from peerchat.accounts import pins
from peerchat.accounts.models import Device
from peerchat.clock import now
from peerchat.errors import ErrorCode, PeerChatError
from tests.support.people import Village

LOCATOR, RIGHT, WRONG = b"l" * 32, b"r" * 32, b"w" * 32


def refusal(verifier: bytes = WRONG, locator: bytes = LOCATOR) -> tuple[ErrorCode, dict[str, int]]:
    with pytest.raises(PeerChatError) as caught:
        pins.unlock_pin(locator=locator, verifier=verifier)
    return caught.value.code, caught.value.details


@pytest.fixture
def device(village: Village) -> Device:
    return village.join("Rosa").device


@pytest.fixture
def share(device: Device) -> bytes:
    """The share of a PIN that was just set; nobody's locator is used twice in one test run's key file."""
    return pins.set_pin(device=device, locator=LOCATOR, verifier=RIGHT)


def test_the_right_pin_gives_the_share_each_time(share: bytes) -> None:
    assert [pins.unlock_pin(locator=LOCATOR, verifier=RIGHT) for _ in range(15)] == [share] * 15


def test_ten_wrong_pins_destroy_the_share_for_good(share: bytes, device: Device) -> None:
    answers = [refusal() for _ in range(10)]
    assert answers == [(ErrorCode.PIN_WRONG, {"left": left}) for left in range(9, 0, -1)] + [
        (ErrorCode.PIN_ERASED, {})
    ]
    assert refusal(RIGHT) == (ErrorCode.PIN_ERASED, {})
    assert share not in settings.PEERCHAT.key_file.read_bytes()


def test_the_share_lies_in_the_key_file_and_in_no_row(share: bytes, device: Device) -> None:
    assert share in settings.PEERCHAT.key_file.read_bytes()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_device")
        assert share not in b"".join(
            bytes(cell) for row in cursor.fetchall() for cell in row if isinstance(cell, bytes)
        )


def test_the_right_pin_begins_the_count_anew(share: bytes) -> None:
    for _ in range(3):
        for _ in range(9):
            assert refusal()[0] is ErrorCode.PIN_WRONG
        assert pins.unlock_pin(locator=LOCATOR, verifier=RIGHT) == share


def test_the_tenth_try_may_still_be_the_right_one(share: bytes) -> None:
    for _ in range(9):
        refusal()
    assert pins.unlock_pin(locator=LOCATOR, verifier=RIGHT) == share


def test_who_knows_the_device_but_not_its_secret_uses_up_no_try(share: bytes, device: Device) -> None:
    """Everyone in a room knows the device's id and keys; the locator comes from bytes that never leave it."""
    guesses = [device.id.bytes * 2, bytes(device.device_key), sodium.random_bytes(32)]
    answers = {refusal(WRONG, guess)[0] for guess in guesses * 5}
    assert answers == {ErrorCode.PIN_WRONG}
    device.refresh_from_db()
    assert device.pin_tries == 0
    assert pins.unlock_pin(locator=LOCATOR, verifier=RIGHT) == share


def test_an_unknown_locator_answers_as_a_first_wrong_pin_does(share: bytes) -> None:
    assert refusal(WRONG, sodium.random_bytes(32)) == refusal()


def test_a_changed_pin_keeps_the_share_and_ends_the_old_pin(share: bytes, device: Device) -> None:
    assert pins.set_pin(device=device, locator=b"m" * 32, verifier=WRONG) == share
    assert refusal(RIGHT, b"m" * 32)[0] is ErrorCode.PIN_WRONG
    assert refusal(RIGHT, LOCATOR)[0] is ErrorCode.PIN_WRONG
    assert pins.unlock_pin(locator=b"m" * 32, verifier=WRONG) == share


def test_after_the_end_a_new_pin_has_a_new_share(share: bytes, device: Device) -> None:
    for _ in range(10):
        refusal()
    assert pins.set_pin(device=device, locator=LOCATOR, verifier=RIGHT) != share


def test_a_revoked_device_unlocks_nothing(share: bytes, device: Device) -> None:
    Device.objects.filter(id=device.id).update(revoked_at=now())
    assert refusal(RIGHT)[0] is ErrorCode.PIN_WRONG


@pytest.mark.django_db(transaction=True)
def test_guesses_sent_all_at_once_are_ten_at_most() -> None:
    """The tries are counted before any is compared: in parallel none is free, and the right one comes too late."""
    device = Village.found(demo=True).join("Rosa").device
    share = pins.set_pin(device=device, locator=LOCATOR, verifier=RIGHT)
    codes: list[ErrorCode] = []

    def guess() -> None:
        try:
            pins.unlock_pin(locator=LOCATOR, verifier=WRONG)
        except PeerChatError as error:
            codes.append(error.code)
        finally:
            connection.close()

    threads = [Thread(target=guess) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(codes) == 24
    assert codes.count(ErrorCode.PIN_WRONG) <= 9
    assert refusal(RIGHT)[0] is ErrorCode.PIN_ERASED
    assert share not in settings.PEERCHAT.key_file.read_bytes()


def test_while_ten_guesses_are_under_way_an_eleventh_is_not_even_compared(share: bytes) -> None:
    for _ in range(10):
        pins._count_try(sha256(LOCATOR).digest())
    assert refusal(RIGHT)[0] is ErrorCode.PIN_ERASED


@pytest.mark.django_db(transaction=True)
def test_a_try_is_committed_before_it_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Village.found(demo=True).join("Rosa").device
    pins.set_pin(device=device, locator=LOCATOR, verifier=RIGHT)

    def die(left: bytes, right: bytes) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sodium, "equal", die)
        with pytest.raises(KeyboardInterrupt):
            pins.unlock_pin(locator=LOCATOR, verifier=WRONG)
    device.refresh_from_db()
    assert device.pin_tries == 1
