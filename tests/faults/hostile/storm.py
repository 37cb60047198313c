"""Hostile frames against a running server, while two honest people talk and others drip, flood and say nothing.

What is counted as a frame was written to a socket before the server hung up. Memory is the server's resident set,
measured after a warm-up and at the end, both with nobody but the honest two connected.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from peerchat.errors import CloseCode
from tests.faults.hostile.frames import FATAL, SOFT, Target
from tests.faults.hostile.honest import Honest
from tests.faults.hostile.wire import PING, Gone, Wire, frame, pack
from tests.support.server import RunningServer

SOFT_OF_SOCKET = 200
"""Frames before the one that ends the socket: fewer than those for which a flood is closed."""
BATCH = 25
ATTACKERS = 8
DRIPPERS = 15
HANG_UP_SECONDS = 2.0
"""How long a server may take to end a socket. Where it was told to wait, the last frame was refused unread."""
SETTLE_SECONDS = 6.0
"""Longer than a close may take."""
MEMBERS = ATTACKERS + 4


@dataclass
class Figures:
    """What came of it."""

    seed: int
    server: str
    frames: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    closes: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    honest_sent: int = 0
    honest_lost: int = 0
    honest_p50_ms: float = 0.0
    honest_p99_ms: float = 0.0
    honest_max_ms: float = 0.0
    warm_kb: int = 0
    peak_kb: int = 0
    end_kb: int = 0
    cpu_seconds: float = 0.0
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def growth_kb(self) -> int:
        return self.end_kb - self.warm_kb


class Storm:
    """One run. ``rng`` of each attacker comes from the seed and its number, so that a run can be made again."""

    def __init__(self, server: RunningServer, *, people: dict[str, Any], figures: Figures) -> None:
        self._server = server
        self._port = server.reserved.number
        self._figures = figures
        self._origin: str = people["origin"]
        quiet, loud = people["rooms"]
        self._honest = Honest(
            port=self._port,
            room_id=bytes.fromhex(quiet["room_id"]),
            epoch=quiet["epoch"],
            headers=[self._headers(person["session"]) for person in quiet["members"][:2]],
        )
        self._sessions = [person["session"] for person in loud["members"]]
        self._target = Target(
            room_id=bytes.fromhex(loud["room_id"]),
            other_room_id=bytes.fromhex(quiet["room_id"]),
            epoch=loud["epoch"],
        )
        self._left = 0

    async def run(self, *, frames: int, warm_up: int, settle_seconds: float = SETTLE_SECONDS) -> None:
        """Send ``warm_up`` frames, measure, send ``frames`` more, and measure again."""
        figures = self._figures
        self._settle_seconds = settle_seconds
        async with self._honest.talking():
            await self._rage(warm_up, first=True)
            figures.warm_kb = resident_kb(self._server)
            figures.frames = 0
            figures.kinds.clear()
            figures.closes.clear()
            figures.answers.clear()
            self._honest.forget()
            started, cpu = time.monotonic(), cpu_seconds(self._server)
            await self._rage(frames, first=False)
            figures.seconds = round(time.monotonic() - started, 1)
            figures.cpu_seconds = round(cpu_seconds(self._server) - cpu, 1)
            figures.end_kb = resident_kb(self._server)
        self._honest.tell(figures)
        assert self._server.process is not None
        assert self._server.process.poll() is None, "the server has ended"
        for line in self._server.log.read_text().splitlines():
            if " ERROR " in line or " CRITICAL " in line or "raised" in line:
                figures.errors[line.partition(" ")[2]] += 1

    async def _rage(self, frames: int, *, first: bool) -> None:
        self._left = frames
        async with self._beside():
            await asyncio.gather(
                *(
                    self._attack(number, random.Random(f"{self._figures.seed}/{first}/{number}"))
                    for number in range(ATTACKERS)
                )
            )
        await asyncio.sleep(self._settle_seconds)

    # --- frames ------------------------------------------------------------------------------------------

    async def _attack(self, number: int, rng: random.Random) -> None:
        session = self._sessions[number]
        while self._left > 0:
            try:
                wire = await Wire.open(self._port, self._headers(session))
            except Gone as gone:
                self._closed(gone.code)
                continue
            try:
                await self._use(wire, rng)
            finally:
                wire.abort()

    async def _use(self, wire: Wire, rng: random.Random) -> None:
        """Send what leaves the socket open, then what ends it, and hear what the server says to it."""
        listening = asyncio.ensure_future(self._listen(wire))
        try:
            sent = 0
            with suppress(Gone):
                while sent < SOFT_OF_SOCKET and not listening.done():
                    sent += self._write(wire, SOFT, rng, atleast=BATCH)
                    await wire.drain()
                    await asyncio.sleep(0)
                if not listening.done():
                    self._write(wire, FATAL, rng, atleast=1)
                    await wire.drain()
            await asyncio.wait({listening}, timeout=HANG_UP_SECONDS)
        finally:
            if not listening.done():
                self._figures.closes["open"] += 1
                listening.cancel()

    def _write(self, wire: Wire, makers: dict[str, Any], rng: random.Random, *, atleast: int) -> int:
        frames: list[bytes] = []
        while len(frames) < atleast:
            kind = rng.choice([*makers])
            made = makers[kind](rng, self._target)
            self._figures.kinds[kind] += len(made)
            frames += made
        wire.write(b"".join(frames))
        self._figures.frames += len(frames)
        self._left -= len(frames)
        return len(frames)

    async def _listen(self, wire: Wire) -> None:
        try:
            while True:
                told = await wire.read_message()
                self._figures.answers[told["code"] if told["type"] == "refused" else told["type"]] += 1
        except Gone as gone:
            self._closed(gone.code)

    def _closed(self, code: int | None) -> None:
        self._figures.closes["cut" if code is None else str(code)] += 1

    def _headers(self, session: str | None) -> dict[str, str]:
        headers = {"Origin": self._origin, "Sec-WebSocket-Protocol": "peerchat.1"}
        return headers if session is None else {**headers, "Cookie": f"pc_session={session}"}

    # --- beside it ---------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _beside(self) -> AsyncIterator[None]:
        """Let others misbehave inside the block: their frames are not counted."""
        others = [
            self._flood_pings(self._sessions[ATTACKERS]),
            self._pull_and_read_nothing(self._sessions[ATTACKERS + 1]),
            self._come_unasked(),
            self._watch_memory(),
            *(self._drip() for _ in range(DRIPPERS)),
            *(self._say_nothing() for _ in range(DRIPPERS)),
        ]
        tasks = [asyncio.ensure_future(other) for other in others]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            failed = [one for one in done if isinstance(one, Exception)]
            if failed:
                raise failed[0]

    async def _flood_pings(self, session: str) -> None:
        """Ping as fast as the server takes it, and read no answer."""
        flood = frame(bytes(125), opcode=PING) * 50
        while True:
            with suppress(Gone):
                wire = await Wire.open(self._port, self._headers(session), receive_buffer=4_096)
                try:
                    while True:
                        wire.write(flood)
                        await wire.drain()
                        await asyncio.sleep(0.01)
                finally:
                    wire.abort()
            await asyncio.sleep(0.1)

    async def _pull_and_read_nothing(self, session: str) -> None:
        pull = {"type": "pull", "room_id": self._target.room_id, "after": 0, "limit": 200}
        while True:
            with suppress(Gone):
                wire = await Wire.open(self._port, self._headers(session), receive_buffer=4_096)
                try:
                    while True:
                        wire.write(frame(pack(pull)))
                        await wire.drain()
                        await asyncio.sleep(0.1)
                finally:
                    wire.abort()
            await asyncio.sleep(0.1)

    async def _come_unasked(self) -> None:
        """Sockets of nobody, from elsewhere, in another language, and requests that are none."""
        rng = random.Random(self._figures.seed)
        good = self._headers(None)
        while True:
            changed = rng.choice(
                (
                    {"Cookie": "pc_session=" + "A" * rng.randint(0, 200)},
                    {"Origin": "https://example.org"},
                    {"Origin": "null"},
                    {"Sec-WebSocket-Protocol": "chat"},
                    {"Sec-WebSocket-Version": "8"},
                    {"Sec-WebSocket-Key": "short"},
                    {"Upgrade": "websocket, h2c"},
                    {"Cookie": "\x80\xff; pc_session=\xfe"},
                    {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"},
                    {"X-Long": "x" * 20_000},
                )
            )
            with suppress(Gone, TimeoutError, ConnectionError):
                async with asyncio.timeout(10):
                    wire = await Wire.open(self._port, {**good, **changed})
                    wire.write(frame(b"\xc1") * rng.randint(1, 20))
                    try:
                        while True:
                            await wire.read_frame()
                    finally:
                        wire.abort()
            await asyncio.sleep(0.1)

    async def _drip(self) -> None:
        """Ask for the socket one byte a second."""
        while True:
            with suppress(ConnectionError):
                wire = await Wire.connect(self._port)
                try:
                    for byte in b"GET /ws HTTP/1.1\r\nHost: " + b"x" * 10_000:
                        wire.write(bytes([byte]))
                        await asyncio.sleep(1)
                finally:
                    wire.abort()
            await asyncio.sleep(1)

    async def _say_nothing(self) -> None:
        """Connect, and be silent."""
        while True:
            with suppress(ConnectionError):
                wire = await Wire.connect(self._port)
                try:
                    await wire.reader.read(1)
                finally:
                    wire.abort()
            await asyncio.sleep(1)

    async def _watch_memory(self) -> None:
        while True:
            self._figures.peak_kb = max(self._figures.peak_kb, resident_kb(self._server))
            await asyncio.sleep(1)


def resident_kb(server: RunningServer) -> int:
    """Return the memory that the server holds."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found is not None
    return int(found[1])


def cpu_seconds(server: RunningServer) -> float:
    """Return what the server has used, user and system (clock_getcpuclockid(3))."""
    assert server.process is not None
    return time.clock_gettime((~server.process.pid << 3) | 2)


def make_people(server: RunningServer, folder: Path) -> dict[str, Any]:
    """Fill the server's database with two rooms and return who is in them."""
    out = folder / "people.json"
    server.manage("seed", "--rooms", "2", "--members", str(MEMBERS), "--out", str(out))
    people: dict[str, Any] = json.loads(out.read_text())
    return people


EXPECTED_CLOSES = {
    str(code)
    for code in (
        CloseCode.PROTOCOL_BROKEN,
        CloseCode.TOO_LARGE,
        CloseCode.RATE_LIMITED,
        CloseCode.SLOW_READER,
        1000,
        1002,
        1007,
        1009,
    )
} | {"cut", "open"}
"""How a hostile socket may end: by one of our codes, by one of RFC 6455's, without a word, or by its owner."""
