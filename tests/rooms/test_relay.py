"""Hints between processes, over Channels' own layer in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from channels.layers import InMemoryChannelLayer

from rooms.hints import Hint
from rooms.relay import GROUP, NotConfirmed, Relay

ROOM = uuid4()


class Ears:
    """What a process heard."""

    def __init__(self) -> None:
        self.hints: list[Hint] = []
        self._moved = asyncio.Event()

    def __call__(self, hint: Hint) -> None:
        self.hints.append(hint)
        self._moved.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.hints) < count:
                self._moved.clear()
                await self._moved.wait()


@asynccontextmanager
async def process(layer: Any) -> AsyncIterator[tuple[Relay, Ears]]:
    ears = Ears()
    relay = Relay(layer, heard=ears)
    await relay.start()
    try:
        yield relay, ears
    finally:
        await relay.stop()


async def test_others_hear_a_hint_and_oneself_does_not() -> None:
    layer = InMemoryChannelLayer()
    async with process(layer) as (one, own), process(layer) as (_, others):
        hint = Hint(rooms={ROOM: 3}, ended=frozenset({(uuid4(), ROOM)}))
        one.tell(hint)
        await others.until(1)
        assert [heard for heard in others.hints if heard] == [hint]
        assert not any(own.hints)


async def test_what_gathers_goes_as_one_message() -> None:
    layer = InMemoryChannelLayer()
    async with process(layer) as (one, _), process(layer) as (_, others):
        for seq in range(1, 50):
            one.tell(Hint(rooms={ROOM: seq}))
        await others.until(1)
        assert [heard for heard in others.hints if heard] == [Hint(rooms={ROOM: 49})]


async def test_there_is_one_group_for_the_whole_deployment() -> None:
    layer = InMemoryChannelLayer()
    async with process(layer), process(layer), process(layer):
        assert list(layer.groups) == [GROUP]
        assert len(layer.groups[GROUP]) == 3


async def test_a_process_that_ends_leaves_the_group() -> None:
    layer = InMemoryChannelLayer()
    async with process(layer):
        pass
    assert not layer.groups.get(GROUP)


class Deaf(InMemoryChannelLayer):
    """A layer whose subscriptions do nothing."""

    async def group_add(self, group: str, channel: str) -> None:
        return None


async def test_a_process_that_does_not_hear_itself_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rooms.relay.CONFIRM_SECONDS", 0.05)
    monkeypatch.setattr("rooms.relay.PROBE_SECONDS", 0.01)
    relay = Relay(Deaf(), heard=Ears())
    with pytest.raises(NotConfirmed):
        await relay.start()
    await relay.stop()


class Flaky(InMemoryChannelLayer):
    """A layer that fails now and then, as Redis does when it restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = False
        self.failed = asyncio.Event()

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        if self.fails:
            self.fails = False
            self.failed.set()
            raise ConnectionError
        await super().group_send(group, message)


async def test_a_layer_that_fails_once_loses_that_hint_and_no_more() -> None:
    layer = Flaky()
    async with process(layer) as (one, _), process(layer) as (_, others):
        layer.fails = True
        one.tell(Hint(rooms={ROOM: 1}))
        await layer.failed.wait()
        one.tell(Hint(rooms={ROOM: 2}))
        await others.until(1)
        assert [heard for heard in others.hints if heard] == [Hint(rooms={ROOM: 2})]


async def test_a_strange_message_is_passed_over() -> None:
    layer = InMemoryChannelLayer()
    async with process(layer) as (one, _), process(layer) as (_, others):
        await layer.group_send(GROUP, {"type": "hint", "from": "elsewhere", "rooms": "many"})
        one.tell(Hint(rooms={ROOM: 1}))
        await others.until(1)
        assert [heard for heard in others.hints if heard] == [Hint(rooms={ROOM: 1})]
