"""Stories that several devices tell together, with real MLS in every one of them and a real server between."""

from __future__ import annotations

import random
from pathlib import Path

from tests.support.headless import play
from tests.support.server import start_server


def test_two_survivors_are_let_in_talk_and_one_is_removed(tmp_path: Path) -> None:
    with start_server(tmp_path) as server:
        events = play(server, tmp_path, name="two-survivors", seed=1)
    assert [event["event"] for event in events] == [
        "room-opened",
        "both-in",
        "talked-both-ways",
        "muted",
        "removed",
        "done",
    ]


def test_a_crowd_comes_in_while_others_talk_and_nothing_is_lost(tmp_path: Path) -> None:
    """Smaller than ``make crowd``, which also says how long it took. The scenario compares what everyone read."""
    seed = random.randrange(2**32)
    with start_server(tmp_path) as server:
        events = play(server, tmp_path, name="crowd", seed=seed, newcomers=10, spreadMs=3_000, talkers=3)
    done = events[-1]
    assert done["joined"] == 10, f"seed {seed}"
    assert done["messages"] > 3, f"seed {seed}"
