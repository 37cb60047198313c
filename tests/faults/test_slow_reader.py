"""A reader that does not keep up: pushes stop, it is told and may pull, or it is let go; and nobody else
feels it.
"""

from __future__ import annotations

import asyncio
import socket as sockets
import time
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed

from peerchat.client import crypto
from peerchat.client.socket import Socket
from peerchat.errors import CloseCode
from peerchat.protocol import client_frames as ask
from peerchat.protocol import limits
from peerchat.protocol.codec import encode_frame
from peerchat.protocol.server_frames import Ack, Items, Notice
from tests.faults.sockets import closed_with, raw
from tests.support.live_people import LiveRoom

pytestmark = [pytest.mark.faults, pytest.mark.asyncio(loop_scope="module")]

PATIENCE_SECONDS = 60
# Each message is a push of its own only if it is a commit of its own: one after the other.
PAST_THE_WINDOW = limits.CREDIT_WINDOW_FRAMES + 10


async def talk(room: LiveRoom, *, messages: int, size: int = 256) -> list[int]:
    """Let the leader send messages, one after the other; return their seqs."""
    seqs = []
    async with await Socket.open(room.leader.http) as talker:
        await talker.ready()
        taken = 0
        for _ in range(messages):
            await talker.send(
                ask.Send(
                    type="send",
                    room_id=room.room_id,
                    message_id=crypto.new_id(),
                    epoch=room.epoch,
                    ciphertext=crypto.random_bytes(size),
                )
            )
            told = False
            while not told:
                frame = await talker.receive()
                if isinstance(frame, Items) and frame.pushed:
                    taken += 1
                    await talker.send(ask.Credit(type="credit", frames=taken))
                if isinstance(frame, Ack):
                    seqs.append(frame.seq)
                    told = True
            await asyncio.sleep(0.06)  # the talker has a limit on frames too
    return seqs


async def pushed_frames(socket: Socket) -> list[Items]:
    """Return what was pushed so far; ends when nothing comes for a second."""
    frames = []
    try:
        while True:
            async with asyncio.timeout(1):
                frame = await socket.receive()
            if isinstance(frame, Items) and frame.pushed:
                frames.append(frame)
    except TimeoutError:
        return frames


async def test_past_the_window_pushes_stop_and_after_credit_a_pull_brings_the_rest(room: LiveRoom) -> None:
    async with await Socket.open(room.members[0].http) as slow:
        ready = await slow.ready()
        start = next(mark.last_seq for mark in ready.rooms if mark.room_id == room.room_id)
        seqs = await talk(room, messages=PAST_THE_WINDOW)
        frames = await pushed_frames(slow)
        assert len(frames) == limits.CREDIT_WINDOW_FRAMES
        await slow.send(ask.Credit(type="credit", frames=len(frames)))
        notice = await slow.receive()
        assert notice == Notice(type="notice", notice="behind", room_id=room.room_id, until=None)
        have = frames[-1].through
        await slow.send(ask.Pull(type="pull", room_id=room.room_id, after=have, limit=200))
        rest = await slow.receive()
        assert isinstance(rest, Items)
        got = [item.seq for frame in [*frames, rest] for item in frame.items]
        assert got == [seq for seq in seqs if seq > start] == list(range(start + 1, start + 1 + len(seqs)))


async def test_a_reader_that_gives_no_credit_is_let_go_after_ten_seconds(room: LiveRoom) -> None:
    async with await Socket.open(room.members[1].http) as slow:
        await slow.ready()
        await talk(room, messages=PAST_THE_WINDOW)
        since = time.monotonic()
        assert await closed_with(slow) == CloseCode.SLOW_READER
    # It was stuck already while the last ten messages were sent.
    assert 4 < time.monotonic() - since < 13


async def test_who_asks_and_reads_nothing_is_let_go_and_disturbs_nobody(room: LiveRoom) -> None:
    """Answers to pulls are not counted in the window, so an endless queue of them must not fill our memory."""
    await talk(room, messages=3, size=limits.CIPHERTEXT_MAX_BYTES)
    pull = encode_frame(ask.Pull(type="pull", room_id=room.room_id, after=0, limit=200))
    port = int(room.leader.origin.rpartition(":")[2])
    # Little room in the kernel, so that it is the server's own buffer that fills.
    small = sockets.socket()
    small.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
    await asyncio.to_thread(small.connect, ("127.0.0.1", port))
    small.setblocking(False)
    asked = 0
    async with raw(room.members[0], sock=small, max_queue=1, ping_interval=None) as greedy:
        with suppress(ConnectionClosed):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    await greedy.send(pull)
                    asked += 1
                    await asyncio.sleep(0.05)
        assert len(await talk(room, messages=5)) == 5
        greedy.transport.abort()
    assert asked > 40, "a client that asks at a person's pace is no flood"
