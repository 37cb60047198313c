"""Escalations while keepers are killed and receivers fail: none lost, none closed without an outcome, none stuck.

Two real keepers on the database that this process raises cases in; ``kill -9`` hits the one that works. One receiver
is sound, the other answers with errors or hangs. ``make test-escalation-chaos`` raises 10,000, ``make test`` a few.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from moderation.escalation import acknowledge
from moderation.escalation.models import Case
from moderation.escalation.terms import OPEN, Outcome
from moderation.escalation.withdraw import withdraw_case
from peerchat.clock import now_ms
from peerchat.protocol.signed import InviteRole
from tests.faults.load import seed_of_this_run
from tests.faults.test_keepers import HAND_OVER_SECONDS, KeeperProcess
from tests.support.cases import add_contact, ask, counselor, raise_request
from tests.support.people import Village
from tests.support.server import environment_for
from tests.support.sinks import WebSink

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

CASES = int(os.environ.get("ESCALATIONS", "24"))
CALM_FIRST = CASES // 2
BETWEEN_KILLS_SECONDS = 12.0
"""So that the other keeper began, and another stands by: the promise is about a crash, not about ten in a row."""
AFTER_A_CRASH_SECONDS = 15.0
FIRST_PAGE_SECONDS = 5.0


def database_url() -> str:
    """Return the address of the database that this test uses."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return os.environ["PEERCHAT_DATABASE_URL"].rpartition("/")[0] + f"/{name}"


class Keepers:
    """Two of them; whoever works is killed, and another is started in its place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = environment_for(
            folder, keeper="apart", database_url=database_url(), page_private_targets="1"
        )
        self._count = 0
        self.kills: list[float] = []
        self.running = [self._start(), self._start()]

    def _start(self) -> KeeperProcess:
        self._count += 1
        return KeeperProcess.start(self._folder, f"keeper-{self._count}", self._environment)

    def kill_the_one_that_works(self) -> None:
        working = max(self.running, key=lambda one: max(one.terms(), default=0))
        working.signal(signal.SIGKILL)
        working.process.wait()
        self.kills.append(time.monotonic())
        self.running.remove(working)
        self.running.append(self._start())

    def close(self) -> None:
        for one in self.running:
            one.process.kill()
            one.process.wait()


@contextmanager
def chaos(sink: WebSink, source: random.Random) -> Iterator[None]:
    """Let the sink answer well, badly, or not at all, by turns."""
    ended = threading.Event()

    def play() -> None:
        while not ended.wait(source.uniform(0.1, 0.6)):
            hold, sink.hold = sink.hold, None
            if hold is not None:
                hold.set()
            sink.status = source.choice([204, 500, 503, 302])
            if source.random() < 0.3:
                sink.hold = threading.Event()

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(5)


def wait_until(met: Callable[[], bool], *, seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def test_nothing_is_lost_by_kills_and_broken_receivers(tmp_path: Path) -> None:
    seed = seed_of_this_run()
    source = random.Random(seed)
    village = Village.found(demo=True)
    leader = village.join("Lee", role=InviteRole.LEADER)
    ada, bea = counselor(village, "Ada", contact=None), counselor(village, "Bea", contact=None)
    raised: dict[str, float] = {}
    with WebSink.running() as sound, WebSink.running() as broken, chaos(broken, source):
        add_contact(ada, f"{sound.url}/a")
        add_contact(bea, f"{broken.url}/b")
        keepers = Keepers(tmp_path)
        ends = Ends(source, counselor=ada.person.device, leader=leader.device)
        try:
            wait_until(
                lambda: any(one.terms() for one in keepers.running), seconds=60, what="no keeper began"
            )
            for number in range(1, CASES + 1):
                request = raise_request([ada, bea]).model_copy(update={"for_other": True})
                # The client's clock begins before it asks.
                raised[request.case_id.hex()] = time.monotonic()
                ask(leader, request)
                if number == CALM_FIRST:
                    paged = lambda: len(first_pages(sound)) == CALM_FIRST  # noqa: E731 - said once
                    wait_until(paged, seconds=60, what="a case was never paged")
                calm_since = keepers.kills[-1] if keepers.kills else 0.0
                if number > CALM_FIRST and time.monotonic() - calm_since > BETWEEN_KILLS_SECONDS:
                    keepers.kill_the_one_that_works()
                if number % 20 == 0:
                    ends.end(first_pages(sound))
                time.sleep(source.uniform(0, 0.1))
            wait_until(lambda: len(first_pages(sound)) == CASES, seconds=60, what="a case was never paged")
            ends.end(first_pages(sound))
            wait_until(none_overdue, seconds=30, what="a case is stuck")
        finally:
            keepers.close()
    took = {case: first_pages(sound)[case] - at for case, at in raised.items()}
    calm = sorted(
        seconds
        for case, seconds in took.items()
        if not any(
            raised[case] - HAND_OVER_SECONDS <= kill <= raised[case] + seconds for kill in keepers.kills
        )
    )
    p99 = calm[int(len(calm) * 0.99)] if calm else 0.0
    print(
        f"FAULT_SEED={seed} {CASES} escalations, {len(keepers.kills)} kills; first page: p99 {p99:.2f} s"
        f" of {len(calm)} without a crash, at most {max(took.values()):.2f} s with one"
    )
    assert calm
    assert p99 <= FIRST_PAGE_SECONDS
    assert max(took.values()) <= AFTER_A_CRASH_SECONDS
    assert Case.objects.count() == CASES
    assert not Case.objects.filter(status="closed", outcome__isnull=True).exists()


def first_pages(sink: WebSink) -> dict[str, float]:
    """When the first page of each case arrived."""
    found: dict[str, float] = {}
    for got in list(sink.got):
        found.setdefault(got.headers["webhook-id"].partition(".")[0], got.at)
    return found


class Ends:
    """Ends cases once they were paged: most are taken and closed, others withdrawn; a few are left to the clock."""

    def __init__(self, source: random.Random, *, counselor: Any, leader: Any) -> None:
        self._source, self._counselor, self._leader = source, counselor, leader
        self._seen: set[str] = set()

    def end(self, paged: Iterable[str]) -> None:
        for case in set(paged) - self._seen:
            self._seen.add(case)
            case_id, way = UUID(hex=case), self._source.random()
            if way < 0.6:
                acknowledge.acknowledge(device=self._counselor, case_id=case_id)
                acknowledge.close_case(device=self._counselor, case_id=case_id, outcome=Outcome.TALKED)
            elif way < 0.95:
                withdraw_case(device=self._leader, case_id=case_id)


def none_overdue() -> bool:
    return not Case.objects.filter(status__in=OPEN, deadline_ms__lt=now_ms() - 5_000).exists()
