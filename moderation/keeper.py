"""The live keeper: does what is due by the clock alone, in one process at a time.

Any number may run, beside a server or alone; a lease in the database picks the one that works (``moderation.lease``),
and another takes over within seconds of its end. What there is to do stands in ``moderation.duties``. Two threads: one
keeps the lease while the other works, since one step may take longer than a lease. A step that hangs loses the lease.
"""

import threading
import time
from collections.abc import Callable, Iterable
from uuid import uuid4

from django.db import close_old_connections, connection

from moderation import duties, lease
from moderation.duties import Duty, Tenure
from peerchat.logging import event

RENEW_SECONDS = 1.0
LOOK_SECONDS = 1.0
"""How often duties are looked at: none is due sooner after another."""
HUNG_SECONDS = 120.0
"""A step that takes longer lets another keeper have a try."""


class Keeper:
    """A part of the serving process: ``start`` and ``stop`` as ``peerchat.serve`` calls them.

    ``hung`` is called once, from a thread, when a step does not come back.
    """

    def __init__(
        self, *, duties_: Iterable[Duty] | None = None, hung: Callable[[], None] = lambda: None
    ) -> None:
        self._duties = tuple(duties.registered() if duties_ is None else duties_)
        self._due = dict.fromkeys(self._duties, 0.0)
        self._hung = hung
        self._name = uuid4().hex
        self._tenure: Tenure | None = None
        self._busy_since: float | None = None
        self._said_hung = False
        self._said_failed = False
        self._began = threading.Event()
        self._stopping = threading.Event()
        self._ending = threading.Event()
        self._holder = threading.Thread(target=self._hold, name="keeper-lease", daemon=True)
        self._worker = threading.Thread(target=self._work, name="keeper", daemon=True)

    def start(self) -> None:
        """Start; whoever gets the lease does at once what became due while there was no keeper."""
        self._holder.start()
        self._worker.start()

    def stop(self, *, timeout_seconds: float) -> None:
        """End after the step under way, give the lease back, and wait for both ``timeout_seconds`` at most.

        A step that does not end in time keeps the lease until that runs out: it may still be at work.
        """
        until = time.monotonic() + timeout_seconds
        self._stopping.set()
        self._began.set()
        for thread in (self._worker, self._holder):
            if thread is self._holder:
                self._ending.set()
            if thread.is_alive():
                thread.join(max(0.0, until - time.monotonic()))

    # --- the lease ---------------------------------------------------------------------------------------

    def _hold(self) -> None:
        try:
            while not self._ending.is_set():
                self._try(self._renew_or_take)
                self._ending.wait(RENEW_SECONDS)
            if self._tenure is not None and not self._worker.is_alive():
                self._try(lambda: self._end_tenure(give_back=True))
        finally:
            connection.close()

    def _try(self, step: Callable[[], None]) -> None:
        close_old_connections()
        try:
            step()
            self._said_failed = False
        except Exception as error:
            # Once for each outage: a database that is away for an hour must not fill the log.
            if not self._said_failed:
                event("keeper.lease_failed", error=error)
            self._said_failed = True

    def _renew_or_take(self) -> None:
        # Read before the database is asked: the lease runs from later than that.
        asked = time.monotonic()
        tenure = self._tenure
        if tenure is not None:
            if self._is_hung():
                self._end_tenure()
            elif lease.renew(tenure.term):
                tenure.deadline = asked + lease.LEASE_SECONDS
                return
            else:
                self._end_tenure()
        if self._busy_since is not None or self._stopping.is_set():
            # A step of an earlier term is still at work, or there is nobody left to work.
            return
        term = lease.take(self._name)
        if term is not None:
            event("keeper.began", term=term.number)
            self._tenure = Tenure(term, deadline=asked + lease.LEASE_SECONDS)
            self._began.set()

    def _end_tenure(self, *, give_back: bool = False) -> None:
        tenure, self._tenure = self._tenure, None
        self._began.clear()
        assert tenure is not None  # noqa: S101 - narrows; callers looked
        tenure.ended = True
        event("keeper.ended", term=tenure.term.number)
        if give_back:
            lease.give_back(tenure.term)

    def _is_hung(self) -> bool:
        busy = self._busy_since
        if busy is None or time.monotonic() - busy < HUNG_SECONDS:
            self._said_hung = False
            return False
        if not self._said_hung:
            self._said_hung = True
            event("keeper.hung")
            self._hung()
        return True

    # --- the work ----------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while not self._stopping.is_set():
                if not self._began.wait(LOOK_SECONDS):
                    continue
                if (tenure := self._tenure) is not None:
                    self._do_due(tenure)
                self._stopping.wait(LOOK_SECONDS)
        finally:
            connection.close()

    def _do_due(self, tenure: Tenure) -> None:
        for duty in self._duties:
            if self._stopping.is_set() or not tenure.runs:
                return
            if time.monotonic() < self._due[duty]:
                continue
            self._busy_since = time.monotonic()
            close_old_connections()
            try:
                duty.do(tenure)
            except lease.LeaseLost:
                return
            except Exception as error:
                # A database that is away for a moment must not end it: an overdue key is a promise broken.
                event(f"keeper.{duty.name}_failed", error=error)
            finally:
                self._busy_since = None
            self._due[duty] = time.monotonic() + duty.period_seconds
