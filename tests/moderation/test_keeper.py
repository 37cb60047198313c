"""The live keeper: one works, another takes over, a fault ends nothing, and a step that hangs loses the lease."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from moderation import keeper, lease
from moderation.duties import Duty, Tenure
from moderation.keeper import Keeper

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 20


class Work:
    """A duty that lets the test wait for each step, and fails where told."""

    def __init__(
        self, *, failing: set[int] | None = None, before: Callable[[], object] = lambda: None
    ) -> None:
        self.done = threading.Semaphore(0)
        self.terms: list[lease.Term] = []
        self._failing = failing or set()
        self._before = before

    def __call__(self, tenure: Tenure) -> None:
        self.terms.append(tenure.term)
        try:
            self._before()
            if len(self.terms) in self._failing:
                raise OSError("the disk is away")
        finally:
            self.done.release()

    def wait(self, count: int = 1) -> None:
        for _ in range(count):
            assert self.done.acquire(timeout=SECONDS)

    @property
    def duty(self) -> Duty:
        return Duty("work", period_seconds=0.0, do=self)


@contextmanager
def running(*works: Work, hung: Callable[[], None] = lambda: None) -> Iterator[Keeper]:
    one = Keeper(duties_=[work.duty for work in works], hung=hung)
    one.start()
    try:
        yield one
    finally:
        one.stop(timeout_seconds=SECONDS)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(keeper, "RENEW_SECONDS", 0.02)


def test_it_goes_on_after_a_fault_and_stops_when_told() -> None:
    failing, other = Work(failing={1, 2}), Work()
    with running(failing, other):
        failing.wait(4)
        other.wait(4)
    assert {"keeper", "keeper-lease"} & {thread.name for thread in threading.enumerate()} == set()
    assert not lease.is_held(), "it was given back"


def test_of_two_one_works_and_the_other_goes_on_where_it_ends() -> None:
    first, second = Work(), Work()
    with running(first) as one:
        first.wait()
        with running(second):
            first.wait(10)
            assert second.terms == []
            one.stop(timeout_seconds=SECONDS)
            second.wait()
    assert {term.number for term in first.terms} == {1}
    assert {term.number for term in second.terms} == {2}


def test_a_holder_whose_lease_another_took_notices_and_waits() -> None:
    work = Work()
    with running(work):
        work.wait()
        assert lease._ours(work.terms[-1]).update(holder="another", term=7)
        # Two rounds of the other's term: what was under way has ended.
        ended = threading.Event()
        while not ended.wait(0.05) and work.done.acquire(blocking=False):
            pass
        before = len(work.terms)
        assert not ended.wait(0.2)
        assert len(work.terms) == before
        lease.give_back(lease.Term("another", 7))
        while work.terms[-1].number != 8:
            work.wait()


def test_a_step_that_hangs_loses_the_lease_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "HUNG_SECONDS", 0.05)
    monkeypatch.setattr(lease, "_LEASE", timedelta(seconds=0.5))
    go_on, told = threading.Event(), threading.Event()
    stuck, other = Work(before=lambda: go_on.wait(SECONDS)), Work()
    with running(stuck, hung=told.set):
        assert told.wait(SECONDS)
        with running(other):
            other.wait()
        go_on.set()
        stuck.wait()


def test_one_that_never_started_stops_too() -> None:
    Keeper().stop(timeout_seconds=1)
