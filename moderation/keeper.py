"""The loop that does what is due by the clock alone: destroy the keys of hours that are over, delete what is erased.

It runs in a thread of its own, beside the server or alone. Several may run at once: each step is idempotent. It knows
no deadlines of people yet.
"""

import threading

from django.db import close_old_connections, connection

from peerchat.clock import now
from peerchat.logging import event
from rooms import retention, shredding

PERIOD_SECONDS = 30.0
"""Far below the hour that a message may still be readable after it ended."""


def keep_once() -> retention.Erased:
    """Do what is due now: keys first, rows after, so that no row without a key is ever served as a fault."""
    moment = now()
    keys = shredding.destroy_due(moment)
    erased = retention.erase_expired(moment)
    if keys or erased.messages or erased.commits:
        event("keeper.erased", keys=keys, messages=erased.messages, commits=erased.commits)
    return erased


class Keeper:
    """A part of the serving process: ``start`` and ``stop`` as ``peerchat.serve`` calls them."""

    def __init__(self, *, period_seconds: float = PERIOD_SECONDS) -> None:
        self._period_seconds = period_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        """Start; what became due while no server ran is done at once."""
        self._thread.start()

    def stop(self, *, timeout_seconds: float) -> None:
        """End after the step under way, and wait for that ``timeout_seconds`` at most."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def _run(self) -> None:
        try:
            while True:
                self._keep()
                if self._stopping.wait(self._period_seconds):
                    return
        finally:
            connection.close()

    def _keep(self) -> None:
        close_old_connections()
        try:
            keep_once()
        except Exception as error:
            # A database that is away for a moment must not end it: an overdue key is a promise broken.
            event("keeper.failed", error=error)
