"""Devices that talk and listen through every break, and the history of what they saw: the load of the fault tests.

``FAULT_SEED`` repeats the decisions of an earlier run, ``FAULT_KILLS`` says how many kills (``make soak``: 100).
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from peerchat.client import crypto
from peerchat.client.client import Client
from peerchat.client.http import Unreachable
from peerchat.client.live import Live
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.http_bodies import PendingAnswer
from tests.faults.history import Delivered, History, delivered, digest_of, faults_in
from tests.support.live_people import LiveCommunity, LiveRoom

SENDERS = 5
AT_ONCE = 2
PAUSE_SECONDS = (0.05, 0.25)
"""Between two messages: five devices send at most about forty a second, below what one socket may."""
REST_SECONDS = 90.0


def kills_of_this_run(default: int) -> int:
    """Return how many kills: given by ``FAULT_KILLS``, else ``default``."""
    return int(os.environ.get("FAULT_KILLS") or default)


def seed_of_this_run() -> int:
    """Return the seed: given by ``FAULT_SEED`` to look at a failure again, else random."""
    return int(os.environ.get("FAULT_SEED") or random.SystemRandom().randrange(2**32))


class Load:
    """Devices that send and read through every break, until told to stop; and the history of it."""

    def __init__(self, room: LiveRoom, random_source: random.Random) -> None:
        self.room = room
        self.history = History()
        self.stopping = asyncio.Event()
        self.stale = 0
        self.changed = 0
        self.failed_calls = 0
        self.slowest_ack = 0.0
        self.slowest_delivery = 0.0
        self._begun: dict[str, float] = {}
        self._moved = asyncio.Event()
        self._random = random_source
        self._epoch = room.epoch

    def watch(self) -> None:
        """Begin anew to measure how long people wait, and how many calls fail."""
        self.failed_calls, self.slowest_ack, self.slowest_delivery = 0, 0.0, 0.0

    def slowest(self) -> float:
        """Return how long anybody waited for an acknowledgement, or for a message to come, in seconds."""
        return max(self.slowest_ack, self.slowest_delivery)

    async def send(self, live: Live) -> None:
        """Send one message after another, each until it is acknowledged."""
        while not self.stopping.is_set():
            await self._send_one(live)
            await asyncio.sleep(self._random.uniform(*PAUSE_SECONDS))

    async def _send_one(self, live: Live) -> None:
        message_id = crypto.new_id()
        epoch = self._epoch
        self._begun[message_id.hex()] = time.monotonic()
        while True:
            # As a real client does: encrypted again for another epoch, so under the same id are other bytes.
            ciphertext = crypto.random_bytes(self._random.choice((256, 512, 4_096)))
            self.history.sent[message_id.hex()].add(digest_of(ciphertext))
            try:
                ack = await live.send(
                    self.room.room_id, epoch=epoch, ciphertext=ciphertext, message_id=message_id
                )
            except PeerChatError as refusal:
                if refusal.code is not ErrorCode.STALE_EPOCH:
                    raise
                epoch = self._epoch = refusal.details["epoch"]
                self.stale += 1
                continue
            self.history.acked[message_id.hex()].append(ack.seq)
            waited = time.monotonic() - self._begun[message_id.hex()]
            self.slowest_ack = max(self.slowest_ack, waited)
            self._moved.set()
            return

    async def read(self, name: str, live: Live) -> None:
        """Follow the room from its beginning."""
        async for item in live.follow(self.room.room_id):
            self.history.readers[name].append(delivered(item))
            if item.kind == "message":
                waited = time.monotonic() - self._begun[item.message_id.hex()]
                self.slowest_delivery = max(self.slowest_delivery, waited)
            self._moved.set()

    async def change_epochs(self, community: LiveCommunity, quiet: Client) -> None:
        """Mute and unmute a member who says nothing: entries and commits land between the messages."""
        muted = False
        while not self.stopping.is_set():
            await asyncio.sleep(self._random.uniform(0.3, 1.0))
            try:
                pending = PendingAnswer(
                    epoch=(await self.room.leader.pending(self.room.room_id)).epoch, adds=[], removes=[]
                )
                bundle = await community.bundle(self.room, self.room.leader, pending, with_entry=True)
                await self.room.leader.mute(
                    self.room.room_id,
                    account_id=quiet.identity.account_id,
                    muted=not muted,
                    commit=bundle,
                )
                self.changed += 1
                self._moved.set()
            except (Unreachable, PeerChatError):
                # Killed in the middle, or an earlier try had landed: look again.
                self.failed_calls += 1
            try:
                rows = {row.room_id: row for row in await quiet.rooms()}
                muted = rows[self.room.room_id].muted
            except (Unreachable, PeerChatError):
                self.failed_calls += 1

    async def until_loaded(self, *, epochs: int = 0) -> None:
        """Wait until more was acknowledged, and ``epochs`` changed: a kill before that would prove little."""
        acked, changed = len(self.history.acked), self.changed
        await self.until(
            lambda: len(self.history.acked) > acked + 5 and self.changed >= changed + epochs, what="load"
        )

    async def until(self, condition: Callable[[], bool], *, what: str) -> None:
        """Wait until ``condition`` about this history holds."""
        try:
            async with asyncio.timeout(REST_SECONDS):
                while not condition():
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            pytest.fail(f"no {what} within {REST_SECONDS} s")

    def settled(self) -> bool:
        """Return whether every reader has all that any reader has, and all that was acknowledged."""
        seqs = [{item.seq for item in items} for items in self.history.readers.values()]
        acked = {seq for told in self.history.acked.values() for seq in told}
        return len(seqs) == SENDERS and all(one == seqs[0] for one in seqs) and acked <= seqs[0]


async def read_everything(client: Client, room_id: bytes) -> list[Delivered]:
    """Return what the database holds now, over HTTP."""
    items, after = [], 0
    while True:
        answer = await client.items(room_id, after=after)
        items += [delivered(item) for item in answer.items]
        if answer.through == after:
            return items
        after = answer.through


@asynccontextmanager
async def load_on(community: LiveCommunity, source: random.Random) -> AsyncIterator[Load]:
    """Let people talk inside the block; after it let them come to rest, and fail for every fault in what they saw."""
    room = await community.open_room(members=SENDERS)
    quiet, senders = room.members[-1], [room.leader, *room.members[:-1]]
    load = Load(room, source)
    async with AsyncExitStack() as stack:
        lives = [await stack.enter_async_context(Live(sender)) for sender in senders]
        readers = [
            asyncio.create_task(load.read(f"device {number}", live)) for number, live in enumerate(lives)
        ]
        writers = [asyncio.create_task(load.send(live)) for live in lives for _ in range(AT_ONCE)]
        writers.append(asyncio.create_task(load.change_epochs(community, quiet)))
        try:
            yield load
            load.stopping.set()
            async with asyncio.timeout(REST_SECONDS):
                await asyncio.gather(*writers)
            await load.until(load.settled, what="rest")
            load.history.readers["database"] = await read_everything(quiet, room.room_id)
        finally:
            for task in (*readers, *writers):
                task.cancel()
            await asyncio.gather(*readers, *writers, return_exceptions=True)
    print(
        f"{len(load.history.acked)} acknowledged, {len(load.history.readers['database'])} items,"
        f" {load.changed} epochs, {load.stale} encrypted again; slowest acknowledgement {load.slowest_ack:.1f} s,"
        f" slowest delivery {load.slowest_delivery:.1f} s"
    )
    found = faults_in(load.history)
    print(f"{len(found)} lost, doubled, reordered or changed")
    assert not found, found[:10]
