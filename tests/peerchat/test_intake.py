"""The tap of one socket: a flood waits, an honest phone does not notice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from peerchat.intake import (
    BACKLOG_BYTES,
    BACKLOG_FRAMES,
    BYTES_FOR_ONE,
    COST_BURST,
    COST_PER_SECOND,
    REST_SECONDS,
    Intake,
)
from peerchat.protocol import limits
from rooms.consumers import FRAMES_BURST, FRAMES_PER_SECOND


class Loop:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, call: Callable[[], None]) -> Any:
        entry = (self.now + delay, call)
        self.timers.append(entry)

        class Handle:
            def cancel(_) -> None:  # noqa: N805
                if entry in self.timers:
                    self.timers.remove(entry)

        return Handle()

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for entry in [one for one in self.timers if one[0] <= self.now]:
            self.timers.remove(entry)
            entry[1]()


def tap() -> tuple[Loop, Intake, list[bool]]:
    loop, turns = Loop(), list[bool]()
    return loop, Intake(loop=cast(asyncio.AbstractEventLoop, loop), turn=turns.append), turns


def test_what_a_phone_sends_that_comes_back_never_closes_the_tap() -> None:
    loop, intake, turns = tap()
    for _ in range(FRAMES_BURST):
        intake.count(limits.CIPHERTEXT_MAX_BYTES // 10)
    for _ in range(60 * FRAMES_PER_SECOND):
        loop.pass_time(1 / FRAMES_PER_SECOND)
        intake.count(limits.CIPHERTEXT_MAX_BYTES)
    assert turns == []


def test_a_flood_is_read_no_faster_than_the_pace() -> None:
    loop, intake, turns = tap()
    taken = 0
    while loop.now < 60:
        if intake.is_open:
            intake.count(0)
            taken += 1
        else:
            loop.pass_time(0.01)
    assert turns[:2] == [False, True]
    assert taken <= COST_BURST + 60 * COST_PER_SECOND + len(turns)


def test_large_frames_cost_more() -> None:
    _, intake, turns = tap()
    for _ in range(COST_BURST * BYTES_FOR_ONE // limits.FRAME_MAX_BYTES + 1):
        intake.count(limits.FRAME_MAX_BYTES)
    assert turns == [False]


def test_what_the_application_does_not_take_closes_the_tap_until_it_took_it() -> None:
    for size, count in ((1, BACKLOG_FRAMES + 1), (limits.FRAME_MAX_BYTES, 5)):
        _, intake, turns = tap()
        for _ in range(count):
            intake.inbox.put_nowait({"type": "websocket.receive", "bytes": b"x" * size})
        assert turns == [False], f"{count * size} of {BACKLOG_BYTES} bytes wait"
        for _ in range(count):
            intake.inbox.get_nowait()
        assert turns == [False, True]


def test_the_tap_opens_only_once_nothing_holds_it() -> None:
    loop, intake, turns = tap()
    for _ in range(COST_BURST + 1):
        intake.count(0)
    for _ in range(BACKLOG_FRAMES + 1):
        intake.inbox.put_nowait({"type": "websocket.receive", "bytes": b""})
    loop.pass_time(REST_SECONDS)
    assert turns == [False]
    while not intake.inbox.empty():
        intake.inbox.get_nowait()
    assert turns == [False, True]


def test_a_connection_that_is_gone_leaves_no_timer() -> None:
    loop, intake, turns = tap()
    for _ in range(COST_BURST + 1):
        intake.count(0)
    intake.end()
    assert loop.timers == []
    intake.count(0)
    assert (loop.timers, turns) == ([], [False])
