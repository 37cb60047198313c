"""A server whose keeper runs apart says so when there is none, and when one is back; not at every look."""

from __future__ import annotations

import pytest

from moderation import keeper_watch, lease
from moderation.keeper_watch import KeeperWatch
from tests.support.time import HandClock

pytestmark = pytest.mark.django_db


class Said:
    """What the watch said, and a clock of its own for it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.codes: list[str] = []
        self.seconds = 0.0
        monkeypatch.setattr(keeper_watch, "event", lambda code, **_: self.codes.append(code))
        monkeypatch.setattr("moderation.keeper_watch.time.monotonic", lambda: self.seconds)


def test_a_missing_keeper_is_said_once_and_its_return_too(
    clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Said(monkeypatch)
    watch = KeeperWatch()
    watch.look()
    assert said.codes == [], "a keeper that starts at the same time has a moment"
    for _ in range(10):
        said.seconds += keeper_watch.MISSING_SECONDS / 2
        watch.look()
    assert said.codes == ["keeper.missing"]
    assert lease.take("one") is not None
    watch.look()
    assert said.codes == ["keeper.missing", "keeper.back"]
    clock.forward(seconds=lease.LEASE_SECONDS)
    watch.look()
    assert said.codes == ["keeper.missing", "keeper.back"]


def test_one_that_stays_away_is_said_again_in_time(monkeypatch: pytest.MonkeyPatch, clock: HandClock) -> None:
    said = Said(monkeypatch)
    watch = KeeperWatch()
    for _ in range(2):
        said.seconds += keeper_watch.REPEAT_SECONDS
        watch.look()
    assert said.codes == ["keeper.missing"] * 2
