"""SIGTERM with fifty sockets: everyone is sent away with a code that says "come back", and nothing
acknowledged is lost.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from peerchat.client import crypto
from peerchat.client.client import Client
from peerchat.client.socket import Socket, SocketClosed
from peerchat.errors import CloseCode, ErrorCode
from peerchat.protocol import client_frames as ask
from peerchat.protocol.server_frames import Ack, Items, Notice, Refused
from peerchat.protocol.signed import InviteRole
from tests.support.live_people import LiveRoom, live_community
from tests.support.server import start_server

pytestmark = pytest.mark.faults

SOCKETS = 50
TALKERS = 5
DRAINED_SECONDS = 8.0
"""A drain takes about 1.5 s; a busy machine may take longer, and the deadline is 10 s."""


@dataclass
class Guest:
    """A connected device, and how it went for it."""

    client: Client
    socket: Socket
    noticed: bool = False
    code: int | None = None
    gone_at: float = 0.0
    acked: list[bytes] = field(default_factory=list)
    refusals: set[ErrorCode] = field(default_factory=set)
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until ``condition`` about this guest holds."""
        while not condition():
            self._moved.clear()
            await self._moved.wait()

    async def until_acked(self, count: int) -> None:
        """Wait until ``count`` messages were acknowledged."""
        await self.until(lambda: len(self.acked) >= count)

    async def stay(self) -> None:
        """Take in frames, with credit, until the server closes."""
        taken = 0
        try:
            while True:
                frame = await self.socket.receive()
                if isinstance(frame, Notice) and frame.notice == "draining":
                    self.noticed = True
                elif isinstance(frame, Ack):
                    self.acked.append(frame.message_id)
                elif isinstance(frame, Refused):
                    self.refusals.add(frame.code)
                elif isinstance(frame, Items) and frame.pushed:
                    taken += 1
                    await self.socket.send(ask.Credit(type="credit", frames=taken))
                self._moved.set()
        except SocketClosed as closed:
            self.code, self.gone_at = closed.code, time.monotonic()

    async def talk(self, room: LiveRoom) -> None:
        """Send without waiting for answers, until the socket is gone."""
        try:
            while True:
                await self.socket.send(
                    ask.Send(
                        type="send",
                        room_id=room.room_id,
                        message_id=crypto.new_id(),
                        epoch=room.epoch,
                        ciphertext=crypto.random_bytes(256),
                    )
                )
                await asyncio.sleep(0.08)
        except SocketClosed:
            return


async def watch_readiness(url: str) -> set[int]:
    """Return every status that ``/readyz`` gave until nothing listened any more."""
    seen = set()
    async with httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                seen.add((await client.get(f"{url}/readyz")).status_code)
            except httpx.HTTPError:
                return seen


async def come_late(client: Client) -> int | None:
    """Return the code that a socket gets which opens while the server drains."""
    try:
        async with await Socket.open(client.http) as late:
            await late.ready()
            await late.receive()
    except SocketClosed as closed:
        return closed.code
    return None


