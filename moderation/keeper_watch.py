"""Says so when no keeper works: for a server whose keeper should run apart (``PEERCHAT_KEEPER=apart``).

It does nothing in the keeper's place. People go on talking meanwhile, but no key is destroyed, and nothing else that
is due by the clock is done.
"""

import threading
import time
from logging import WARNING

from django.db import close_old_connections, connection

from moderation import lease
from peerchat.logging import event

LOOK_SECONDS = 5.0
MISSING_SECONDS = 20.0
"""A hand-over after a crash takes less."""
REPEAT_SECONDS = 600.0


class KeeperWatch:
    """A part of the serving process."""

    def __init__(self) -> None:
        self._seen = time.monotonic()
        self._said: float | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper-watch", daemon=True)

    def start(self) -> None:
        """Start watching; a keeper has ``MISSING_SECONDS`` to appear."""
        self._thread.start()

    def stop(self, *, timeout_seconds: float) -> None:
        """End."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def look(self) -> None:
        """Look once, and say what changed."""
        moment = time.monotonic()
        if lease.is_held():
            self._seen = moment
            if self._said is not None:
                event("keeper.back")
            self._said = None
        elif moment - self._seen >= MISSING_SECONDS and (
            self._said is None or moment - self._said >= REPEAT_SECONDS
        ):
            event("keeper.missing", level=WARNING, seconds=round(moment - self._seen))
            self._said = moment

    def _run(self) -> None:
        try:
            while not self._stopping.wait(LOOK_SECONDS):
                close_old_connections()
                try:
                    self.look()
                except Exception as error:
                    event("keeper.watch_failed", error=error)
        finally:
            connection.close()
