"""Two processes on one port, with a real PostgreSQL and a real Redis: what happens at one is known at the other, and
neither service that dies takes anything with it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import pytest_asyncio

from peerchat.client import crypto
from peerchat.client.client import Client
from peerchat.client.http import Http
from peerchat.client.live import Live
from peerchat.client.socket import Socket
from peerchat.errors import CloseCode
from peerchat.protocol.client_frames import RoomPresence
from peerchat.protocol.http_bodies import DoneAnswer
from peerchat.protocol.server_frames import Notice, PresenceUpdate
from rooms.delivery import POLL_TICKS
from tests.faults.load import load_on, seed_of_this_run
from tests.faults.sockets import closed_with
from tests.support.cluster import Cluster
from tests.support.live_people import LiveCommunity, LiveRoom, live_community
from tests.support.services import PostgreSQL, Redis

pytestmark = [pytest.mark.faults, pytest.mark.asyncio(loop_scope="module")]

HINT_SECONDS = 1.5
"""A hint takes some milliseconds, and a poll up to 5 s: what comes this soon came by a hint."""
POLLED_SECONDS = POLL_TICKS + 3
BACK_SECONDS = 30.0
WAIT_SECONDS = 10.0


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    with PostgreSQL(durable=True) as service:
        yield service


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with Redis() as service:
        yield service


@pytest.fixture(scope="module")
def cluster(
    postgresql: PostgreSQL, redis: Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    database = postgresql.create_database("peerchat")
    with Cluster(folder, processes=2, database_url=database, redis_url=redis.url) as found:
        found.start()
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def community(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LiveCommunity]:
    async with live_community(cluster, tmp_path_factory.mktemp("community")) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def room(community: LiveCommunity) -> LiveRoom:
    return await community.open_room(members=2)


class Listener:
    """What a device was given, and when."""

    def __init__(self, live: Live, room: LiveRoom) -> None:
        self._got: dict[bytes, float] = {}
        self._moved = asyncio.Event()
        self.task = asyncio.create_task(self._listen(live, room))

    async def _listen(self, live: Live, room: LiveRoom) -> None:
        async for item in live.follow(room.room_id):
            if item.kind == "message":
                self._got[item.message_id] = time.monotonic()
                self._moved.set()

    async def got(self, message_id: bytes, *, seconds: float) -> float:
        """Return when it came; fail after ``seconds``."""
        async with asyncio.timeout(seconds):
            while message_id not in self._got:
                self._moved.clear()
                await self._moved.wait()
        return self._got[message_id]


@asynccontextmanager
async def sockets_at_both(cluster: Cluster, room: LiveRoom) -> AsyncIterator[tuple[Live, Live, Listener]]:
    """A speaker at the first process, a reader at the second: each connected while the other process hung."""
    async with AsyncExitStack() as stack:
        with cluster.processes[1].frozen():
            speaker = await stack.enter_async_context(Live(room.members[0]))
            await asyncio.wait_for(speaker.connected.wait(), BACK_SECONDS)
        with cluster.processes[0].frozen():
            reader = await stack.enter_async_context(Live(room.members[1]))
            await asyncio.wait_for(reader.connected.wait(), BACK_SECONDS)
        listener = Listener(reader, room)
        yield speaker, reader, listener
        listener.task.cancel()


async def say(speaker: Live, room: LiveRoom) -> bytes:
    """Send a message and return its id once it is acknowledged."""
    message_id = crypto.new_id()
    await speaker.send(
        room.room_id, epoch=room.epoch, ciphertext=crypto.random_bytes(64), message_id=message_id
    )
    return message_id


async def until_hints_work(speaker: Live, room: LiveRoom, listener: Listener) -> float:
    """Return after how many seconds a message came by a hint; fails after ``BACK_SECONDS``."""
    since = time.monotonic()
    while time.monotonic() - since < BACK_SECONDS:
        message_id = await say(speaker, room)
        sent = time.monotonic()
        if await listener.got(message_id, seconds=POLLED_SECONDS) - sent < HINT_SECONDS:
            return time.monotonic() - since
    pytest.fail("no hints any more")


async def test_a_message_sent_at_one_process_reaches_a_socket_at_the_other(
    cluster: Cluster, room: LiveRoom
) -> None:
    async with sockets_at_both(cluster, room) as (speaker, _, listener):
        for _ in range(20):
            await listener.got(await say(speaker, room), seconds=HINT_SECONDS)


async def test_signing_out_at_one_process_closes_the_socket_at_the_other(
    cluster: Cluster, community: LiveCommunity, room: LiveRoom
) -> None:
    (person,) = await community.let_in(room, members=1)
    with cluster.processes[0].frozen():
        socket = await Socket.open(person.http)
        await socket.ready()
    # The call comes on a new connection, at the first process.
    with cluster.processes[1].frozen():
        await sign_out_elsewhere(person)
    assert await closed_with(socket, seconds=HINT_SECONDS) == CloseCode.SIGNED_OUT
    room.members.remove(person)


async def sign_out_elsewhere(person: Client) -> None:
    """End the session over a connection of its own."""
    async with Http(person.origin) as http:
        http._client.cookies.update(person.http._client.cookies)
        await http.post("sign-out", DoneAnswer)


async def test_who_has_the_room_open_is_shown_to_those_at_the_other_process(
    cluster: Cluster, room: LiveRoom
) -> None:
    seen: asyncio.Queue[PresenceUpdate] = asyncio.Queue()
    async with AsyncExitStack() as stack:
        lives = []
        for index in range(2):
            with cluster.processes[1 - index].frozen():
                live = Live(room.members[index], presence=seen.put_nowait if index else None)
                lives.append(await stack.enter_async_context(live))
                await asyncio.wait_for(live.connected.wait(), BACK_SECONDS)
        for live, mode in zip(lives, ("speaking", "listening"), strict=True):
            await live.be_present([RoomPresence(room_id=room.room_id, mode=mode)])  # type: ignore[arg-type]
        wanted = {
            (room.members[0].identity.account_id, "speaking"),
            (room.members[1].identity.account_id, "listening"),
        }
        async with asyncio.timeout(POLLED_SECONDS):
            while {(one.account_id, one.mode) for one in (await seen.get()).present} != wanted:
                pass


async def test_one_person_is_asked_to_commit_whatever_process_they_are_at(
    cluster: Cluster, community: LiveCommunity, room: LiveRoom
) -> None:
    asked: asyncio.Queue[str] = asyncio.Queue()

    def note(name: str) -> Callable[[Notice], None]:
        def heard(notice: Notice) -> None:
            if notice.notice == "commit_wanted":
                asked.put_nowait(name)

        return heard

    async with AsyncExitStack() as stack:
        for index, name in enumerate(("one", "two")):
            with cluster.processes[1 - index].frozen():
                live = Live(room.members[index], notices=note(name))
                await stack.enter_async_context(live)
                await asyncio.wait_for(live.connected.wait(), BACK_SECONDS)
        newcomer = await community.invite_in(room, "newcomer")
        await community.admit(room, newcomer)
        await asyncio.wait_for(asked.get(), POLLED_SECONDS)
        # Within its five seconds nobody else is asked.
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asked.get(), HINT_SECONDS)
        await community.commit_pending(room)
        room.members.append(newcomer)


async def test_without_redis_the_poll_delivers_and_hints_come_back_by_themselves(
    cluster: Cluster, room: LiveRoom, redis: Redis
) -> None:
    async with sockets_at_both(cluster, room) as (speaker, _, listener):
        await until_hints_work(speaker, room, listener)
        redis.kill()
        sent = time.monotonic()
        polled = await listener.got(await say(speaker, room), seconds=POLLED_SECONDS) - sent
        redis.start()
        back = await until_hints_work(speaker, room, listener)
    print(f"without Redis a message took {polled:.1f} s; hints were back {back:.1f} s after its start")


async def test_a_crashed_database_loses_nothing_and_service_goes_on(
    cluster: Cluster, room: LiveRoom, postgresql: PostgreSQL
) -> None:
    async with sockets_at_both(cluster, room) as (speaker, _, listener):
        before = await say(speaker, room)
        postgresql.kill()
        saying = asyncio.create_task(say(speaker, room))
        await asyncio.sleep(0.3)
        since = time.monotonic()
        await asyncio.to_thread(postgresql.start)
        during = await asyncio.wait_for(saying, BACK_SECONDS)
        after = await say(speaker, room)
        for message_id in (before, during, after):
            await listener.got(message_id, seconds=BACK_SECONDS)
    print(
        f"the message that waited was stored {time.monotonic() - since:.1f} s after the database's start began"
    )


async def test_a_process_that_hung_gives_its_sockets_what_they_missed(
    cluster: Cluster, room: LiveRoom
) -> None:
    async with sockets_at_both(cluster, room) as (speaker, _, listener):
        with cluster.processes[1].frozen():
            missed = [await say(speaker, room) for _ in range(5)]
        for message_id in missed:
            await listener.got(message_id, seconds=POLLED_SECONDS)


async def test_a_rolling_restart_under_load_keeps_nobody_waiting(
    cluster: Cluster, community: LiveCommunity
) -> None:
    async with load_on(community, random.Random(seed_of_this_run())) as load:
        await load.until_loaded(epochs=1)
        load.watch()
        since = time.monotonic()
        for one in cluster.processes:
            await asyncio.to_thread(one.stop)
            await load.until_loaded()
            await asyncio.to_thread(one.start)
            await load.until_loaded(epochs=1)
        took, failed = time.monotonic() - since, load.failed_calls
    print(
        f"both restarted in {took:.1f} s; {failed} calls failed; nobody waited longer than {load.slowest():.1f} s"
    )
    assert failed == 0
    assert load.slowest() < WAIT_SECONDS
