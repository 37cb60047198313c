"""The keeper destroys keys before it deletes rows, starts with what is overdue, and outlives a fault."""

from __future__ import annotations

import threading
from datetime import datetime

import pytest

from moderation import keeper
from moderation.keeper import Keeper
from rooms import retention, shredding
from tests.support.people import Person
from tests.support.rooms import OpenRoom
from tests.support.time import HandClock


def test_what_is_due_is_done_keys_first(
    room: OpenRoom, amal: Person, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    destroy, erase = shredding.destroy_due, retention.erase_expired

    def destroy_noted(moment: datetime) -> int:
        order.append("keys")
        return destroy(moment)

    def erase_noted(moment: datetime) -> retention.Erased:
        order.append("rows")
        return erase(moment)

    monkeypatch.setattr(shredding, "destroy_due", destroy_noted)
    monkeypatch.setattr(retention, "erase_expired", erase_noted)
    room.says(amal)
    assert keeper.keep_once() == retention.Erased()
    clock.forward(hours=26)
    assert keeper.keep_once().messages == 1
    assert order == ["keys", "rows", "keys", "rows"]


class Steps:
    """Stands in for ``keep_once``: fails where told, and lets the test wait for each step."""

    def __init__(self, *, failing: set[int]) -> None:
        self.done = threading.Semaphore(0)
        self._count = 0
        self._failing = failing

    def __call__(self) -> retention.Erased:
        self._count += 1
        try:
            if self._count in self._failing:
                raise OSError("the disk is away")
            return retention.Erased()
        finally:
            self.done.release()


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, db: None) -> Steps:
    fake = Steps(failing={1, 2})
    monkeypatch.setattr(keeper, "keep_once", fake)
    return fake


def test_it_goes_on_after_a_fault_and_stops_when_told(steps: Steps) -> None:
    running = Keeper(period_seconds=0.001)
    running.start()
    for _ in range(4):
        assert steps.done.acquire(timeout=5)
    running.stop(timeout_seconds=5)
    assert "keeper" not in {thread.name for thread in threading.enumerate()}


def test_one_that_never_started_stops_too() -> None:
    Keeper().stop(timeout_seconds=1)
