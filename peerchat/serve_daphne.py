"""Daphne, as ``serve`` runs it: our own start and end, a listen backlog, no server header, no access log.

Knows the insides of daphne 4.2 and autobahn 26; tests/faults runs a real one. Autobahn's frame limit stands
above ours, so that ours answers. Neither its inbound queue nor its outbound buffer has a bound: ``peerchat.intake``
stops the reading, ``DeviceSocket.queued`` and ``drained`` tell when a peer does not keep up.
"""

import asyncio
from functools import partial
from typing import Any

# First: it installs the asyncio reactor.
from daphne.server import Server, twisted_loop  # isort: skip
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet import reactor as _reactor
from twisted.web import http

from peerchat.body_limit import LimitedBody
from peerchat.config import Config
from peerchat.intake import FRAGMENTS_MAX, Intake
from peerchat.logging import event, take_over_twisted
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

# The stubs know only the module, not what stands for it once a reactor is installed.
reactor: Any = _reactor
_DATA_OPCODE_MAX = 7
_HTTPChannel: Any = http.HTTPChannel


class DeviceSocket(WebSocketProtocol):  # type: ignore[misc]  # daphne publishes no types
    """A WebSocket that takes frames with their header (``rooms.fastwrite.FastPath``), knows when its peer is slow,
    and reads no faster than ``Intake`` lets it.
    """

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Be ready to read."""
        self.intake = Intake(loop=twisted_loop, turn=self._turn)
        self._fragments = 0
        super().connectionMade()

    def connectionLost(self, reason: Any = None) -> None:  # noqa: N802 - Twisted's name
        """Let no timer keep what is gone. (The HTTP channel is not told once it has handed its connection on.)"""
        self.intake.end()
        self.factory.server_class.http_factory.connections -= 1
        super().connectionLost(reason)

    def onOpen(self) -> None:  # noqa: N802 - autobahn's name
        """Take the place of the HTTP channel as the one that the transport tells when its buffer is full."""
        self._writable = asyncio.Event()
        self._writable.set()
        self.transport.unregisterProducer()
        self.transport.registerProducer(self, True)
        super().onOpen()

    def onClose(self, wasClean: bool, code: Any, reason: Any) -> None:  # noqa: N802, N803 - autobahn's names
        """Let nobody wait for a peer that has gone."""
        if hasattr(self, "_writable"):
            self._writable.set()
        # A handshake that was refused (a wrong version, a short key) never came to daphne, which stumbles over its end.
        if hasattr(self, "server"):
            super().onClose(wasClean, code, reason)

    def _closeConnection(self, abort: bool = False) -> None:  # noqa: N802 - autobahn's name
        # A transport with a producer waits for it before it closes.
        self.transport.unregisterProducer()
        super()._closeConnection(abort)

    # --- reading -----------------------------------------------------------------------------------------

    def consumeData(self) -> None:  # noqa: N802 - autobahn's name
        """Parse frame by frame, and stop in the middle of what was read when the tap closes."""
        if self.state not in (self.STATE_OPEN, self.STATE_CLOSING):
            super().consumeData()
            return
        while self.intake.is_open and self.state != self.STATE_CLOSED and self.processData():
            pass

    def onFrameBegin(self) -> None:  # noqa: N802 - autobahn's name
        """Count every frame: autobahn answers pings and keeps fragments without a limit."""
        header = self.current_frame
        self.intake.count(header.length)
        if header.opcode <= _DATA_OPCODE_MAX:
            self._fragments = self._fragments + 1 if header.opcode == 0 else 0
            if self._fragments > FRAGMENTS_MAX:
                self._max_message_size_exceeded(header.length, header.length, "too many fragments")
        super().onFrameBegin()

    def onPing(self, payload: bytes) -> None:  # noqa: N802 - autobahn's name
        """Answer, but not a peer that does not read: its answers would wait here without a bound."""
        if self._writable.is_set():
            super().onPing(payload)

    def _turn(self, is_open: bool) -> None:
        if is_open:
            self.transport.resumeProducing()
            twisted_loop.call_soon(self.consumeData)
        else:
            self.transport.pauseProducing()

    # --- writing -----------------------------------------------------------------------------------------

    def write_wire(self, data: bytes) -> None:
        """Write whole frames; nothing once the socket is closing.

        At once, where nothing waits before them: Twisted would first ask the kernel to tell when the socket can be
        written, which it nearly always can, and that costs more than the write.
        """
        if self.state != self.STATE_OPEN or self.send_queue:
            return
        transport = self.transport
        if not transport.dataBuffer and not transport._tempDataBuffer and transport.connected:
            written = transport.writeSomeData(data)
            if written == len(data):
                return
            # An exception stands for a lost connection: the transport finds that out for itself.
            if isinstance(written, int):
                data = data[written:]
        transport.write(data)

    def queued(self) -> int:
        """Return how many bytes wait here for the peer."""
        transport = self.transport
        return int(len(transport.dataBuffer) - transport.offset + transport._tempDataLen)

    async def drained(self) -> None:
        """Wait until the transport's buffer has emptied, or the connection is gone."""
        await self._writable.wait()

    # --- twisted.internet.interfaces.IPushProducer ---------------------------------------------------

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The peer does not keep up."""
        self._writable.clear()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The peer took everything."""
        self._writable.set()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The connection is gone."""
        self._writable.set()


class Channel(_HTTPChannel):  # type: ignore[misc]  # Twisted has no types for it
    """One HTTP connection. A request that drips in, byte by byte, has as long as one that says nothing."""

    _begun = False

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Count it."""
        self.factory.connections += 1
        super().connectionMade()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802 - Twisted's name
        """Count it no more."""
        self.factory.connections -= 1
        super().connectionLost(reason)

    def resetTimeout(self) -> None:  # noqa: N802 - Twisted's name
        """Wind the clock at a request's first bytes alone; Twisted would at each."""
        if not self._begun:
            self._begun = True
            super().resetTimeout()

    def requestDone(self, request: Any) -> None:  # noqa: N802 - Twisted's name
        """The next bytes are another request's."""
        self._begun = False
        super().requestDone(request)


