"""Uvicorn, as ``serve`` runs it: the same start and end as with Daphne, about a fifth less CPU.

Knows the insides of uvicorn 0.54's ``websockets-sansio``; tests/peerchat runs a real one.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from peerchat.config import Config
from peerchat.logging import event
from peerchat.protocol import limits
from peerchat.serve import BACKLOG, STOP_SECONDS, Process, end_at_the_latest, handed_over, on_stop_signals
from rooms.fastwrite import EXTENSION

PING_SECONDS = 20
PING_TIMEOUT_SECONDS = 30
SETTLE_SECONDS = 0.05


class DeviceSocket(WebSocketsSansIOProtocol):
    """A WebSocket that takes frames with their header (``rooms.fastwrite.FastPath``)."""

    async def run_asgi(self) -> None:
        """Offer the short cut for writing; the scope is made by now, and nobody has read it."""
        extensions: dict[str, object] = self.scope.setdefault("extensions", {})  # type: ignore[assignment]
        extensions[EXTENSION] = self
        await super().run_asgi()

    def write_wire(self, data: bytes) -> None:
        """Write whole frames; nothing once the socket is closing. Frames from a server leave no state behind."""
        if self.handshake_complete and not self.close_sent and not self.transport.is_closing():
            self.transport.write(data)

    async def drained(self) -> None:
        """Wait until the transport's buffer has emptied, or the connection is gone."""
        await self.writable.wait()


class UvicornServer(uvicorn.Server):
    """Uvicorn without its signal handlers: it ends when our drain says so."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to ``serve``."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so as with Daphne."""
        await super().startup(sockets=sockets)
        event("serve.listening", port=self.config.port)


async def _serve(*, config: Config, process: Process) -> bool:
    from peerchat.asgi import application

    server = UvicornServer(
        uvicorn.Config(
            application,
            host=config.host,
            port=config.port,
            ws=DeviceSocket,
            ws_max_size=2 * limits.FRAME_MAX_BYTES,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PING_TIMEOUT_SECONDS,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=1,
        )
    )
    stop = asyncio.Event()
    on_stop_signals(asyncio.get_running_loop(), stop.set)

    def stop_listening() -> None:
        for listener in server.servers:
            listener.close()

    async def settle() -> None:
        while server.server_state.tasks:
            await asyncio.wait(set(server.server_state.tasks))

    serving: asyncio.Task[None] | None = None
    try:
        await process.start()
        shared = handed_over(config)
        serving = asyncio.create_task(server.serve(sockets=None if shared is None else [shared]))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            return False
        end_at_the_latest(config.drain_seconds + 6 * STOP_SECONDS)
        await process.drain(stop_listening=stop_listening, settle=settle)
        return True
    except Exception as error:
        event("serve.start_failed", error=error)
        return False
    finally:
        await process.stop()
        if serving is not None:
            server.should_exit = True
            await asyncio.wait({serving}, timeout=STOP_SECONDS)


def serve(*, config: Config, process: Process) -> bool:
    """Serve until told to stop; return whether it could."""
    return asyncio.run(_serve(config=config, process=process))
