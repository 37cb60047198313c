"""A WebSocket client that can break every rule of RFC 6455: it writes bytes and keeps no state."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
from contextlib import suppress
from typing import Any

import msgpack

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
HANDSHAKE_SECONDS = 60


def pack(value: Any) -> bytes:
    """Return ``value`` as MessagePack."""
    packed = msgpack.packb(value, use_bin_type=True)
    assert isinstance(packed, bytes)
    return packed


def frame(
    payload: bytes,
    *,
    opcode: int = BINARY,
    fin: bool = True,
    rsv: int = 0,
    masked: bool = True,
    says: int | None = None,
    length_form: int | None = None,
) -> bytes:
    """Return a frame as a client would send it, but for what is given: ``says`` is the length in its header,
    ``length_form`` 126 or 127 writes it longer than it needs to be.
    """
    size = len(payload) if says is None else says
    form = length_form or (size if size < 126 else 126 if size < 1 << 16 else 127)
    head = bytes([fin << 7 | rsv << 4 | opcode, masked << 7 | form])
    if form >= 126:
        head += size.to_bytes(2 if form == 126 else 8, "big")
    if not masked:
        return head + payload
    # A mask of zeros is as good as any other, and costs nothing.
    return head + bytes(4) + payload


def request(host: str, headers: dict[str, str], *, key: str | None = None) -> bytes:
    """Return the bytes that ask for the socket."""
    wanted = {
        "Host": host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key or base64.b64encode(os.urandom(16)).decode(),
        **headers,
    }
    lines = [f"{name}: {value}" for name, value in wanted.items()]
    return ("GET /ws HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Gone(Exception):
    """The server hung up. ``code``: of its close frame, if it sent one."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class Wire:
    """One connection. What the server sends is read only when asked for."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int, *, receive_buffer: int | None = None) -> Wire:
        """Open a TCP connection to this machine, and no more."""
        raw = socket.socket()
        if receive_buffer is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=raw, limit=1 << 16)
        return cls(reader, writer)

    @classmethod
    async def open(cls, port: int, headers: dict[str, str], *, receive_buffer: int | None = None) -> Wire:
        """Open a WebSocket; raise ``Gone`` where the server wants none."""
        wire = await cls.connect(port, receive_buffer=receive_buffer)
        wire.write(request(f"127.0.0.1:{port}", headers))
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            try:
                head = await wire.reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                wire.abort()
                raise Gone(None) from None
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            wire.abort()
            raise Gone(None)
        return wire

    def write(self, data: bytes) -> None:
        """Hand bytes to the kernel, or keep them until it takes them."""
        self.writer.write(data)

    async def read_frame(self) -> tuple[int, bytes]:
        """Return the opcode and payload of the server's next frame; raise ``Gone`` for a close and at the end."""
        try:
            first, size = await self.reader.readexactly(2)
            if size >= 126:
                size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
            payload = await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise Gone(None) from None
        opcode = first & 15
        if opcode == CLOSE:
            raise Gone(int.from_bytes(payload[:2], "big") if payload else None)
        return opcode, payload

    async def read_message(self) -> Any:
        """Return the next MessagePack frame; answer pings."""
        while True:
            opcode, payload = await self.read_frame()
            if opcode == PING:
                self.write(frame(payload, opcode=PONG))
            elif opcode == BINARY:
                return msgpack.unpackb(payload)

    async def drain(self) -> None:
        """Wait until the server has taken most of what was written; raise ``Gone``."""
        with suppress(RuntimeError):
            try:
                await self.writer.drain()
            except ConnectionError:
                raise Gone(None) from None

    def abort(self) -> None:
        """Drop the connection without a word."""
        self.writer.transport.abort()
