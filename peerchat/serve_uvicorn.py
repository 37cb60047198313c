"""Uvicorn, as ``serve`` runs it: the same start and end as with Daphne, about a fifth less CPU.

Knows the insides of uvicorn 0.54's ``websockets-sansio``; tests/peerchat runs a real one.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h11
import uvicorn
from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from peerchat.config import Config
from peerchat.intake import FRAGMENTS_MAX, Intake
from peerchat.logging import event
from peerchat.protocol import limits
from peerchat.serve import (
    BACKLOG,
    CLOSE_SECONDS,
    PING_PATIENCE,
    REQUEST_SECONDS,
    STOP_SECONDS,
    Process,
    connections_limit,
    end_at_the_latest,
    handed_over,
    on_stop_signals,
    say_listening,
)
from rooms.fastwrite import EXTENSION

ANSWER_SECONDS = 300
"""How long an answer may take, until its last byte is taken."""
_SLICE_BYTES = 4_096


class DeviceSocket(WebSocketsSansIOProtocol):
    """A WebSocket that takes frames with their header (``rooms.fastwrite.FastPath``), and reads no faster than
    ``Intake`` lets it.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.intake = Intake(loop=self.loop, turn=self._turn)
        # uvicorn stops and starts reading for each message; the tap does it only where something piles up.
        self.queue = self.intake.inbox  # type: ignore[assignment]
        self._unread = b""

    def connection_lost(self, exc: Exception | None) -> None:
        """Let no timer keep what is gone."""
        self.intake.end()
        super().connection_lost(exc)

    async def run_asgi(self) -> None:
        """Offer the short cut for writing; the scope is made by now, and nobody has read it."""
        extensions: dict[str, object] = self.scope.setdefault("extensions", {})  # type: ignore[assignment]
        extensions[EXTENSION] = self
        await super().run_asgi()

    # --- reading -----------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Parse slice by slice, and stop in the middle of what was read when the tap closes."""
        self._unread += data
        self._parse()

    def _parse(self) -> None:
        while self._unread and self.intake.is_open and not self.transport.is_closing():
            part, self._unread = self._unread[:_SLICE_BYTES], self._unread[_SLICE_BYTES:]
            super().data_received(part)

    def handle_events(self) -> None:
        """Count every frame: uvicorn answers pings and keeps fragments without a limit."""
        for one in self.conn.events:
            if isinstance(one, Frame):
                self.intake.count(len(one.data))
        super().handle_events()

    def handle_cont(self, event: Frame) -> None:
        """Keep a message's fragments, but not crumbs of it."""
        if len(self.frames) > FRAGMENTS_MAX:
            self.conn.fail(1009, "too many fragments")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def handle_ping(self) -> None:
        """Answer, but not a peer that does not read: its answers would wait here without a bound."""
        answers = self.conn.data_to_send()
        if answers and self.writable.is_set():
            self.transport.write(b"".join(answers))

    def send_receive_event_to_app(self) -> None:
        """Put a message into the inbox, which closes the tap by itself."""
        data = b"".join(self.frames)
        self.frames = []
        if self.close_sent:
            return
        if self.curr_msg_data_type == "text":
            # Whatever it says: there is no text in our protocol.
            self.queue.put_nowait({"type": "websocket.receive", "text": data.decode(errors="replace")})
        else:
            self.queue.put_nowait({"type": "websocket.receive", "bytes": data})

    async def receive(self) -> ASGIReceiveEvent:
        """Return what the inbox holds next."""
        return await self.queue.get()

    def _turn(self, is_open: bool) -> None:
        if is_open:
            self.transport.resume_reading()
            self.loop.call_soon(self._parse)
        else:
            self.transport.pause_reading()

    # --- writing -----------------------------------------------------------------------------------------

    def write_wire(self, data: bytes) -> None:
        """Write whole frames; nothing once the socket is closing. Frames from a server leave no state behind."""
        if self.handshake_complete and not self.close_sent and not self.transport.is_closing():
            self.transport.write(data)

    def queued(self) -> int:
        """Return how many bytes wait here for the peer."""
        return self.transport.get_write_buffer_size()

    async def drained(self) -> None:
        """Wait until the transport's buffer has emptied, or the connection is gone."""
        await self.writable.wait()

    # --- the end -----------------------------------------------------------------------------------------

    async def send(self, message: ASGISendEvent) -> None:
        """Send; and close even a peer that reads nothing, for which uvicorn would wait."""
        if message["type"] != "websocket.close":
            await super().send(message)
            return
        self.writable.set()
        try:
            await super().send(message)
        finally:
            self._cut_later()

    def keepalive_timeout(self) -> None:
        """Drop a peer that answers no ping; what waits for it would keep the connection."""
        super().keepalive_timeout()
        self._cut_later()

    def _cut_later(self) -> None:
        if not self.disconnected:
            self.loop.call_later(CLOSE_SECONDS, self.transport.abort)


class Channel(H11Protocol):
    """One HTTP connection: one of not too many, whose requests and answers take only so long. (uvicorn would wait for
    ever for the end of a request that drips in, and for whoever reads no answer.)
    """

    connections_max = 0
    _deadline: asyncio.TimerHandle | None = None
    _begun = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Take the connection, or close it past the limit."""
        if len(self.connections) >= self.connections_max:
            transport.abort()
            return
        super().connection_made(transport)
        self._wind(REQUEST_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let no timer keep what is gone."""
        self._unwind()
        if self.transport is not None:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Wind the clock at a request's first bytes alone."""
        if self.transport is None:
            return
        if not self._begun:
            self._begun = True
            self._wind(REQUEST_SECONDS)
        super().data_received(data)

    def handle_events(self) -> None:
        """Read on; once the request is whole, the answer's time begins."""
        super().handle_events()
        if self._begun and self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._begun = False
            self._wind(ANSWER_SECONDS)

    def on_response_complete(self) -> None:
        """Leave what comes now to uvicorn's own time-out for silent connections."""
        self._unwind()
        super().on_response_complete()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection on."""
        self._begun = False
        self._unwind()
        super().handle_websocket_upgrade(event)

    def _wind(self, seconds: float) -> None:
        self._unwind()
        self._deadline = self.loop.call_later(seconds, self.transport.abort)

    def _unwind(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class UvicornServer(uvicorn.Server):
    """Uvicorn without its signal handlers: it ends when our drain says so."""

    def __init__(self, options: uvicorn.Config, *, config: Config) -> None:
        super().__init__(options)
        self._ours = config

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to ``serve``."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so as with Daphne."""
        await super().startup(sockets=sockets)
        say_listening(self._ours)


async def _serve(*, config: Config, process: Process) -> bool:
    from peerchat.asgi import application

    class LimitedChannel(Channel):
        connections_max = connections_limit(config)

    server = UvicornServer(
        uvicorn.Config(
            application,
            host=config.host,
            port=config.port,
            http=LimitedChannel,
            ws=DeviceSocket,
            ws_max_size=2 * limits.FRAME_MAX_BYTES,
            ws_ping_interval=config.heartbeat_seconds,
            ws_ping_timeout=config.heartbeat_seconds * PING_PATIENCE,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=REQUEST_SECONDS,
            timeout_graceful_shutdown=1,
        ),
        config=config,
    )
    stop = asyncio.Event()
    on_stop_signals(asyncio.get_running_loop(), stop.set)

    def stop_listening() -> None:
        for listener in getattr(server, "servers", ()):
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
