"""A few threads that read the database for the event loop, so that nothing waits in it.

Bounded: at most ``THREADS`` reads at once for all sockets of the process. Each thread keeps its connection: a new one
costs more than most reads (measured: four fifths of what a socket's joining cost). A read whose connection had died, as
after the database's restart, is made once more on a new one.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connection

P = ParamSpec("P")
R = TypeVar("R")
THREADS = 4


class Readers:
    """One pool for the process."""

    def __init__(self, *, threads: int = THREADS) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="rooms-read")

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Return ``function(*args, **kwargs)``, called in one of the threads; raise what it raises.

        It may be called twice, so it must not matter how often.
        """

        def call() -> R:
            try:
                return function(*args, **kwargs)
            except (OperationalError, InterfaceError):
                connection.close()
                return function(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    async def stop(self) -> None:
        """Let running reads end and close every thread's connection."""
        everyone = threading.Barrier(self._threads)

        def close() -> None:
            # Each thread must take one: nobody leaves before all have come.
            everyone.wait(timeout=5)
            connection.close()

        def close_all() -> None:
            closing = [self._pool.submit(close) for _ in range(self._threads)]
            for done in closing:
                done.exception()
            self._pool.shutdown(wait=True)

        await asyncio.to_thread(close_all)
