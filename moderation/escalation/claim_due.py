"""What the clock does to cases: deadlines that passed, holders who may not hold any more, and erasing what is over.

Called by the keeper every second. Each case is its own transaction: one that breaks must not stop the others. Nothing
is kept in memory, so a crash delays a case by the time another keeper needs to begin, and loses nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from moderation.escalation import box_keys
from moderation.escalation.case_rows import step_case
from moderation.escalation.models import Case, CaseBox, CaseEntry
from moderation.escalation.terms import CLOCK_SLACK_MS, ENDED, HELD, OPEN, Due, Note, Release
from moderation.lease import LeaseLost
from moderation.oncall.ladder import counselors_at, ladder_at
from peerchat.logging import event

Atomic = Callable[[], AbstractContextManager[None]]
BATCH = 200


def step_due(now: int, *, atomic: Atomic = transaction.atomic) -> int:
    """Take every case on that is due at ``now`` (UTC ms); return how many were."""
    open_cases = Case.objects.filter(status__in=OPEN)
    due = open_cases.filter(Q(deadline_ms__lte=now) | Q(set_ms__gt=now + CLOCK_SLACK_MS))
    held = open_cases.filter(status__in=HELD).exclude(holder_id__in=counselors_at(now))
    ids = [*due.order_by("deadline_ms").values_list("id", flat=True)[:BATCH]]
    ids += [*held.values_list("id", flat=True)[:BATCH]]
    return sum(_step(case_id, now, atomic) for case_id in dict.fromkeys(ids))


def _step(case_id: UUID, now: int, atomic: Atomic) -> bool:
    with _only_this_case("case.step_failed"), atomic():
        case = Case.objects.select_for_update().get(id=case_id)
        ladder = ladder_at(now)
        if case.status in HELD and case.holder_id is not None and case.holder_id not in counselors_at(now):
            step_case(case, Release(case.holder_id, ladder), now)
        else:
            step_case(case, Due(ladder), now)
        return True
    return False


def erase_over(now: int, *, atomic: Atomic = transaction.atomic) -> int:
    """Erase what was sealed and who raised it, of cases that ended long enough ago; return how many."""
    ids = list(
        Case.objects.filter(status__in=ENDED, erase_ms__lte=now)
        .filter(Q(sealed__isnull=False) | Q(raiser__isnull=False))
        .values_list("id", flat=True)[:BATCH]
    )
    erased = 0
    for case_id in ids:
        with _only_this_case("case.erase_failed"), atomic():
            case = Case.objects.select_for_update().get(id=case_id)
            CaseBox.objects.filter(case=case).delete()
            case.sealed, case.raiser, case.log_index = None, None, case.log_index + 1
            CaseEntry.objects.create(case=case, index=case.log_index, note=Note.ERASED.value, at_ms=now)
            case.save()
            erased += 1
    box_keys.forget_ended(now)
    return erased


@contextmanager
def _only_this_case(code: str) -> Iterator[None]:
    """Log what broke and go on with the next case. What says that the lease is lost goes through."""
    try:
        yield
    except LeaseLost:
        raise
    except Exception as error:
        event(code, error=error)
