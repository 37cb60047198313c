"""The one source of time, replaceable in tests.

It does not convert time zones: every moment in the product is UTC milliseconds since 1970 (an ``int``) on the
wire, and an aware ``datetime`` in the database.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import time_ns

_source: Callable[[], int] = lambda: time_ns() // 1_000_000  # noqa: E731 - a replaceable slot, not a function


def now_ms() -> int:
    """Return the present as UTC milliseconds since 1970."""
    return _source()


def now() -> datetime:
    """Return the present as an aware UTC ``datetime`` with millisecond precision."""
    return from_ms(now_ms())


def from_ms(moment: int) -> datetime:
    """Return ``moment`` (UTC milliseconds since 1970) as an aware ``datetime``."""
    return datetime.fromtimestamp(moment / 1000, tz=UTC)


def to_ms(moment: datetime) -> int:
    """Return an aware ``datetime`` as UTC milliseconds since 1970, rounded to the nearest."""
    return round(moment.timestamp() * 1000)


@contextmanager
def replaced(source: Callable[[], int]) -> Iterator[None]:
    """Let ``source`` tell the time inside the block (tests only)."""
    global _source
    before = _source
    _source = source
    try:
        yield
    finally:
        _source = before
