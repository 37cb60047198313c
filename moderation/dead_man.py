"""The dead man's switch of escalation: says when nobody steps cases, or when the keeper falls behind.

A process that just began waits ``MISSING_SECONDS`` before it complains: a keeper begins after it does.
"""

import threading
import time

from moderation import lease
from moderation.escalation.models import Case
from moderation.escalation.terms import OPEN
from moderation.keeper_watch import MISSING_SECONDS
from peerchat.clock import now_ms

BEHIND_MS = 15_000
"""How late a case may be stepped: the promise after a crash."""


class DeadMan:
    """One for each process; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen = time.monotonic()

    def works(self) -> bool:
        """Return whether a keeper was there within ``MISSING_SECONDS``, and no case is ``BEHIND_MS`` overdue."""
        with self._lock:
            if lease.is_held():
                self._seen = time.monotonic()
            if time.monotonic() - self._seen > MISSING_SECONDS:
                return False
        return not Case.objects.filter(status__in=OPEN, deadline_ms__lt=now_ms() - BEHIND_MS).exists()
