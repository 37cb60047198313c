"""One WebSocket: frames in, frames out, nothing remembered. ``live`` keeps one alive and makes sense of it."""

from types import TracebackType
from typing import Self

import msgpack
from pydantic import TypeAdapter, ValidationError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Origin, Subprotocol

from peerchat.client.http import Http
from peerchat.protocol import limits
from peerchat.protocol.client_frames import SUBPROTOCOL, ClientFrame
from peerchat.protocol.codec import encode_frame
from peerchat.protocol.server_frames import Ready, ServerFrame

_SERVER_FRAME: TypeAdapter[ServerFrame] = TypeAdapter(ServerFrame)
OPEN_SECONDS = 20.0


class SocketClosed(Exception):
    """The socket is gone. ``code`` is one of ``CloseCode``, or ``None`` when the connection just broke."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"the socket closed with {code}")
        self.code = code


class Socket:
    """A signed-in device's socket. All methods raise ``SocketClosed``."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, http: Http) -> Self:
        """Connect with the session that ``http`` holds."""
        address = "ws" + http.origin.removeprefix("http") + "/ws"
        try:
            connection = await connect(
                address,
                origin=Origin(http.origin),
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                additional_headers={"Cookie": http.cookies},
                compression=None,
                open_timeout=OPEN_SECONDS,
                max_size=2 * limits.FRAME_MAX_BYTES,
                user_agent_header=None,
                proxy=None,
            )
        except (OSError, WebSocketException) as error:
            raise SocketClosed(None) from error
        return cls(connection)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the socket."""
        await self._connection.close()

    async def send(self, frame: ClientFrame) -> None:
        """Send one frame."""
        await self.send_bytes(encode_frame(frame))

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        try:
            await self._connection.send(data)
        except ConnectionClosed as error:
            raise SocketClosed(_code(error)) from error

    async def receive(self) -> ServerFrame:
        """Return the next frame; one that is none of ours closes the socket."""
        try:
            data = await self._connection.recv()
        except ConnectionClosed as error:
            raise SocketClosed(_code(error)) from error
        try:
            return _SERVER_FRAME.validate_python(
                msgpack.unpackb(data, raw=False, strict_map_key=True), context={"wire": "msgpack"}
            )
        except (ValueError, TypeError, ValidationError, msgpack.UnpackException) as error:
            await self.close()
            raise SocketClosed(None) from error

    async def ready(self) -> Ready:
        """Return the first frame."""
        frame = await self.receive()
        if not isinstance(frame, Ready):
            await self.close()
            raise SocketClosed(None)
        return frame


def _code(error: ConnectionClosed) -> int | None:
    return error.rcvd.code if error.rcvd is not None else None
