"""Whatever can go wrong between two processes, PostgreSQL, Redis and phones on bad links, at random moments under load:
nothing acknowledged is lost, doubled, reordered or changed.

Every link passes a proxy of ours. ``make soak`` kills a hundred times, with another fault after every second kill;
``make test`` twice, with two.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from tests.faults.load import Load, kills_of_this_run, load_on, seed_of_this_run
from tests.support.cluster import Cluster, ClusterProcess
from tests.support.live_people import live_community
from tests.support.proxy import Proxy
from tests.support.services import PostgreSQL, Redis

pytestmark = pytest.mark.faults

KILLS = 2
OTHERS = 2


class Trouble:
    """The faults, each by a method that makes it and mends it; ``made`` counts them."""

    def __init__(
        self,
        cluster: Cluster,
        postgresql: PostgreSQL,
        redis: Redis,
        links: dict[str, Proxy],
        source: random.Random,
    ) -> None:
        self.made: Counter[str] = Counter()
        self._cluster = cluster
        self._postgresql = postgresql
        self._redis = redis
        self._links = links
        self._source = source
        self._bag: list[tuple[str, Callable[[], Awaitable[None]]]] = []

    async def kill_a_process(self) -> None:
        """Kill either process, and start it again."""
        one = self._a_process()
        one.kill()
        self.made["kill -9 of a process"] += 1
        await asyncio.to_thread(one.start)

    async def another(self) -> None:
        """Make one of the other faults; each comes once before any comes twice."""
        if not self._bag:
            self._bag = self._all()
            self._source.shuffle(self._bag)
        name, make = self._bag.pop()
        await make()
        self.made[name] += 1

    def _all(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        faults: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("process stopped and continued", self._freeze_a_process),
            ("Redis killed", self._kill_redis),
            ("PostgreSQL killed whole", self._kill_postgresql),
            ("PostgreSQL backend crashed", self._crash_a_backend),
        ]
        for name, proxy in self._links.items():
            faults += [
                (f"links to {name} cut", partial(self._cut, proxy)),
                (f"links to {name} delayed", partial(self._delay, proxy)),
                (f"links to {name} silent, then back", partial(self._silence, proxy, then_cut=False)),
                (f"links to {name} silent, then cut", partial(self._silence, proxy, then_cut=True)),
            ]
        return faults

    def _a_process(self) -> ClusterProcess:
        return self._source.choice(self._cluster.processes)

    async def _freeze_a_process(self) -> None:
        with self._a_process().frozen():
            await asyncio.sleep(self._source.uniform(0.5, 5))

    async def _kill_redis(self) -> None:
        self._redis.kill()
        await asyncio.sleep(self._source.uniform(0, 2))
        await asyncio.to_thread(self._redis.start)

    async def _kill_postgresql(self) -> None:
        self._postgresql.kill()
        await asyncio.sleep(self._source.uniform(0, 1))
        await asyncio.to_thread(self._postgresql.start)

    async def _crash_a_backend(self) -> None:
        await asyncio.to_thread(self._postgresql.crash_a_backend)

    async def _cut(self, proxy: Proxy) -> None:
        proxy.cut(proxy.some(self._source))

    async def _delay(self, proxy: Proxy) -> None:
        seconds = self._source.uniform(0.05, 0.5)
        await proxy.delay(proxy.some(self._source), each_seconds=seconds, for_seconds=2)

    async def _silence(self, proxy: Proxy, *, then_cut: bool) -> None:
        seconds = self._source.uniform(0.5, 4)
        await proxy.silence(proxy.some(self._source), for_seconds=seconds, then_cut=then_cut)


async def make_trouble(
    trouble: Trouble, load: Load, source: random.Random, *, kills: int, others: int
) -> None:
    """Kill ``kills`` times, with ``others`` other faults spread between, each under load."""
    for number in range(kills):
        await load.until_loaded()
        await asyncio.sleep(source.uniform(0, 0.7))
        await trouble.kill_a_process()
        while sum(trouble.made.values()) - number - 1 < others * (number + 1) // kills:
            await load.until_loaded()
            await trouble.another()


async def test_nothing_acknowledged_is_lost_doubled_or_reordered_by_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peerchat.client.live.RETRY_MAX_SECONDS", 0.5)
    monkeypatch.setattr("peerchat.client.http.TIMEOUT_SECONDS", 5.0)
    seed, kills = seed_of_this_run(), kills_of_this_run(KILLS)
    others = OTHERS if kills == KILLS else kills // 2
    print(f"FAULT_SEED={seed} FAULT_KILLS={kills} on PostgreSQL and Redis, two processes")
    source, since = random.Random(seed), time.monotonic()
    with PostgreSQL(durable=True) as postgresql, Redis() as redis:
        database = postgresql.create_database("peerchat")
        async with Proxy(postgresql.port) as to_database, Proxy(redis.port) as to_redis:
            database = database.replace(f":{postgresql.port}/", f":{to_database.port}/")
            hints = redis.url.replace(f":{redis.port}/", f":{to_redis.port}/")
            phones = Proxy()
            with Cluster(
                tmp_path, processes=2, behind=phones.port, database_url=database, redis_url=hints
            ) as cluster:
                phones.target = cluster.port
                await asyncio.to_thread(cluster.start)
                links = {"phones": phones, "PostgreSQL": to_database, "Redis": to_redis}
                trouble = Trouble(cluster, postgresql, redis, links, source)
                async with (
                    phones,
                    live_community(cluster, tmp_path) as community,
                    load_on(community, source) as load,
                ):
                    await make_trouble(trouble, load, source, kills=kills, others=others)
                # Each process ends in good order, over healthy links.
                for one in cluster.processes:
                    await asyncio.to_thread(one.stop)
    for name, count in sorted(trouble.made.items()):
        print(f"{count:4} times {name}")
    print(f"{time.monotonic() - since:.0f} s in all")
