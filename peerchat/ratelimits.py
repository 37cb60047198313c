"""How often something may be done: one row for each limit, kept in memory under keys that change every hour.

What is counted is an account, a device or an invite, never an address: survivors share shelters' networks and
phones, and an address is nothing that this server wants to know. The counters know a keyed hash alone, and
the key is thrown away every hour.

It never locks anybody out: signing in is limited only where it *fails*, so that whoever holds the right key
always gets in, whatever others try in their name; no other limit counts by a name that others know and need
no session to use. Each process counts for itself; a deployment of n processes allows up to n times as much.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass
from enum import Enum
from threading import Lock

from peerchat.clock import now_ms
from peerchat.errors import ErrorCode, PeerChatError

HOUR_MS = 3_600_000
_COUNTERS_MAX = 100_000
"""Past this many keys in one hour the table is full, and each limit fails as its row says."""


class When(Enum):
    """What a limit does when it cannot count (the table is full)."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``amount`` in any ``window_ms``, counted per subject as a bucket that refills evenly."""

    name: str
    amount: int
    window_ms: int
    when_full: When


# One row for each limit. What a survivor needs fails open; what an attacker wants fails closed.
FAILED_SIGN_INS = Limit("failed-sign-ins", amount=10, window_ms=60_000, when_full=When.OPEN)
INVITES_MADE = Limit("invites-made", amount=60, window_ms=HOUR_MS, when_full=When.CLOSED)
INVITE_LOOKS = Limit("invite-looks", amount=30, window_ms=60_000, when_full=When.OPEN)
SIGN_UPS_TRIED = Limit("sign-ups-tried", amount=20, window_ms=HOUR_MS, when_full=When.OPEN)
KEY_PACKAGE_UPLOADS = Limit("key-package-uploads", amount=60, window_ms=HOUR_MS, when_full=When.OPEN)
KEY_PACKAGE_CLAIMS = Limit("key-package-claims", amount=120, window_ms=60_000, when_full=When.CLOSED)
COMMUNITY_ENTRIES = Limit("community-entries", amount=60, window_ms=HOUR_MS, when_full=When.CLOSED)
ROOMS_OPENED = Limit("rooms-opened", amount=30, window_ms=HOUR_MS, when_full=When.CLOSED)
JOIN_REQUESTS = Limit("join-requests", amount=30, window_ms=HOUR_MS, when_full=When.OPEN)
ROOM_ENTRIES = Limit("room-entries", amount=120, window_ms=60_000, when_full=When.OPEN)
ROOM_COMMITS = Limit("room-commits", amount=120, window_ms=60_000, when_full=When.OPEN)
SENDS_BY_HTTP = Limit("sends-by-http", amount=120, window_ms=60_000, when_full=When.OPEN)
CASES_RAISED = Limit("cases-raised", amount=30, window_ms=HOUR_MS, when_full=When.OPEN)
BOX_KEYS_MADE = Limit("box-keys-made", amount=30, window_ms=HOUR_MS, when_full=When.CLOSED)
CONTACT_CODES = Limit("contact-codes", amount=10, window_ms=HOUR_MS, when_full=When.CLOSED)
PIN_TRIES = Limit("pin-tries", amount=20, window_ms=60_000, when_full=When.OPEN)
PIN_CHANGES = Limit("pin-changes", amount=20, window_ms=HOUR_MS, when_full=When.OPEN)


class RateLimiter:
    """Buckets in this process's memory. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._hour = -1
        self._key = b""
        self._buckets: dict[bytes, tuple[float, int]] = {}

    def take(self, limit: Limit, subject: bytes, *, cost: int = 1) -> None:
        """Count ``cost`` against ``subject``; raise ``request.rate_limited`` (``details.wait_ms``) past the limit."""
        wait_ms = self._spend(limit, subject, cost=cost)
        if wait_ms:
            raise _limited(wait_ms)

    def _spend(self, limit: Limit, subject: bytes, *, cost: int) -> int:
        now = now_ms()
        with self._lock:
            self._rotate(now)
            key = hmac.digest(self._key, limit.name.encode() + b"\x00" + subject, hashlib.sha256)
            found = self._buckets.get(key)
            if found is None and len(self._buckets) >= _COUNTERS_MAX:
                return 0 if limit.when_full is When.OPEN else HOUR_MS - now % HOUR_MS
            spent, since = found or (0.0, now)
            refilled = max(0.0, spent - (now - since) * limit.amount / limit.window_ms)
            if refilled + cost > limit.amount:
                return max(1, round((refilled + cost - limit.amount) * limit.window_ms / limit.amount))
            self._buckets[key] = (refilled + cost, now)
            return 0

    def _rotate(self, now: int) -> None:
        hour = now // HOUR_MS
        if hour != self._hour:
            self._hour, self._key = hour, os.urandom(32)
            self._buckets.clear()


def _limited(wait_ms: int) -> PeerChatError:
    return PeerChatError(
        ErrorCode.RATE_LIMITED, "Too often; wait.", http_status=429, details={"wait_ms": wait_ms}
    )


limiter = RateLimiter()
"""This process's counters."""
