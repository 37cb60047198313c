"""Scenarios of ``frontend/tests/harness``: the app without a browser, in Node, against a real server."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.support.server import PROJECT, RunningServer

FRONTEND = PROJECT / "frontend"
SCENARIO_SECONDS = 240


class ScenarioFailed(Exception):
    """The scenario said what went wrong, or ended without a word."""


def found_community(server: RunningServer, tmp_path: Path) -> str:
    """Found a community and return its first steward's link."""
    file = tmp_path / "community.json"
    printed = server.manage(
        "community", "create", "--name", "Scenario", "--out", str(file), "--origin", server.url, "--demo"
    )
    server.manage("community", "load", str(file))
    (link,) = [word for word in printed.split() if "/join#" in word]
    return link


def play(
    server: RunningServer, tmp_path: Path, *, name: str, seed: int, **crowd: int
) -> list[dict[str, Any]]:
    """Play a scenario to its end and return what it said, an event a line; ``crowd`` as ``CrowdSize`` in story.ts."""
    setting = {
        "url": server.url,
        "link": found_community(server, tmp_path),
        "seed": seed,
        "fastCurves": bool(crowd),
        "crowd": {"newcomers": 0, "spreadMs": 0, "talkers": 0} | crowd,
    }
    played = subprocess.run(
        [FRONTEND / "node_modules/.bin/tsx", "tests/harness/run.ts", name],
        cwd=FRONTEND,
        input=json.dumps(setting),
        capture_output=True,
        text=True,
        check=False,
        timeout=SCENARIO_SECONDS,
    )
    events = [json.loads(line) for line in played.stdout.splitlines()]
    if played.returncode or not events or events[-1]["event"] != "done":
        raise ScenarioFailed(f"seed {seed}\n{played.stdout[-4000:]}\n{played.stderr[-4000:]}")
    return events
