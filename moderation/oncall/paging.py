"""The outbox on its way: takes pages that are due, sends many at once, and tells the ladder which failed.

The keeper calls ``Pager.work`` every second. Sending happens in threads of its own, which touch no database: a slow
receiver holds a thread and neither the keeper nor a case. A page goes out at least once: a keeper that dies after
sending and before writing it down leaves it to the next, and the receiver sees the same ``message_id``.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from moderation.escalation.case_rows import step_case
from moderation.escalation.models import Case, Page, PageState
from moderation.escalation.terms import OPEN, PageFailed
from moderation.lease import LeaseLost
from moderation.oncall import senders
from moderation.oncall.ladder import ladder_at
from moderation.oncall.senders import Outgoing
from peerchat.config import Config
from peerchat.logging import event

Atomic = Callable[[], AbstractContextManager[None]]
Send = Callable[[Outgoing, Config], bool]
THREADS = 16
PLACE_MAX = 4
"""Threads that one receiver can hold at once."""
TURN_SECONDS = 0.8
LEASE_MS = 12_000
"""Longer than any try takes; after it another may try."""
TRIES = 6
BACKOFF_MS = (1_000, 2_000, 4_000, 8_000, 15_000)


@dataclass(frozen=True, slots=True)
class _Claim:
    page_id: int
    contact_id: int
    round: int
    place: str
    outgoing: Outgoing


class Pager:
    """One for each keeper. ``turn_seconds``: how long ``work`` stays while pages come back and more are due.

    ``send`` is replaced in tests of crashes alone.
    """

    def __init__(self, send: Send = senders.send, *, turn_seconds: float = TURN_SECONDS) -> None:
        self._send = send
        self._turn_seconds = turn_seconds
        self._pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="pager")
        self._busy: Counter[str] = Counter()
        self._done: list[tuple[_Claim, bool]] = []
        self._lock = threading.Condition()
        self._term: object = None

    def work(self, now: int, *, term: object = None, atomic: Atomic = transaction.atomic) -> int:
        """Write down what came back and begin to send what is due at ``now`` (UTC ms), again and again while there is
        more; return how many were begun.

        ``term``: another one than last time means that another keeper may have died at work, so what it had taken is
        due at once.
        """
        if term != self._term:
            with atomic():
                Page.objects.filter(state=PageState.WAITING, lease_ms__gt=now).update(due_ms=now, lease_ms=0)
            self._term = term
        until = time.monotonic() + self._turn_seconds
        self.write_down(now, atomic=atomic)
        begun = 0
        while claims := self._claim(now, atomic):
            begun += len(claims)
            for claim in claims:
                self._pool.submit(self._send, claim.outgoing, settings.PEERCHAT).add_done_callback(
                    lambda sent, claim=claim: self._came_back(claim, sent)  # type: ignore[misc]  # bound now
                )
            with self._lock:
                # A burst to one receiver goes at its own pace; one that hangs holds us for this turn at most.
                if not self._lock.wait_for(lambda: self._done, max(0.0, until - time.monotonic())):
                    break
            self.write_down(now, atomic=atomic)
        return begun

    def write_down(self, now: int, *, atomic: Atomic = transaction.atomic) -> None:
        """Write down what came back since the last call; one that cannot be written is kept for the next."""
        with self._lock:
            done, self._done = self._done, []
        if not done:
            return
        try:
            # One transaction for all of them: a burst is bound by how often the disk is asked to flush.
            with atomic():
                for claim, sent in done:
                    _record(claim, sent, now)
            return
        except LeaseLost:
            self._keep(done)
            raise
        except Exception as error:
            event("page.batch_failed", error=error)
        for position, (claim, sent) in enumerate(done):
            try:
                with atomic():
                    _record(claim, sent, now)
            except BaseException:
                # The one that broke is left to its lease; the others wait for the next call.
                self._keep(done[position + 1 :])
                raise

    def _keep(self, done: list[tuple[_Claim, bool]]) -> None:
        with self._lock:
            self._done = done + self._done

    def close(self) -> None:
        """Wait for what is being sent."""
        self._pool.shutdown(wait=True)

    def _came_back(self, claim: _Claim, sent: "Future[bool]") -> None:
        if sent.exception() is not None:
            event("page.broken", error=sent.exception())
        with self._lock:
            self._busy[claim.place] -= 1
            self._done.append((claim, sent.exception() is None and sent.result()))
            self._lock.notify_all()

    def _claim(self, now: int, atomic: Atomic) -> list[_Claim]:
        # Looked at first without a transaction: most seconds there is nothing, and a transaction is a lock on SQLite.
        if not Page.objects.filter(state=PageState.WAITING, due_ms__lte=now).exists():
            return []
        with atomic():
            due = (
                Page.objects.select_for_update(of=("self",), skip_locked=True)
                .filter(state=PageState.WAITING, due_ms__lte=now, case__status__in=OPEN)
                .select_related("contact", "case")
                .order_by("due_ms", "id")
            )
            claims: list[_Claim] = []
            held_up: set[int] = set()
            # A receiver that takes nothing more must not fill the list, so that others never come up.
            while rows := list(due.exclude(contact_id__in=held_up)[:200]):
                taken, refused = self._with_room([_claim_of(page, now) for page in rows])
                claims += taken
                if not refused:
                    break
                held_up |= {one.contact_id for one in refused}
                due = due.exclude(id__in=[one.page_id for one in claims])
            Page.objects.filter(id__in=[one.page_id for one in claims]).update(
                due_ms=now + LEASE_MS, lease_ms=now + LEASE_MS
            )
        return claims

    def _with_room(self, wanted: list[_Claim]) -> tuple[list[_Claim], list[_Claim]]:
        """Return those that begin now, and those whose receiver (or we) have enough at once."""
        taken: list[_Claim] = []
        refused: list[_Claim] = []
        with self._lock:
            for claim in wanted:
                if self._busy.total() < 2 * THREADS and self._busy[claim.place] < PLACE_MAX:
                    self._busy[claim.place] += 1
                    taken.append(claim)
                else:
                    refused.append(claim)
        return taken, refused


def _claim_of(page: Page, now: int) -> _Claim:
    contact = page.contact
    outgoing = Outgoing(
        kind=contact.kind,
        target=contact.target,
        secret=None if contact.secret is None else bytes(contact.secret),
        message_id=f"{page.case_id.hex}.{page.contact_id}.{page.round}",
        case=page.case_id.hex,
        at_ms=now,
        drill=page.case.drill,
    )
    place = urlsplit(contact.target).hostname or contact.kind
    return _Claim(page.id, page.contact_id, page.round, place, outgoing)


def _record(claim: _Claim, sent: bool, now: int) -> None:
    """Write down one try. The case's lock comes first, as everywhere."""
    page = Page.objects.filter(id=claim.page_id).first()
    if page is None:
        return
    case = Case.objects.select_for_update().get(id=page.case_id)
    page.refresh_from_db()
    if page.round != claim.round or page.state != PageState.WAITING:
        # Armed again, or taken back, meanwhile: only give it free.
        Page.objects.filter(id=page.id, state=PageState.WAITING).update(lease_ms=0, due_ms=now)
        return
    page.attempts += 1
    page.lease_ms = 0
    if sent:
        page.state, page.sent_ms = PageState.SENT, now
    elif page.attempts >= TRIES:
        page.state = PageState.FAILED
    else:
        page.due_ms = now + BACKOFF_MS[page.attempts - 1]
    page.save()
    if not sent and page.attempts == 1:
        step_case(case, PageFailed(page.contact_id, ladder_at(now)), now)
