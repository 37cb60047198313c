"""What ends a socket that nobody sits behind any more, how many there may be, and a storm of hostile frames at reduced
size: on both servers, real ones. (``make hostile-frames`` sends a million.)
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from peerchat.errors import CloseCode
from tests.faults.hostile.__main__ import broken_promises
from tests.faults.hostile.storm import Figures, Storm, make_people, resident_kb
from tests.faults.hostile.wire import CONT, PING, Gone, Wire, frame
from tests.support.server import RunningServer, start_server

pytestmark = [pytest.mark.faults, pytest.mark.asyncio(loop_scope="module")]

CONNECTIONS_MAX = 80
STORM_FRAMES = 2_000


@dataclass
class Place:
    """A server, and people who may come."""

    kind: str
    server: RunningServer
    seeded: dict[str, Any]

    @property
    def people(self) -> list[dict[str, Any]]:
        people: list[dict[str, Any]] = self.seeded["rooms"][0]["members"]
        return people

    async def open(self, number: int, *, receive_buffer: int | None = None) -> Wire:
        """Return a person's socket, ready."""
        headers = {
            "Origin": self.seeded["origin"],
            "Sec-WebSocket-Protocol": "peerchat.1",
            "Cookie": f"pc_session={self.people[number]['session']}",
        }
        wire = await Wire.open(self.server.reserved.number, headers, receive_buffer=receive_buffer)
        assert (await wire.read_message())["type"] == "ready"
        return wire


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp(request.param)
    with start_server(
        folder, server=request.param, heartbeat_seconds="2", connections_max=str(CONNECTIONS_MAX)
    ) as server:
        yield Place(request.param, server, make_people(server, folder))


async def ended(wire: Wire, *, within: float, answering: bool = False) -> int | None:
    """Return the code with which the server ends the socket; pings get an answer only if ``answering``."""
    async with asyncio.timeout(within):
        try:
            while True:
                await (wire.read_message() if answering else wire.read_frame())
        except Gone as gone:
            return gone.code


async def test_a_socket_that_answers_no_ping_is_dropped_and_one_that_does_stays(place: Place) -> None:
    silent, alive = await place.open(0), await place.open(1)
    answering = asyncio.ensure_future(alive.read_message())
    await ended(silent, within=12)
    await asyncio.wait({answering}, timeout=3)
    assert not answering.done()
    answering.cancel()
    alive.abort()


async def test_a_session_that_ends_without_a_word_ends_its_socket_within_ten_seconds(place: Place) -> None:
    one, other = await place.open(2), await place.open(3)
    staying = asyncio.ensure_future(other.read_message())
    # Behind the server's back: what a lost hint, or another process, would leave behind.
    with sqlite3.connect(place.server.data_dir / "peerchat.sqlite3", timeout=10) as database:
        device_id = place.people[2]["device_id"]
        assert database.execute(
            "DELETE FROM accounts_devicesession WHERE device_id = ?", (device_id,)
        ).rowcount
    since = time.monotonic()
    assert await ended(one, within=12, answering=True) == CloseCode.SIGNED_OUT
    assert time.monotonic() - since < 10.5
    assert not staying.done()
    staying.cancel()
    other.abort()


async def test_past_the_limit_connections_are_closed_at_once_and_others_serve_on(place: Place) -> None:
    talking = await place.open(4)
    staying = asyncio.ensure_future(talking.read_message())
    port = place.server.reserved.number
    many = [await Wire.connect(port) for _ in range(CONNECTIONS_MAX + 10)]
    refused = [asyncio.ensure_future(wire.reader.read(1)) for wire in many]
    await asyncio.wait(refused, timeout=1)
    count = sum(one.done() for one in refused)
    assert 10 < count < 20
    assert not staying.done()
    staying.cancel()
    for wire in [*many, talking]:
        wire.abort()
    await asyncio.gather(*refused, return_exceptions=True)
    async with asyncio.timeout(10):
        while True:
            with suppress(Gone):
                (await place.open(4)).abort()
                break


async def test_a_flood_of_pings_by_one_who_reads_nothing_costs_nothing(place: Place) -> None:
    flooder = await place.open(5, receive_buffer=4_096)
    before = resident_kb(place.server)
    flood = frame(bytes(125), opcode=PING) * 200
    with suppress(Gone, TimeoutError):
        async with asyncio.timeout(5):
            while True:
                flooder.write(flood)
                await flooder.drain()
    assert resident_kb(place.server) - before < 2_000
    flooder.abort()


async def test_a_message_in_crumbs_ends_the_socket(place: Place) -> None:
    crumbler = await place.open(6)
    crumbler.write(frame(b"x", fin=False) + frame(b"", opcode=CONT, fin=False) * 100)
    assert await ended(crumbler, within=5) in (1009, None)


async def test_hostile_frames_neither_stop_the_server_nor_the_others(place: Place) -> None:
    figures = Figures(seed=random.SystemRandom().randrange(2**32), server=place.kind)
    print(f"seed {figures.seed}")
    storm = Storm(place.server, people=place.seeded, figures=figures)
    await storm.run(frames=STORM_FRAMES, warm_up=300, settle_seconds=0.5)
    assert broken_promises(figures) == []
    assert figures.frames >= STORM_FRAMES
    assert figures.answers["request.malformed"] > 100, "it was refused, not only cut off"
    log = place.server.log.read_text()
    for secret in ("127.0.0.1", "pc_session", "surrogate", "utf-8", "UTF-8"):
        assert secret not in log
