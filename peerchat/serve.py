"""``peerchat serve``: one process with writer, hub, keeper and a web server, and how it goes away.

Daphne has no lifespan, and SIGTERM would cut its sockets: so its server is subclassed here. A start that
fails ends the process with status 1; a stop refuses what is new, stores and answers what was taken, and sends
each client away with a code that says "come back", all within ``PEERCHAT_DRAIN_SECONDS``.
"""

import asyncio
import os
import resource
import signal
import socket
import threading
from collections.abc import Awaitable, Callable
from logging import WARNING
from typing import Any, Protocol

from channels.layers import get_channel_layer
from django.conf import settings

from peerchat import health
from peerchat.config import Config
from peerchat.logging import event, log_loop_error
from rooms.delivery import Delivery

BACKLOG = 4096
STOP_SECONDS = 5
"""What the parts have for ending, after the drain."""
PING_PATIENCE = 0.8
"""Which part of the heartbeat's interval a peer has for its answer."""
CLOSE_SECONDS = 5
"""How long a peer may take to answer a close; then its connection is cut, whatever still waits for it."""
REQUEST_SECONDS = 60
"""How long a whole request may take to arrive, and how long a connection may say nothing."""
_FILES_FOR_OTHERS = 128
"""Open files that are no connections: databases, Redis, the key file, the app's files."""


class Part(Protocol):
    """Something else that lives as long as the process, such as the keeper."""

    def start(self) -> None:
        """Start; does not block."""

    def stop(self, *, timeout_seconds: float) -> None:
        """End within ``timeout_seconds``; may block that long."""


class Process:
    """What runs beside the web server, in its event loop; the same for every server."""

    def __init__(self, *, config: Config, parts: list[Part]) -> None:
        self._config = config
        self._parts = parts
        self._delivery: Delivery | None = None

    async def start(self) -> None:
        """Start everything; only then may the server listen."""
        asyncio.get_running_loop().set_exception_handler(log_loop_error)
        layer = get_channel_layer()
        if layer is None:
            raise RuntimeError("no channel layer is configured")
        self._delivery = Delivery(layer=layer, alone=self._config.redis_url is None)
        await self._delivery.start()
        for part in self._parts:
            part.start()

    async def drain(
        self, *, stop_listening: Callable[[], None], settle: Callable[[], Awaitable[None]]
    ) -> None:
        """Send everyone away; ``settle`` waits for the server's running requests. Gives up at the deadline.

        Alone, a server listens to the end, so that who comes meanwhile is told to come back. One that shares its
        socket leaves new connections to the others from the start.
        """
        health.set_draining(True)
        event("serve.draining")
        if self._config.listen_fd is not None:
            stop_listening()
        try:
            async with asyncio.timeout(self._config.drain_seconds):
                if self._delivery is not None:
                    await self._delivery.drain()
                await settle()
            stop_listening()
        except TimeoutError:
            event("serve.drain_cut_short")

    async def stop(self) -> None:
        """End everything, whatever state it is in."""
        health.set_draining(True)
        for part in self._parts:
            try:
                await asyncio.to_thread(part.stop, timeout_seconds=STOP_SECONDS)
            except Exception as error:
                event("serve.part_stop_failed", error=error)
        if self._delivery is not None:
            await self._delivery.stop(timeout_seconds=STOP_SECONDS)
        event("serve.stopped")


def run() -> int:
    """Serve until SIGTERM or SIGINT, with Django set up; return the process's status: 1 when it could not
    start.
    """
    config: Config = settings.PEERCHAT
    prepare_process()
    process = Process(config=config, parts=_parts(config))
    # Each server brings its own event loop, so only the chosen one is imported.
    if config.server == "uvicorn":
        from peerchat.serve_uvicorn import serve
    else:
        from peerchat.serve_daphne import serve
    return 0 if serve(config=config, process=process) else 1


def _parts(config: Config) -> list[Part]:
    from moderation.dead_man import DeadMan
    from moderation.keeper import Keeper
    from moderation.keeper_watch import KeeperWatch

    health.register_check(DeadMan().works)
    return [Keeper() if config.keeper == "inside" else KeeperWatch()]


def prepare_process() -> None:
    """Allow no core file, and as many sockets as the machine lets us have."""
    # A core file would hold what was in memory: tokens, hour keys.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    # Each socket is an open file; the usual soft limit of 1,024 is a room or two of phones.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def handed_over(config: Config) -> socket.socket | None:
    """Return the listening socket that we were started with: a copy, so that closing it leaves the others theirs."""
    if config.listen_fd is None:
        return None
    shared = socket.socket(fileno=os.dup(config.listen_fd))
    # Else whoever finds that another process was quicker would wait in ``accept``, and with it everyone it serves.
    shared.setblocking(False)
    return shared


def connections_limit(config: Config) -> int:
    """Return how many connections this process may have: never so many that the next open file fails, which would
    stop the database too.
    """
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files == resource.RLIM_INFINITY or files - _FILES_FOR_OTHERS >= config.connections_max:
        return config.connections_max
    allowed = max(files - _FILES_FOR_OTHERS, 1)
    event("serve.few_open_files", level=WARNING, connections_max=allowed)
    return allowed


def say_listening(config: Config) -> None:
    """Log where; what was handed over is known to whoever did."""
    if config.listen_fd is None:
        event("serve.listening", port=config.port)
    else:
        event("serve.listening")


def on_stop_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], Any]) -> None:
    """Call ``stop`` at the first SIGTERM or SIGINT; a second one ends the process at once."""
    asked = False

    def hear() -> None:
        nonlocal asked
        if asked:
            event("serve.killed")
            os._exit(1)
        asked = True
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, hear)


def end_at_the_latest(seconds: float) -> None:
    """End the process after ``seconds`` even if something hangs: whoever restarts it must not wait for ever."""

    def end() -> None:
        event("serve.stop_hung")
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
