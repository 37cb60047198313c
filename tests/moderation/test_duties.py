"""What is due is done keys first, and only under a lease that runs."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from moderation import duties, lease
from moderation.duties import Tenure
from rooms import retention, shredding
from rooms.models import Message
from tests.support.people import Person
from tests.support.rooms import OpenRoom
from tests.support.time import HandClock


def tenure() -> Tenure:
    term = lease.take("test") or lease.Term("test", 0)
    return Tenure(term, deadline=time.monotonic() + lease.LEASE_SECONDS)


def test_what_is_due_is_done_keys_first(
    room: OpenRoom, amal: Person, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    destroy, erase = shredding.destroy_due, retention.erase_expired

    def destroy_noted(moment: datetime) -> int:
        order.append("keys")
        return destroy(moment)

    def erase_noted(moment: datetime, *, atomic: retention.Atomic) -> retention.Erased:
        order.append("rows")
        return erase(moment, atomic=atomic)

    monkeypatch.setattr(shredding, "destroy_due", destroy_noted)
    monkeypatch.setattr(retention, "erase_expired", erase_noted)
    room.says(amal)
    duties.keep_retention(tenure())
    assert Message.objects.count() == 1
    clock.forward(hours=26)
    duties.keep_retention(tenure())
    assert Message.objects.count() == 0
    assert order == ["keys", "rows", "keys", "rows"]


def test_without_a_lease_nothing_is_touched(room: OpenRoom, amal: Person, clock: HandClock) -> None:
    room.says(amal)
    clock.forward(hours=26)
    late = tenure()
    late.deadline = time.monotonic()
    with pytest.raises(lease.LeaseLost):
        duties.keep_retention(late)
    assert Message.objects.count() == 1


def test_a_holder_that_does_not_know_yet_that_it_lost_the_lease_commits_nothing(
    room: OpenRoom, amal: Person, clock: HandClock
) -> None:
    """As after SIGSTOP and SIGCONT: its own clock has told it nothing so far."""
    room.says(amal)
    clock.forward(hours=26)
    stopped = tenure()
    clock.forward(seconds=lease.LEASE_SECONDS)
    assert lease.take("another") is not None
    with pytest.raises(lease.LeaseLost):
        duties.keep_retention(stopped)
    assert Message.objects.count() == 1


def test_retention_is_a_duty() -> None:
    assert duties.keep_retention in {duty.do for duty in duties.registered()}
