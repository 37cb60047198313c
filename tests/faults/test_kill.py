"""``kill -9`` at random moments under load, ten times: nothing acknowledged is lost, doubled, reordered or
changed.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from peerchat.client import crypto
from peerchat.client.client import Client
from peerchat.client.http import Unreachable
from peerchat.client.live import Live
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.http_bodies import PendingAnswer
from tests.faults.history import Delivered, History, delivered, digest_of, faults_in
from tests.support.live_people import LiveCommunity, LiveRoom, live_community
from tests.support.server import RunningServer, start_server

KILLS = 10
SENDERS = 5
AT_ONCE = 3
REST_SECONDS = 60.0

pytestmark = pytest.mark.faults


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
        self._moved = asyncio.Event()
        self._random = random_source
        self._epoch = room.epoch

    async def send(self, live: Live) -> None:
        """Send one message after another, each until it is acknowledged."""
        while not self.stopping.is_set():
            await self._send_one(live)
            await asyncio.sleep(self._random.uniform(0, 0.05))

    async def _send_one(self, live: Live) -> None:
        message_id = crypto.new_id()
        epoch = self._epoch
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
            self._moved.set()
            return

    async def read(self, name: str, live: Live) -> None:
        """Follow the room from its beginning."""
        async for item in live.follow(self.room.room_id):
            self.history.readers[name].append(delivered(item))
            self._moved.set()

    async def change_epochs(self, community: LiveCommunity, quiet: Client) -> None:
        """Mute and unmute a member who says nothing: entries and commits land between the messages."""
        muted = False
        while not self.stopping.is_set():
            await asyncio.sleep(self._random.uniform(0.2, 0.8))
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
                pass
            try:
                rows = {row.room_id: row for row in await quiet.rooms()}
                muted = rows[self.room.room_id].muted
            except Unreachable:
                continue

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


async def kill_and_restart(
    server: RunningServer, load: Load, random_source: random.Random, *, epochs: int
) -> None:
    """Kill the server at a random moment of the load, and start it again."""
    acked, changed = len(load.history.acked), load.changed
    # Under load: a server that is killed before anything was acknowledged would prove little.
    await load.until(
        lambda: len(load.history.acked) > acked + 5 and load.changed >= changed + epochs, what="load"
    )
    await asyncio.sleep(random_source.uniform(0, 0.7))
    server.kill()
    await asyncio.to_thread(server.start)


async def test_nothing_acknowledged_is_lost_doubled_or_reordered_by_ten_kills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server is back within seconds; patience would only make the test long.
    monkeypatch.setattr("peerchat.client.live.RETRY_MAX_SECONDS", 0.5)
    seed = seed_of_this_run()
    print(f"FAULT_SEED={seed}")
    random_source = random.Random(seed)
    with start_server(tmp_path) as server:
        async with live_community(server, tmp_path) as community, AsyncExitStack() as stack:
            room = await community.open_room(members=SENDERS)
            quiet, senders = room.members[-1], [room.leader, *room.members[:-1]]
            load = Load(room, random_source)
            lives = [await stack.enter_async_context(Live(sender)) for sender in senders]
            readers = [
                asyncio.create_task(load.read(f"device {number}", live)) for number, live in enumerate(lives)
            ]
            sending = [asyncio.create_task(load.send(live)) for live in lives for _ in range(AT_ONCE)]
            changing = asyncio.create_task(load.change_epochs(community, quiet))
            for number in range(KILLS):
                await kill_and_restart(server, load, random_source, epochs=number % 2)
            load.stopping.set()
            async with asyncio.timeout(REST_SECONDS):
                await asyncio.gather(*sending, changing)
            await load.until(load.settled, what="rest")
            load.history.readers["database"] = await read_everything(quiet, room.room_id)
            for reader in readers:
                reader.cancel()
    print(
        f"{len(load.history.acked)} acknowledged, {len(load.history.readers['database'])} items,"
        f" {load.changed} epochs, {load.stale} encrypted again"
    )
    assert faults_in(load.history) == [], f"FAULT_SEED={seed}"
