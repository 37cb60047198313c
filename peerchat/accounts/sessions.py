"""Signed-in devices: the cookie, and what it opens.

The token is 32 random bytes that only the cookie holds; the table knows its hash. A session ends after 12
hours, since an unlocked device signs in again by itself. Nothing here keeps when or from where someone came.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja.security import APIKeyCookie

from peerchat.accounts import seams
from peerchat.accounts.models import Device, DeviceSession
from peerchat.clock import now
from peerchat.errors import CloseCode, ErrorCode, PeerChatError

COOKIE = "pc_session"
LIFETIME = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A new session and the token that its cookie will hold."""

    session: DeviceSession = field(repr=False)
    token: str = field(repr=False)


def cookie_name() -> str:
    """Return the cookie's name; over https browsers pin ``__Host-`` ones to this very host, path and scheme."""
    return f"__Host-{COOKIE}" if settings.PEERCHAT.origin.is_secure else COOKIE


def token_in(cookies: Mapping[str, str]) -> str:
    """Return the session's token among ``cookies``, or an empty text, which opens nothing."""
    return cookies.get(cookie_name(), "")


def session_of(token: str) -> DeviceSession | None:
    """Return the live session of ``token`` with its device and account, or ``None``."""
    if not token:
        return None
    return (
        DeviceSession.objects.select_related("device__account")
        .filter(
            token_hash=_hash(token),
            ends_at__gt=now(),
            device__revoked_at__isnull=True,
            device__account__forgotten_at__isnull=True,
        )
        .first()
    )


def open_session(*, device: Device) -> OpenedSession:
    """Make a session for a device that proved itself. Ended ones are swept out on the way."""
    token = secrets.token_urlsafe(32)
    moment = now()
    DeviceSession.objects.filter(ends_at__lte=moment).delete()
    session = DeviceSession.objects.create(token_hash=_hash(token), device=device, ends_at=moment + LIFETIME)
    return OpenedSession(session=session, token=token)


def end_session(*, token: str) -> None:
    """End the session of ``token``, if there is one; its device's sockets close. Takes no lock."""
    with transaction.atomic():
        session = DeviceSession.objects.filter(token_hash=_hash(token)).first()
        if session is not None:
            session.delete()
            seams.rooms().session_ended(device_ids=[session.device_id])


def signed_out() -> PeerChatError:
    """Return the one answer for no session, an ended one, and one of a revoked device."""
    return PeerChatError(
        ErrorCode.SIGNED_OUT, "Sign in first.", http_status=401, close_code=CloseCode.SIGNED_OUT
    )


def set_cookie(response: HttpResponse, opened: OpenedSession) -> None:
    """Put the session's cookie on ``response``: no script reads it, no other site sends it."""
    response.set_cookie(
        cookie_name(),
        opened.token,
        max_age=LIFETIME,
        secure=settings.PEERCHAT.origin.is_secure,
        httponly=True,
        samesite="Strict",
    )


def clear_cookie(response: HttpResponse) -> None:
    """Take the session's cookie off the browser."""
    response.set_cookie(
        cookie_name(),
        "",
        max_age=0,
        secure=settings.PEERCHAT.origin.is_secure,
        httponly=True,
        samesite="Strict",
    )


class DeviceAuth(APIKeyCookie):
    """Gives ``request.auth`` the live ``DeviceSession``, or refuses with ``session.signed_out``."""

    param_name = COOKIE

    def __init__(self) -> None:
        # Every write needs the right Origin (peerchat/http.py), which a forged request cannot have.
        super().__init__(csrf=False)

    def _get_key(self, request: HttpRequest) -> str:
        return token_in(request.COOKIES)

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        """Return the session of the cookie ``key``."""
        session = session_of(key or "")
        if session is None:
            raise signed_out()
        return session


def device_of(request: HttpRequest) -> Device:
    """Return the signed-in device with its account: ``DeviceAuth`` found its live session."""
    session = request.auth  # type: ignore[attr-defined]  # Ninja puts it there
    assert isinstance(session, DeviceSession)  # noqa: S101 - narrows what Ninja leaves untyped
    return session.device


def _hash(token: str) -> bytes:
    return sha256(b"peerchat/session\x00" + token.encode(errors="replace")).digest()
