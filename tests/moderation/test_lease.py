"""One keeper at a time: a lease that is taken by compare-and-swap, renewed, and never outlived."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from moderation import lease
from moderation.models import KeeperLease
from tests.support.time import HandClock

pytestmark = pytest.mark.django_db


def test_the_first_to_ask_is_the_keeper_and_the_second_is_not(clock: HandClock) -> None:
    term = lease.take("one")
    assert term == lease.Term("one", 1)
    assert lease.take("two") is None
    assert lease.is_held()


def test_a_lease_that_nobody_renews_goes_to_the_next(clock: HandClock) -> None:
    first = lease.take("one")
    assert first is not None
    clock.forward(seconds=lease.LEASE_SECONDS - 0.1)
    assert lease.take("two") is None
    clock.forward(seconds=0.1)
    assert not lease.is_held()
    assert lease.take("two") == lease.Term("two", 2)
    assert not lease.renew(first)


def test_a_lease_that_is_renewed_stays(clock: HandClock) -> None:
    term = lease.take("one")
    assert term is not None
    for _ in range(10):
        clock.forward(seconds=lease.LEASE_SECONDS - 1)
        assert lease.renew(term)
    assert lease.take("two") is None


def test_one_that_was_given_back_is_free_at_once(clock: HandClock) -> None:
    term = lease.take("one")
    assert term is not None
    lease.give_back(term)
    assert lease.take("two") == lease.Term("two", 2)
    lease.give_back(term)
    assert lease.take("three") is None, "an old term gives nothing back"


def test_work_of_a_holder_that_was_stopped_is_not_committed(clock: HandClock) -> None:
    """It began in time, was stopped, and went on after another had taken over: in the middle of a transaction."""
    stopped = lease.take("one")
    assert stopped is not None

    def work_too_long() -> None:
        with transaction.atomic():
            KeeperLease.objects.create(name="work", holder="one", ends_at="2020-01-01T00:00Z")
            clock.forward(seconds=lease.LEASE_SECONDS)
            lease.confirm(stopped)

    with pytest.raises(lease.LeaseLost):
        work_too_long()
    assert not KeeperLease.objects.filter(name="work").exists()


def test_its_own_later_term_does_not_cover_the_work_of_an_earlier_one(clock: HandClock) -> None:
    first = lease.take("one")
    assert first is not None
    clock.forward(seconds=lease.LEASE_SECONDS)
    second = lease.take("one")
    assert second is not None
    with transaction.atomic():
        lease.confirm(second)
    with pytest.raises(lease.LeaseLost), transaction.atomic():
        lease.confirm(first)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_first_ever", [True, False])
def test_of_many_that_ask_at_once_one_gets_it(is_first_ever: bool) -> None:
    if not is_first_ever:
        term = lease.take("before")
        assert term is not None
        lease.give_back(term)
    together = threading.Barrier(8)

    def ask(number: int) -> lease.Term | None:
        try:
            together.wait(10)
            return lease.take(f"keeper {number}")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        terms = list(pool.map(ask, range(8)))
    assert sum(term is not None for term in terms) == 1
