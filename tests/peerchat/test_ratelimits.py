"""Rate limits: counted by what a person holds, forgotten within the hour."""

import pytest

from peerchat import clock, ratelimits
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.ratelimits import Limit, RateLimiter, When

THREE = Limit("three", amount=3, window_ms=60_000, when_full=When.OPEN)
CLOSED = Limit("closed", amount=3, window_ms=60_000, when_full=When.CLOSED)
START = 1_750_000_000_000 // ratelimits.HOUR_MS * ratelimits.HOUR_MS


class Now:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.ms = START

    def __call__(self) -> int:
        return self.ms


def refused(limiter: RateLimiter, limit: Limit, subject: bytes) -> int | None:
    try:
        limiter.take(limit, subject)
    except PeerChatError as error:
        return error.details["wait_ms"] if error.code is ErrorCode.RATE_LIMITED else -1
    return None


def test_a_limit_lets_its_amount_through_and_tells_how_long_to_wait() -> None:
    limiter, now = RateLimiter(), Now()
    with clock.replaced(now):
        assert [refused(limiter, THREE, b"a") for _ in range(5)] == [None, None, None, 20_000, 20_000]
        now.ms += 19_999
        assert refused(limiter, THREE, b"a") == 1
        now.ms += 1
        assert refused(limiter, THREE, b"a") is None


def test_what_was_refused_does_not_count() -> None:
    limiter, now = RateLimiter(), Now()
    with clock.replaced(now):
        for _ in range(50):
            refused(limiter, THREE, b"a")
        now.ms += 20_000
        assert refused(limiter, THREE, b"a") is None


def test_subjects_and_limits_do_not_touch_each_other() -> None:
    limiter = RateLimiter()
    for _ in range(4):
        refused(limiter, THREE, b"a")
    assert refused(limiter, THREE, b"b") is None
    assert refused(limiter, CLOSED, b"a") is None


def test_after_the_hour_neither_counts_nor_key_are_left() -> None:
    limiter, now = RateLimiter(), Now()
    with clock.replaced(now):
        limiter.take(THREE, b"a")
        key, counted = limiter._key, set(limiter._buckets)
        now.ms += ratelimits.HOUR_MS
        limiter.take(THREE, b"a")
        assert limiter._key != key
        assert not counted & set(limiter._buckets)


def test_who_was_counted_cannot_be_read_from_memory() -> None:
    limiter = RateLimiter()
    limiter.take(THREE, b"an account id")
    assert all(b"an account id" not in kept for kept in limiter._buckets)


def test_a_full_table_fails_as_its_row_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratelimits, "_COUNTERS_MAX", 2)
    limiter = RateLimiter()
    limiter.take(THREE, b"a")
    limiter.take(THREE, b"b")
    limiter.take(THREE, b"c")
    limiter.take(THREE, b"a")
    assert refused(limiter, CLOSED, b"c") is not None
    assert len(limiter._buckets) == 2
