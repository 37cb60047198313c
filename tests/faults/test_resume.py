"""A client that was away asks for what came ``after`` its last seq; what expired meanwhile is no gap."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from peerchat.client import crypto
from peerchat.client.live import Live
from peerchat.client.socket import Socket
from peerchat.protocol import client_frames as ask
from peerchat.protocol.server_frames import Item, Items
from tests.faults.sockets import answer
from tests.support.live_people import LiveRoom
from tests.support.server import RunningServer

pytestmark = [pytest.mark.faults, pytest.mark.asyncio(loop_scope="module")]


async def say(live: Live, room: LiveRoom, count: int) -> list[int]:
    """Send ``count`` messages and return their seqs."""
    return [
        (await live.send(room.room_id, epoch=room.epoch, ciphertext=crypto.random_bytes(256))).seq
        for _ in range(count)
    ]


async def take(live: Live, room: LiveRoom, *, after: int, through: int) -> list[int]:
    """Return the seqs of the messages that following gives, up to ``through``."""
    got: list[int] = []
    async with asyncio.timeout(30):
        async for item in live.follow(room.room_id, after=after):
            got.append(item.seq)
            if item.seq >= through:
                return got
    return got


def expire(server: RunningServer, seqs: list[int]) -> None:
    """Let messages end now: the clock of another process cannot be turned."""
    with sqlite3.connect(server.data_dir / "peerchat.sqlite3", timeout=10) as database:
        marks = ",".join("?" * len(seqs))
        changed = database.execute(
            f"UPDATE rooms_message SET expires_at = '2020-01-01 00:00:00' WHERE seq IN ({marks})",  # noqa: S608
            seqs,
        )
        assert changed.rowcount == len(seqs)
    database.close()


async def test_what_came_and_expired_while_away_is_neither_given_nor_a_gap(
    server: RunningServer, room: LiveRoom
) -> None:
    async with Live(room.leader) as talker:
        async with Live(room.members[0]) as reader:
            seqs = await say(talker, room, 3)
            assert await take(reader, room, after=seqs[0] - 1, through=seqs[-1]) == seqs
        away = await say(talker, room, 7)
        expire(server, [away[0], away[3], away[-1]])
        async with Live(room.members[0]) as reader:
            left = [away[1], away[2], *away[4:-1]]
            assert await take(reader, room, after=seqs[-1], through=left[-1]) == left
            (newest,) = await say(talker, room, 1)
            # The last of those before it has expired: the client must not take that for a hole, and pull for ever.
            assert await take(reader, room, after=left[-1], through=newest) == [newest]


async def test_an_answer_says_how_far_it_tells_even_where_nothing_is_left(
    server: RunningServer, room: LiveRoom
) -> None:
    async with Live(room.leader) as talker:
        seqs = await say(talker, room, 3)
    expire(server, seqs)
    async with await Socket.open(room.members[0].http) as socket:
        await socket.ready()
        await socket.send(ask.Pull(type="pull", room_id=room.room_id, after=seqs[0] - 1, limit=200))
        items = await answer(socket, Items)
    assert (items.items, items.through) == ([], seqs[-1])


async def test_long_absence_is_made_up_in_pulls_that_fit_a_frame(room: LiveRoom) -> None:
    async with Live(room.leader) as talker:
        seqs = [
            (await talker.send(room.room_id, epoch=room.epoch, ciphertext=crypto.random_bytes(20_000))).seq
            for _ in range(12)
        ]
    async with Live(room.members[1]) as reader:
        assert await take(reader, room, after=seqs[0] - 1, through=seqs[-1]) == seqs


async def test_a_reader_that_comes_in_the_middle_of_talk_misses_nothing(room: LiveRoom) -> None:
    async with Live(room.leader) as talker:
        start = (await say(talker, room, 1))[0]
        talking = asyncio.create_task(say(talker, room, 60))
        got: list[Item] = []

        async def come_and_go() -> None:
            while not got or got[-1].seq < start + 60:
                async with Live(room.members[0]) as reader:
                    after = got[-1].seq if got else start
                    count = 0
                    async for item in reader.follow(room.room_id, after=after):
                        got.append(item)
                        count += 1
                        if count == 9 or item.seq >= start + 60:
                            break

        async with asyncio.timeout(60):
            await come_and_go()
        seqs = await talking
    assert [item.seq for item in got] == seqs == list(range(start + 1, start + 61))


async def test_an_answer_does_not_wait_for_a_delayed_acknowledgement(room: LiveRoom) -> None:
    loop = asyncio.get_running_loop()
    times = []
    for _ in range(20):
        since = loop.time()
        await room.leader.me()
        times.append(loop.time() - since)
    # With Nagle's algorithm each takes 40 ms and more; the quickest shows what a busy machine hides.
    assert min(times) < 0.035


async def test_an_outbox_that_comes_all_at_once_is_slowed_down_and_stored_whole(room: LiveRoom) -> None:
    """More than the burst that a socket may send: each refusal names its message, so that it is sent again."""
    async with Live(room.members[0]) as live, asyncio.timeout(60):
        await live.connected.wait()
        sends = [live.send(room.room_id, epoch=room.epoch, ciphertext=b"x" * 64) for _ in range(135)]
        acks = await asyncio.gather(*sends)
    assert len({ack.seq for ack in acks}) == len(acks)