class Request(LimitedBody, WebRequest):  # type: ignore[misc]  # daphne publishes no types
    """Daphne's request, with the limits on bodies inside Twisted."""

    def __init__(self, channel: Any, *args: Any, **options: Any) -> None:
        super().__init__(channel, *args, **options)
        # Head and body are two writes: without this the body waits 40 ms for the peer's delayed acknowledgement.
        channel.transport.setTcpNoDelay(True)


class RequestFactory(HTTPFactory):  # type: ignore[misc]  # daphne publishes no types
    """Makes connections whose requests are ours."""

    def __init__(self, server: Any, *, connections_max: int) -> None:
        super().__init__(server)
        self.timeOut = REQUEST_SECONDS
        self.protocol = lambda: http._GenericHTTPChannelProtocol(Channel())
        self.connections = 0
        self._connections_max = connections_max

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802 - Twisted's name
        """Return the channel of a new connection; ``None``, which closes it, past the limit."""
        if self.connections >= self._connections_max:
            return None
        channel = super().buildProtocol(addr)
        channel.requestFactory = Request
        return channel


class DaphneServer(Server):  # type: ignore[misc]  # daphne publishes no types
    """One listening server. ``run`` returns once the process has ended its work; ``failed`` says whether it
    could serve.
    """

    def __init__(self, *, application: Any, config: Config, process: Process) -> None:
        super().__init__(
            application,
            endpoints=["ours"],
            signal_handlers=False,
            ping_interval=config.heartbeat_seconds,
            # Before the next ping, which would overwrite what autobahn knows of this one.
            ping_timeout=config.heartbeat_seconds * PING_PATIENCE,
            websocket_timeout=-1,
            websocket_max_message_size=2 * limits.FRAME_MAX_BYTES,
            websocket_max_frame_size=2 * limits.FRAME_MAX_BYTES,
            application_close_timeout=CLOSE_SECONDS,
            server_name="",
        )
        self._config = config
        self._process = process
        self._stopping: asyncio.Task[None] | None = None
        self.failed = False

    def run(self) -> None:
        """Run the reactor until ``stop_gracefully`` has done its work."""
        self.connections: dict[Any, dict[str, Any]] = {}
        self.http_factory = RequestFactory(self, connections_max=connections_limit(self._config))
        self.ws_factory = WebSocketFactory(self, server="")
        self.ws_factory.protocol = DeviceSocket
        self.ws_factory.setProtocolOptions(
            autoPingTimeout=self.ping_timeout,
            allowNullOrigin=True,
            openHandshakeTimeout=self.websocket_handshake_timeout,
            closeHandshakeTimeout=CLOSE_SECONDS,
            maxMessagePayloadSize=self.websocket_max_message_size,
            maxFramePayloadSize=self.websocket_max_frame_size,
        )
        take_over_twisted()
        asyncio.set_event_loop(twisted_loop)
        reactor.callLater(1, self.application_checker)
        reactor.callLater(2, self.timeout_checker)
        reactor.addSystemEventTrigger("before", "shutdown", self.kill_all_applications)
        reactor.callWhenRunning(lambda: asyncio.ensure_future(self._start()))
        try:
            reactor.run(installSignalHandlers=False)
        finally:
            _end_tasks()

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Start what serves a request or a socket; offer every WebSocket the short cut for writing, and bound its
        inbox, which daphne's own is not.
        """
        if scope["type"] != "websocket":
            return super().create_application(protocol, scope)
        scope.setdefault("extensions", {})[EXTENSION] = protocol
        scope.setdefault("asgi", {"version": "3.0"})
        inbox = protocol.intake.inbox
        serving = self.application(scope, inbox.get, partial(self.handle_reply, protocol))
        self.connections[protocol]["application_instance"] = asyncio.ensure_future(serving)
        return inbox

    def kill_all_applications(self) -> Any:
        """End what still runs. (Daphne's own fails on a connection without a request.)"""
        running = self._running()
        for application in running:
            application.cancel()
        event("serve.cancelled", requests=len(running))

    async def _start(self) -> None:
        on_stop_signals(twisted_loop, self._stop_gracefully)
        try:
            await self._process.start()
            self.listeners.append(self._listen())
            say_listening(self._config)
        except Exception as error:
            self.failed = True
            event("serve.start_failed", error=error)
            self._stop_gracefully()

    def _listen(self) -> Any:
        shared = handed_over(self._config)
        if shared is None:
            return reactor.listenTCP(
                self._config.port, self.http_factory, backlog=BACKLOG, interface=self._config.host
            )
        with shared:
            return reactor.adoptStreamPort(shared.fileno(), shared.family, self.http_factory)

    def _stop_listening(self) -> None:
        while self.listeners:
            self.listeners.pop().stopListening()

    def _stop_gracefully(self) -> None:
        if self._stopping is None:
            self._stopping = asyncio.ensure_future(self._end())

    async def _end(self) -> None:
        end_at_the_latest(self._config.drain_seconds + 6 * STOP_SECONDS)
        try:
            await self._process.drain(stop_listening=self._stop_listening, settle=self._settle)
        finally:
            try:
                await self._process.stop()
            finally:
                reactor.stop()

    async def _settle(self) -> None:
        """Wait until no request and no socket runs any more."""
        while running := self._running():
            await asyncio.wait(running)

    def _running(self) -> list[Any]:
        """Return the applications that still answer a request or serve a socket."""
        applications = [details.get("application_instance") for details in self.connections.values()]
        return [one for one in applications if one is not None and not one.done()]


def _end_tasks() -> None:
    """Cancel what still waits and let it end, as ``asyncio.run`` does.

    Coroutines that the interpreter has to take apart at its own end crash it (seen with CPython 3.11).
    """
    tasks = asyncio.all_tasks(twisted_loop)
    for task in tasks:
        task.cancel()
    twisted_loop.run_until_complete(asyncio.wait(tasks, timeout=STOP_SECONDS) if tasks else asyncio.sleep(0))
    twisted_loop.run_until_complete(twisted_loop.shutdown_asyncgens())
    twisted_loop.close()


def serve(*, config: Config, process: Process) -> bool:
    """Serve until told to stop; return whether it could."""
    from peerchat.asgi import application

    server = DaphneServer(application=application, config=config, process=process)
    server.run()
    return not server.failed
