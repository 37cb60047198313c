"""Two ``peerchat keeper`` processes: one works; a crash, a stop and an end hand the work over, and never to both."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from moderation import lease
from tests.support.server import PROJECT, environment_for

pytestmark = pytest.mark.faults

HAND_OVER_SECONDS = lease.LEASE_SECONDS + 3
START_SECONDS = 60


@dataclass
class KeeperProcess:
    """One process; ``log`` holds its events."""

    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(cls, folder: Path, name: str, environment: dict[str, str]) -> Self:
        log = folder / name
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "peerchat", "keeper"],
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        return cls(process, log)

    def terms(self) -> list[int]:
        """Return the terms that it had."""
        return [int(number) for number in re.findall(r"keeper\.began term=(\d+)", self.log.read_text())]

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def until(self, pattern: str, *, seconds: float) -> float:
        """Wait until the log matches, and return after how many seconds it did."""
        since = time.monotonic()
        while not re.search(pattern, self.log.read_text()):
            assert time.monotonic() - since < seconds, (
                f"no {pattern} within {seconds} s\n{self.log.read_text()}"
            )
            time.sleep(0.02)
        return time.monotonic() - since


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[KeeperProcess, KeeperProcess]]:
    """Two that were started together: the one that works, and the other."""
    environment = environment_for(tmp_path, keeper="apart")
    subprocess.run(
        [sys.executable, "-m", "peerchat", "migrate", "--no-input"],
        cwd=PROJECT,
        env=environment,
        check=True,
        capture_output=True,
    )
    both = [KeeperProcess.start(tmp_path, name, environment) for name in ("one", "two")]
    try:
        for one in both:
            one.until("keeper.started", seconds=START_SECONDS)
        deadline = time.monotonic() + START_SECONDS
        while not (working := [one for one in both if one.terms()]):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield working[0], next(one for one in both if one is not working[0])
    finally:
        for one in both:
            one.process.kill()
            one.process.wait()


def test_work_is_handed_over_after_a_stop_and_after_a_crash(
    pair: tuple[KeeperProcess, KeeperProcess],
) -> None:
    first, second = pair
    assert (first.terms(), second.terms()) == ([1], []), "of two that start together one works"

    first.signal(signal.SIGSTOP)
    after_stop = second.until(r"keeper\.began term=2", seconds=HAND_OVER_SECONDS)
    first.signal(signal.SIGCONT)
    first.until(r"keeper\.ended term=1", seconds=HAND_OVER_SECONDS)
    assert first.terms() == [1], "it goes on, and does nothing"

    second.signal(signal.SIGKILL)
    after_crash = first.until(r"keeper\.began term=3", seconds=HAND_OVER_SECONDS)
    print(f"taken over {after_stop:.1f} s after a stop, {after_crash:.1f} s after a crash")
