"""Sockets that tests misuse."""

from __future__ import annotations

import asyncio
from typing import Any

from websockets.asyncio.client import connect

from peerchat.client.client import Client
from peerchat.client.socket import Socket, SocketClosed
from peerchat.protocol import limits
from peerchat.protocol.client_frames import SUBPROTOCOL
from peerchat.protocol.types import WireModel

ANSWER_SECONDS = 30


def raw(client: Client, **changed: Any) -> connect:
    """Return a connection as the client would make it, but for ``changed``."""
    wanted: dict[str, Any] = {
        "origin": client.origin,
        "subprotocols": [SUBPROTOCOL],
        "additional_headers": {"Cookie": client.http.cookies},
        "compression": None,
        "proxy": None,
        "max_size": 2 * limits.FRAME_MAX_BYTES,
        **changed,
    }
    return connect("ws" + client.origin.removeprefix("http") + "/ws", **wanted)


async def answer(socket: Socket, kind: type[WireModel]) -> Any:
    """Return the next frame of ``kind``; what is pushed meanwhile is left out."""
    async with asyncio.timeout(ANSWER_SECONDS):
        while True:
            frame = await socket.receive()
            if isinstance(frame, kind):
                return frame


async def closed_with(socket: Socket, *, seconds: float = ANSWER_SECONDS) -> int | None:
    """Return the code with which the server closes the socket."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                await socket.receive()
    except SocketClosed as closed:
        return closed.code
