"""The lease that makes one keeper the live one, however many run.

One row, taken by compare-and-swap: whoever finds it ended writes its own name into it, and the database lets one
statement win. The holder renews it; a crash ends it within ``LEASE_SECONDS``. A holder that was stopped and goes on
later cannot know that at once, so every transaction of its work ends with ``confirm``: it commits only under a lease
that still runs. The clock is the machine's own; keepers on several machines need clocks that agree to a second.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F, QuerySet

from moderation.models import KeeperLease
from peerchat.clock import now

NAME = "keeper"
LEASE_SECONDS = 4.0
"""How long nothing is done after a holder crashed; a holder renews it four times as often."""
_LEASE = timedelta(seconds=LEASE_SECONDS)


class LeaseLost(Exception):
    """Somebody else may be the keeper by now: what is under way must not count."""


@dataclass(frozen=True, slots=True)
class Term:
    """One holder's time, from taking the lease to losing it."""

    holder: str
    number: int


def take(holder: str) -> Term | None:
    """Take the lease for ``holder`` if it has ended; ``None`` while another's runs."""
    with transaction.atomic():
        moment = now()
        rows = KeeperLease.objects.filter(name=NAME)
        taken = rows.filter(ends_at__lte=moment).update(
            holder=holder, term=F("term") + 1, ends_at=moment + _LEASE
        )
        if not taken:
            # The first keeper ever; of two at once one has made the row, and the other finds it taken.
            fresh = KeeperLease(name=NAME, holder=holder, term=1, ends_at=moment + _LEASE)
            KeeperLease.objects.bulk_create([fresh], ignore_conflicts=True)
        row = rows.get()
    return Term(row.holder, row.term) if row.holder == holder else None


def renew(term: Term) -> bool:
    """Let the lease run on from now; return ``False`` when it is not ours any more."""
    return _ours(term).update(ends_at=now() + _LEASE) == 1


def confirm(term: Term) -> None:
    """Inside a transaction, as its last statement: raise ``LeaseLost`` unless the lease runs. Locks its row until the
    commit, so nobody takes it over in between.
    """
    if _ours(term).update(term=F("term")) != 1:
        raise LeaseLost


def give_back(term: Term) -> None:
    """End the lease now, so that another keeper need not wait."""
    _ours(term).update(ends_at=now())


def is_held() -> bool:
    """Return whether some keeper's lease runs."""
    return KeeperLease.objects.filter(name=NAME, ends_at__gt=now()).exists()


def _ours(term: Term) -> QuerySet[KeeperLease]:
    return KeeperLease.objects.filter(name=NAME, holder=term.holder, term=term.number, ends_at__gt=now())
