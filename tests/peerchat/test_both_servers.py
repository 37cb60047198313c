"""Daphne and uvicorn, real ones, bring the same frames by the short cut: large ones, many at once, in order."""

import asyncio
from pathlib import Path

import pytest

from peerchat.client import crypto
from peerchat.client.live import Live
from peerchat.protocol import limits
from tests.support.live_people import live_community
from tests.support.server import start_server

SIZES = [1, 100, 125, 126, 1_000, limits.CIPHERTEXT_MAX_BYTES] * 4


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
async def test_frames_of_all_sizes_arrive_whole_and_in_order(kind: str, tmp_path: Path) -> None:
    with start_server(tmp_path, server=kind) as server:
        async with live_community(server, tmp_path) as community:
            room = await community.open_room(members=1)
            sent = [crypto.random_bytes(size) for size in SIZES]
            async with Live(room.leader) as leader, Live(room.members[0]) as member:
                await leader.connected.wait()
                await member.connected.wait()
                # Followed before anything is sent: this is about what is pushed.
                following = asyncio.create_task(_messages(member, room.room_id, count=len(sent)))
                for ciphertext in sent:
                    await leader.send(room.room_id, epoch=room.epoch, ciphertext=ciphertext)
                came = await asyncio.wait_for(following, timeout=60)
            assert came == sent


async def _messages(live: Live, room_id: bytes, *, count: int) -> list[bytes]:
    came: list[bytes] = []
    async for item in live.follow(room_id):
        if item.kind == "message":
            came.append(item.ciphertext)
        if len(came) == count:
            break
    return came
