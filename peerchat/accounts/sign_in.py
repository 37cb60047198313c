"""Signing in: the device's key answers a challenge.

The challenge holds its own proof (a MAC), so that asking for one touches no table and is the same for a
device that does not exist. Each answer counts once, in all processes. Whoever holds the right key is never
throttled: only failures are counted.
"""

import hashlib
import hmac
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from peerchat import sodium
from peerchat.accounts.community import the_community
from peerchat.accounts.models import Device, UsedNonce
from peerchat.accounts.sessions import OpenedSession, open_session
from peerchat.clock import from_ms, now, now_ms
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.codec import decode_canonical
from peerchat.protocol.http_bodies import ChallengeAnswer
from peerchat.protocol.signed import Label, SignedStatement, SignInStatement
from peerchat.ratelimits import FAILED_SIGN_INS, limiter

CHALLENGE_MS = 60_000
_TIME_BYTES, _RANDOM_BYTES, _MAC_BYTES = 6, 10, 16
# The key of nobody: comparing with it takes as long as comparing with a device's.
_NO_DEVICE_KEY = sodium.public_key(seed=hashlib.sha256(b"peerchat/no-device").digest())


def begin_sign_in(*, device_id: bytes) -> ChallengeAnswer:
    """Return a challenge of 60 s for ``device_id``, whether or not there is such a device."""
    ends_at = now_ms() + CHALLENGE_MS
    stem = ends_at.to_bytes(_TIME_BYTES, "big") + sodium.random_bytes(_RANDOM_BYTES)
    return ChallengeAnswer(server_nonce=stem + _mac(device_id, stem), ends_at=ends_at)


def sign_in(*, statement: SignedStatement) -> OpenedSession:
    """Return a session for the device that signed ``statement``. Raises ``session.sign_in_failed``, whatever was wrong.

    Past ten failures a minute for one device id, failing answers become ``request.rate_limited``; a right one
    never does.
    """
    claimed = decode_canonical(SignInStatement, statement.body)
    with transaction.atomic():
        device = Device.objects.live().filter(id=UUID(bytes=claimed.device_id)).first()
        signed = sodium.verify(
            key=_NO_DEVICE_KEY if device is None else bytes(device.device_key),
            label=Label.SIGN_IN,
            root=bytes(the_community().root),
            body=statement.body,
            signature=statement.signature,
        )
        ends_at = _open_challenge(claimed.device_id, claimed.server_nonce)
        if (
            device is not None
            and signed
            and ends_at is not None
            and claimed.origin == str(settings.PEERCHAT.origin)
            and _use_once(claimed.server_nonce, ends_at)
        ):
            return open_session(device=device)
    limiter.take(FAILED_SIGN_INS, claimed.device_id)
    raise PeerChatError(ErrorCode.SIGN_IN_FAILED, "Signing in failed.", http_status=401)


def _open_challenge(device_id: bytes, nonce: bytes) -> datetime | None:
    """Return when the challenge ends, or ``None`` when it is not ours, another device's, or over."""
    stem, mac = nonce[: _TIME_BYTES + _RANDOM_BYTES], nonce[_TIME_BYTES + _RANDOM_BYTES :]
    ends_at = int.from_bytes(stem[:_TIME_BYTES], "big")
    if not hmac.compare_digest(mac, _mac(device_id, stem)) or ends_at <= now_ms():
        return None
    return from_ms(ends_at)


def _use_once(nonce: bytes, ends_at: datetime) -> bool:
    UsedNonce.objects.filter(ends_at__lte=now()).delete()
    try:
        with transaction.atomic():
            UsedNonce.objects.create(nonce_hash=hashlib.sha256(nonce).digest(), ends_at=ends_at)
    except IntegrityError:
        return False
    return True


def _mac(device_id: bytes, stem: bytes) -> bytes:
    key = hashlib.sha256(b"peerchat/sign-in-challenge\x00" + settings.SECRET_KEY.encode()).digest()
    return hmac.digest(key, device_id + stem, "sha256")[:_MAC_BYTES]
