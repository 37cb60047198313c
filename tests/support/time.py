"""A clock that a test moves by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import time_ns

from peerchat import clock


class HandClock:
    """Starts at the real time; moves only when told."""

    def __init__(self) -> None:
        self.ms = time_ns() // 1_000_000

    def forward(self, **amount: float) -> None:
        """Move on, by the arguments of ``timedelta``."""
        self.ms += timedelta(**amount) // timedelta(milliseconds=1)

    @contextmanager
    def running(self) -> Iterator[HandClock]:
        """Let this clock tell the time inside the block."""
        with clock.replaced(lambda: self.ms):
            yield self
