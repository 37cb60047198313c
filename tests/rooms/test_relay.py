"""Hints between processes, over Channels' own layer in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import reduce
from operator import or_
from typing import Any
from uuid import uuid4

import pytest
from channels.layers import InMemoryChannelLayer

from rooms.hints import NOTHING, Hint
from rooms.relay import GROUP, NotConfirmed, Relay

ROOM, OTHER = uuid4(), uuid4()


class Ears:
    """What a process heard."""

    def __init__(self) -> None:
        self.hints: list[Hint] = []
        self._moved = asyncio.Event()

    def __call__(self, hint: Hint) -> None:
        self.hints.append(hint)
        self._moved.set()

    async def until_heard(self, wanted: Hint) -> None:
        """Wait until all that was heard holds ``wanted``."""
        async with asyncio.timeout(10):
            while reduce(or_, self.hints, NOTHING) | wanted != reduce(or_, self.hints, NOTHING):
                self._moved.clear()
                await self._moved.wait()

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


async def until(reached: Callable[[], bool]) -> None:
    """Let others go on until ``reached``."""
    async with asyncio.timeout(10):
        while not reached():  # noqa: ASYNC110 - a layer tells nobody who joined
            await asyncio.sleep(0.01)


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


async def test_a_hint_that_could_not_be_sent_goes_with_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rooms.relay.AGAIN_SECONDS", 0.01)
    layer = Flaky()
    async with process(layer) as (one, _), process(layer) as (_, others):
        layer.fails = True
        one.tell(Hint(rooms={OTHER: 1}))
        await layer.failed.wait()
        one.tell(Hint(rooms={ROOM: 2}))
        await others.until_heard(Hint(rooms={ROOM: 2, OTHER: 1}))


async def test_a_layer_that_forgot_everyone_is_joined_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a Redis does that was killed and started: the connection is new, and nobody is in the group."""
    monkeypatch.setattr("rooms.relay.RENEW_SECONDS", 0.02)
    layer = InMemoryChannelLayer()
    async with process(layer) as (one, _), process(layer) as (_, others):
        layer.groups.clear()
        await until(lambda: len(layer.groups.get(GROUP, ())) == 2)
        one.tell(Hint(rooms={ROOM: 1}))
        await others.until_heard(Hint(rooms={ROOM: 1}))


class Mute(InMemoryChannelLayer):
    """A layer that lets one receiver wait for ever, as a link does that was cut without a word."""

    def __init__(self) -> None:
        super().__init__()
        self.is_mute = False

    async def receive(self, channel: str) -> dict[str, Any]:
        message: dict[str, Any] = await super().receive(channel)
        while self.is_mute:
            message = await super().receive(channel)
        return message


async def test_a_process_that_hears_not_even_itself_listens_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RENEW_SECONDS": 0.02, "DEAF_SECONDS": 0.1, "AGAIN_SECONDS": 0.01}.items():
        monkeypatch.setattr(f"rooms.relay.{name}", value)
    layer = Mute()
    async with process(layer) as (one, _), process(layer) as (_, others):
        before = set(layer.groups[GROUP])
        layer.is_mute = True
        await until(lambda: not before & set(layer.groups.get(GROUP, ())))
        layer.is_mute = False

        def is_heard() -> bool:
            one.tell(Hint(rooms={ROOM: 1}))
            return any(hint.rooms for hint in others.hints)

        await until(is_heard)


async def test_a_strange_message_is_passed_over() -> None:
    layer = InMemoryChannelLayer()
    async with process(layer) as (one, _), process(layer) as (_, others):
        await layer.group_send(GROUP, {"type": "hint", "from": "elsewhere", "rooms": "many"})
        one.tell(Hint(rooms={ROOM: 1}))
        await others.until(1)
        assert [heard for heard in others.hints if heard] == [Hint(rooms={ROOM: 1})]
