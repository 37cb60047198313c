"""A crash at any statement of the database, from the tap to the page, loses nothing and closes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import connection

from moderation.escalation import claim_due
from moderation.escalation.models import Case, Page
from moderation.oncall.paging import Pager
from moderation.oncall.senders import Outgoing
from peerchat.config import Config
from peerchat.protocol.signed import InviteRole
from tests.support.cases import Counselor, ask, raise_request
from tests.support.people import Village
from tests.support.time import HandClock

STRIDE = 1 if "ESCALATIONS" in os.environ else 4
"""``make test-escalation-chaos`` crashes at every statement, ``make test`` at every fourth."""


class Crash(BaseException):
    """The process ends here. No handler of ours may catch it."""


class Crashing:
    """Lets ``left`` statements through, then crashes once."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.crashed = False

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not self.crashed:
            if self.left == 0:
                self.crashed = True
                raise Crash
            self.left -= 1
        return execute(sql, params, many, context)


@contextmanager
def crash_after(statements: int) -> Iterator[Crashing]:
    crashing = Crashing(statements)
    with connection.execute_wrapper(crashing):
        try:
            yield crashing
        except Crash:
            return


def test_a_crash_at_any_statement_loses_nothing(village: Village, ada: Counselor, clock: HandClock) -> None:
    leader = village.join("Lee", role=InviteRole.LEADER)
    sent: list[str] = []

    def send(page: Outgoing, config: Config) -> bool:
        sent.append(page.case)
        return True

    def keep(pager: Pager, term: int) -> None:
        claim_due.step_due(clock.ms)
        pager.work(clock.ms, term=term)

    statements, crashes = 0, 0
    while True:
        request = raise_request([ada]).model_copy(update={"for_other": True})
        case_id = UUID(bytes=request.case_id)
        raised = clock.ms
        with crash_after(statements) as crashing:
            ask(leader, request)
            keep(Pager(send, turn_seconds=1), 2 * statements)
            clock.forward(seconds=30)
            keep(Pager(send, turn_seconds=1), 2 * statements)
        # Another process begins: the client asks again until it is answered, and the next keeper does what is due.
        ask(leader, request)
        fresh = Pager(send, turn_seconds=1)
        keep(fresh, 2 * statements + 1)
        fresh.close()
        assert case_id.hex in sent, f"lost by a crash at statement {statements}"
        assert clock.ms - raised <= 30_000
        case = Case.objects.get(id=case_id)
        assert (case.status, case.outcome) == ("paging", None)
        assert Page.objects.filter(case=case).count() == 1
        if not crashing.crashed:
            break
        statements, crashes = statements + STRIDE, crashes + 1
        case.delete()
    assert crashes * STRIDE > 30
