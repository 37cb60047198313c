"""PINs: ten tries, then the server's part of the local key is gone.

A PIN of a few digits is safe only because someone counts. The local state of a device is encrypted under a
key that needs this server's share; the share is given for the right verifier alone, and destroyed after ten
wrong ones in a row. It is kept in the key file, so that destroying it leaves nothing, neither in a database
nor in a backup.
"""

from base64 import urlsafe_b64encode
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.db import transaction

from peerchat import sodium
from peerchat.accounts.models import Device
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.keyfile import KeyFile, key_file_at

TRIES_MAX = 10
_NOBODY = bytes(32)


def set_pin(*, device: Device, locator: bytes, verifier: bytes) -> bytes:
    """Let ``verifier`` open the device's share from now on, and return the share.

    The share stays the same when a PIN changes, so that a device that crashes between the answer and its own
    write loses nothing. After it was destroyed there is a new one. Locks the device's row.
    """
    with transaction.atomic():
        row = Device.objects.select_for_update().get(id=device.id)
        share = _keys().get_or_create(_slot(row.id))
        row.pin_locator_hash = sha256(locator).digest()
        row.pin_verifier_hash = sha256(verifier).digest()
        row.pin_tries = 0
        row.save(update_fields=["pin_locator_hash", "pin_verifier_hash", "pin_tries"])
    return share


def unlock_pin(*, locator: bytes, verifier: bytes) -> bytes:
    """Return the share for the right verifier. Raises ``pin.wrong`` (``details.left``) or ``pin.erased``.

    The try is counted and committed first, under the row's lock: guesses sent at once are counted one by one
    before any is compared, and none is free because the process died.
    """
    device = _count_try(sha256(locator).digest())
    expected = (
        _NOBODY if device is None or device.pin_verifier_hash is None else bytes(device.pin_verifier_hash)
    )
    right = sodium.equal(sha256(verifier).digest(), expected)
    if device is None:
        raise _wrong(left=TRIES_MAX - 1)
    return _settle(device.id, right=right)


def _count_try(locator_hash: bytes) -> Device | None:
    """Count one try in a transaction of its own; return the device, or ``None`` for an unknown locator."""
    with transaction.atomic(durable=True):
        device = (
            Device.objects.live()
            .select_for_update(of=("self",))
            .filter(pin_locator_hash=locator_hash)
            .first()
        )
        if device is None:
            return None
        if device.pin_tries >= TRIES_MAX:
            _erase(device)
        else:
            device.pin_tries += 1
            device.save(update_fields=["pin_tries"])
            return device
    raise _erased()


def _settle(device_id: UUID, *, right: bool) -> bytes:
    with transaction.atomic(durable=True):
        device = Device.objects.select_for_update().get(id=device_id)
        share = _keys().get(_slot(device_id))
        if right and share is not None and device.pin_locator_hash is not None:
            device.pin_tries = 0
            device.save(update_fields=["pin_tries"])
            return share
        left = 0 if share is None else TRIES_MAX - device.pin_tries
        if left <= 0:
            _erase(device)
    if left <= 0:
        raise _erased()
    raise _wrong(left=left)


def _erase(device: Device) -> None:
    """Destroy the share. The row keeps its locator, so that the device is told what happened."""
    _keys().destroy(_slot(device.id))
    device.pin_tries = TRIES_MAX
    device.save(update_fields=["pin_tries"])


def _wrong(*, left: int) -> PeerChatError:
    return PeerChatError(ErrorCode.PIN_WRONG, "The PIN is wrong.", http_status=403, details={"left": left})


def _erased() -> PeerChatError:
    return PeerChatError(ErrorCode.PIN_ERASED, "Ten wrong PINs: the share is gone.", http_status=410)


def _keys() -> KeyFile:
    return key_file_at(settings.PEERCHAT.key_file)


def _slot(device_id: UUID) -> str:
    return "pin:" + urlsafe_b64encode(device_id.bytes).decode().rstrip("=")
