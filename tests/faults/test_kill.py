"""``kill -9`` at random moments under load, on SQLite: nothing acknowledged is lost, doubled, reordered or changed.

``make soak`` kills a hundred times, ``make test`` ten times.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from tests.faults.load import kills_of_this_run, load_on, seed_of_this_run
from tests.support.live_people import live_community
from tests.support.server import start_server

pytestmark = pytest.mark.faults


async def test_nothing_acknowledged_is_lost_doubled_or_reordered_by_kills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server is back within seconds; patience would only make the test long.
    monkeypatch.setattr("peerchat.client.live.RETRY_MAX_SECONDS", 0.5)
    seed, kills = seed_of_this_run(), kills_of_this_run(10)
    print(f"FAULT_SEED={seed} FAULT_KILLS={kills} on SQLite")
    source = random.Random(seed)
    with start_server(tmp_path) as server:
        async with live_community(server, tmp_path) as community, load_on(community, source) as load:
            for number in range(kills):
                await load.until_loaded(epochs=number % 2)
                await asyncio.sleep(source.uniform(0, 0.7))
                server.kill()
                await asyncio.to_thread(server.start)
    print(f"{kills} times kill -9")
