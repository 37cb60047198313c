"""What the keeper does, and how a part of moderation gives it something to do.

    register(Duty("pages", period_seconds=1, do=send_due_pages))

A duty is called again and again with the ``Tenure`` under which it works. It does its writes inside
``tenure.transaction()``, and calls ``tenure.check()`` before anything that no transaction takes back. It must be
idempotent: a crash may cut it off anywhere, and another process begins it again.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction

from moderation import lease
from moderation.escalation import claim_due
from moderation.oncall.paging import Pager
from peerchat.clock import now, now_ms
from peerchat.logging import event
from rooms import retention, shredding

RETENTION_SECONDS = 30.0
"""Far below the hour that a message may still be readable after it ended."""

CASES_SECONDS = 0.5
"""As often as the keeper looks: a page should leave within seconds."""


class Tenure:
    """One term as the live keeper. ``deadline``: until when, on the monotonic clock, the lease is surely ours."""

    def __init__(self, term: lease.Term, *, deadline: float) -> None:
        self.term = term
        self.deadline = deadline
        self.ended = False

    @property
    def runs(self) -> bool:
        """Whether the lease is still ours, as far as this process can tell without asking."""
        return not self.ended and time.monotonic() < self.deadline

    def check(self) -> None:
        """Raise ``LeaseLost`` when somebody else may be the keeper by now. Asks nobody."""
        if not self.runs:
            raise lease.LeaseLost

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction that commits only while the lease is ours; raises ``LeaseLost`` instead."""
        self.check()
        with transaction.atomic():
            yield
            lease.confirm(self.term)


@dataclass(frozen=True, slots=True)
class Duty:
    """``name`` is for the log: lower-case, no spaces. ``do`` may raise anything: it is called again in time."""

    name: str
    period_seconds: float
    do: Callable[[Tenure], None]


_duties: list[Duty] = []


def register(duty: Duty) -> None:
    """Give every keeper of this process something to do; called once for each while Django starts."""
    _duties.append(duty)


def registered() -> tuple[Duty, ...]:
    """Return all duties, in the order in which they came."""
    return tuple(_duties)


def keep_retention(tenure: Tenure) -> None:
    """Keys first, rows after, so that no row without a key is ever served as a fault."""
    moment = now()
    tenure.check()
    keys = shredding.destroy_due(moment)
    erased = retention.erase_expired(moment, atomic=tenure.transaction)
    if keys or erased.messages or erased.commits:
        event("keeper.erased", keys=keys, messages=erased.messages, commits=erased.commits)


def keep_cases(tenure: Tenure) -> None:
    """Deadlines of cases, and erasing what is over."""
    claim_due.step_due(now_ms(), atomic=tenure.transaction)
    claim_due.erase_over(now_ms(), atomic=tenure.transaction)


def register_duties() -> None:
    """Bring in those of this app; called while Django starts. Cases come first: a person waits for them."""
    pager = Pager()

    def keep_pages(tenure: Tenure) -> None:
        pager.work(now_ms(), term=tenure.term, atomic=tenure.transaction)

    register(Duty("cases", period_seconds=CASES_SECONDS, do=keep_cases))
    register(Duty("pages", period_seconds=CASES_SECONDS, do=keep_pages))
    register(Duty("retention", period_seconds=RETENTION_SECONDS, do=keep_retention))
