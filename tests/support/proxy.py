"""A TCP proxy of ours, for bad links: it delays, goes silent, and cuts, all its connections or some of them.

It runs in the loop of the test. A link that is silent holds its bytes back, as a network does that loses all packets
for a while: TCP sends them again once it is back, or the connection breaks.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

_CHUNK_BYTES = 65_536


class Link:
    """One connection through the proxy, both ways."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.delay_seconds = 0.0
        self.open = asyncio.Event()
        self.open.set()
        self._ends = (client, server)

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass bytes on, in order, until one end closes."""
        with suppress(ConnectionError):
            while data := await reader.read(_CHUNK_BYTES):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                await self.open.wait()
                writer.write(data)
                await writer.drain()
        for end in self._ends:
            end.close()

    def cut(self) -> None:
        """Reset both ends: each is told at once that the other is gone."""
        for end in self._ends:
            raw = end.get_extra_info("socket")
            if raw is not None:
                with suppress(OSError):
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.transport.abort()
        self.open.set()


class Proxy:
    """Listens on ``port`` and passes everything on to port ``target`` of this machine; use as ``async with``."""

    def __init__(self, target: int = 0) -> None:
        self.target = target
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = int(self._socket.getsockname()[1])
        self.links: set[Link] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, sock=self._socket)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self.cut()
        for pump in tuple(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    def some(self, source: random.Random) -> list[Link]:
        """Return about half of the links, at least one if there is any."""
        links = list(self.links)
        return source.sample(links, (len(links) + 1) // 2)

    def cut(self, links: Iterable[Link] | None = None) -> None:
        """Cut these links, or all."""
        for link in tuple(self.links if links is None else links):
            link.cut()

    async def delay(self, links: Iterable[Link], *, each_seconds: float, for_seconds: float) -> None:
        """Let every packet on these links take longer for a while."""
        links = tuple(links)
        for link in links:
            link.delay_seconds = each_seconds
        await asyncio.sleep(for_seconds)
        for link in links:
            link.delay_seconds = 0.0

    async def silence(self, links: Iterable[Link], *, for_seconds: float, then_cut: bool) -> None:
        """Let nothing through on these links for a while; then all that was held back, or a cut."""
        links = tuple(links)
        for link in links:
            link.open.clear()
        await asyncio.sleep(for_seconds)
        for link in links:
            link.cut() if then_cut else link.open.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        link = Link(writer, far_writer)
        self.links.add(link)
        pumps = [
            asyncio.ensure_future(link.pump(reader, far_writer)),
            asyncio.ensure_future(link.pump(far_reader, writer)),
        ]
        self._pumps.update(pumps)
        await asyncio.wait(pumps)
        self._pumps.difference_update(pumps)
        self.links.discard(link)