async def test_sigterm_sends_fifty_sockets_away_and_loses_nothing(tmp_path: Path) -> None:
    with start_server(tmp_path) as server:
        async with live_community(server, tmp_path) as community, AsyncExitStack() as stack:
            room = await community.open_room(members=TALKERS - 1)
            people = [*room.everyone]
            for number in range(SOCKETS - TALKERS):
                invite = await community.leader.make_invite(role=InviteRole.MEMBER, room_id=room.room_id)
                people.append(await community.join(invite, f"guest {number}"))
            guests = []
            for person in people:
                guest = Guest(person, await stack.enter_async_context(await Socket.open(person.http)))
                await guest.socket.ready()
                guests.append(guest)
            staying = [asyncio.create_task(guest.stay()) for guest in guests]
            talking = [asyncio.create_task(guest.talk(room)) for guest in guests[:TALKERS]]
            await asyncio.gather(*(guest.until_acked(10) for guest in guests[:TALKERS]))
            watching = asyncio.create_task(watch_readiness(server.url))

            told_at = time.monotonic()
            server.terminate()
            await guests[0].until(lambda: guests[0].noticed)
            late = asyncio.create_task(come_late(community.steward))
            await asyncio.gather(*staying, *talking)
            assert await asyncio.to_thread(server.wait) == 0
            ended_after = time.monotonic() - told_at

            assert {guest.code for guest in guests} == {CloseCode.DRAINING}
            assert all(guest.noticed for guest in guests)
            assert ended_after < DRAINED_SECONDS
            gone = sorted(guest.gone_at - told_at for guest in guests)
            assert gone[-1] - gone[0] > 0.3, "they do not all come back in the same moment"
            assert 503 in await watching
            assert await late in (CloseCode.DRAINING, None)
            assert set().union(*(guest.refusals for guest in guests)) <= {ErrorCode.DRAINING}

            server.start()
            stored = set()
            after = 0
            while True:
                answer = await room.leader.items(room.room_id, after=after)
                stored |= {item.message_id for item in answer.items if item.kind == "message"}
                if answer.through == after:
                    break
                after = answer.through
            acked = {message_id for guest in guests for message_id in guest.acked}
            assert acked
            assert acked <= stored
            print(f"{len(acked)} acknowledged; ended after {ended_after:.2f} s, last socket {gone[-1]:.2f} s")


async def test_a_server_that_is_asked_all_the_while_ends_without_a_crash(tmp_path: Path) -> None:
    """Requests that were cut off at the very end once took the interpreter down with them."""
    with start_server(tmp_path) as server:
        watching = [asyncio.create_task(watch_readiness(server.url)) for _ in range(4)]
        async with httpx.AsyncClient(trust_env=False) as client:
            for _ in range(20):
                await client.get(f"{server.url}/healthz")
        server.terminate()
        assert await asyncio.to_thread(server.wait) == 0
        await asyncio.gather(*watching)


async def test_a_server_with_nobody_ends_at_once(tmp_path: Path) -> None:
    with start_server(tmp_path) as server:
        since = time.monotonic()
        server.terminate()
        assert await asyncio.to_thread(server.wait) == 0
        assert time.monotonic() - since < DRAINED_SECONDS


async def test_a_port_that_is_taken_ends_the_start_with_status_1(tmp_path: Path) -> None:
    with start_server(tmp_path) as server:
        other = dict(server.environment)
        process = await asyncio.create_subprocess_exec(
            *server.command, env=other, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(60):
            _, log = await process.communicate()
        assert process.returncode == 1
        assert b"serve.start_failed" in log


@pytest.mark.parametrize("kind", ["uvicorn"])
async def test_another_server_drains_the_same_way(tmp_path: Path, kind: str) -> None:
    with start_server(tmp_path, server=kind) as server:
        async with live_community(server, tmp_path) as community:
            room = await community.open_room(members=1)
            async with await Socket.open(room.members[0].http) as socket:
                await socket.ready()
                guest = Guest(room.members[0], socket)
                staying = asyncio.create_task(guest.stay())
                talking = asyncio.create_task(guest.talk(room))
                await guest.until_acked(5)
                server.terminate()
                await asyncio.gather(staying, talking)
            assert await asyncio.to_thread(server.wait) == 0
            assert (guest.code, guest.noticed) == (CloseCode.DRAINING, True)


async def test_a_database_of_another_version_stops_the_start_with_a_word(tmp_path: Path) -> None:
    with start_server(tmp_path) as server:
        fresh = {**server.environment, "PEERCHAT_DATA_DIR": str(tmp_path / "fresh")}
        process = await asyncio.create_subprocess_exec(
            *server.command, env=fresh, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(60):
            _, log = await process.communicate()
        assert process.returncode == 1
        assert b"peerchat migrate" in log
