"""``python -m tests.faults.hostile``: the storm at full size, against each server in turn; figures, and a verdict."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path

from tests.faults.hostile.storm import EXPECTED_CLOSES, Figures, Storm, make_people
from tests.support.server import start_server

GROWTH_KB_MAX = 20_000
HONEST_MS_MAX = 10_000


def main() -> int:
    """Run it; the status is 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.hostile")
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--server", choices=["daphne", "uvicorn"], nargs="*", default=["daphne", "uvicorn"])
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    broken = []
    for server in arguments.server:
        figures = asyncio.run(run(server=server, seed=arguments.seed, frames=arguments.frames))
        told = {**vars(figures), "growth_kb": figures.growth_kb}
        print(json.dumps(told, indent=1), flush=True)
        broken += [f"{server}: {what}" for what in broken_promises(figures)]
    for what in broken:
        print(f"BROKEN {what}")
    return 1 if broken else 0


async def run(*, server: str, seed: int, frames: int) -> Figures:
    """Start a server, let the storm go over it, and return the figures."""
    figures = Figures(seed=seed, server=server)
    with tempfile.TemporaryDirectory(prefix="peerchat-hostile-") as name:
        folder = Path(name)
        with start_server(folder, server=server) as running:
            storm = Storm(running, people=make_people(running, folder), figures=figures)
            await storm.run(frames=frames, warm_up=max(2_000, frames // 20))
    return figures


def broken_promises(figures: Figures) -> list[str]:
    """Return what did not hold."""
    wrong = []
    if figures.growth_kb > GROWTH_KB_MAX:
        wrong.append(f"memory grew by {figures.growth_kb} KB")
    if not figures.honest_sent or figures.honest_lost:
        wrong.append(f"{figures.honest_lost} of {figures.honest_sent} honest messages were lost")
    if figures.honest_max_ms > HONEST_MS_MAX:
        wrong.append(f"an honest message took {figures.honest_max_ms} ms")
    if figures.errors:
        wrong.append(f"{figures.errors.total()} errors in the log")
    if figures.closes["open"] > figures.answers["request.rate_limited"]:
        wrong.append(f"{figures.closes['open']} sockets were left open")
    if strange := figures.closes.keys() - EXPECTED_CLOSES:
        wrong.append(f"sockets ended with {sorted(strange)}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
