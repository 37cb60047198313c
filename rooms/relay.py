"""Hints between processes: one group for the whole deployment, one message for each commit, ids and seqs
alone.

It is given a channel layer and knows nothing else of Channels. What the layer loses, the hub's poll finds.
``start`` returns once the process has heard itself: with unconfirmed subscriptions a prototype lost 1 to 8 %
of all hints.
"""

import asyncio
from collections.abc import Callable
from logging import WARNING
from typing import Any, Protocol
from uuid import uuid4

from peerchat.logging import event
from rooms.hints import NOTHING, Hint, from_message, to_message

GROUP = "peerchat.hints"
CONFIRM_SECONDS = 10.0
PROBE_SECONDS = 0.5
RENEW_SECONDS = 600.0
"""Far below the layers' default expiry of a group (a day)."""


class Layer(Protocol):
    """The part of a channel layer that is used."""

    async def new_channel(self) -> str: ...
    async def group_add(self, group: str, channel: str) -> None: ...
    async def group_discard(self, group: str, channel: str) -> None: ...
    async def group_send(self, group: str, message: dict[str, Any]) -> None: ...
    async def receive(self, channel: str) -> dict[str, Any]: ...


class NotConfirmed(Exception):
    """The channel layer did not bring back our own hint; the process must not serve."""


class Relay:
    """One for each process; belongs to the event loop."""

    def __init__(self, layer: Layer, *, heard: Callable[[Hint], None]) -> None:
        self._layer = layer
        self._heard = heard
        self._me = uuid4().hex
        self._confirmed = asyncio.Event()
        self._outgoing = NOTHING
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Subscribe, and return once our own hint came back; raise ``NotConfirmed``."""
        self._tasks = [asyncio.create_task(self._receive()), asyncio.create_task(self._send())]
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                while not self._confirmed.is_set():
                    try:
                        await self._layer.group_send(GROUP, self._message(NOTHING))
                    except Exception as error:
                        event("relay.send_failed", error=error)
                    await self._confirmed_within(PROBE_SECONDS)
        except TimeoutError:
            raise NotConfirmed from None

    def tell(self, hint: Hint) -> None:
        """Send ``hint`` to the other processes soon; what gathers while one is under way goes as one."""
        self._outgoing = self._outgoing | hint
        self._wake.set()

    async def stop(self) -> None:
        """Send no more and hear no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _confirmed_within(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._confirmed.wait()
        except TimeoutError:
            return

    def _message(self, hint: Hint) -> dict[str, Any]:
        return {"type": "hint", "from": self._me, **to_message(hint)}

    async def _send(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            hint, self._outgoing = self._outgoing, NOTHING
            try:
                await self._layer.group_send(GROUP, self._message(hint))
            except Exception as error:
                event("relay.send_failed", error=error)

    async def _receive(self) -> None:
        while True:
            try:
                await self._receive_on(await self._layer.new_channel())
            except Exception as error:
                event("relay.receive_failed", error=error)
                await asyncio.sleep(PROBE_SECONDS)

    async def _receive_on(self, channel: str) -> None:
        renewal = asyncio.create_task(self._renew(channel))
        try:
            await self._layer.group_add(GROUP, channel)
            while True:
                self._take(await self._layer.receive(channel))
        finally:
            renewal.cancel()
            await self._layer.group_discard(GROUP, channel)

    async def _renew(self, channel: str) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await self._layer.group_add(GROUP, channel)
            except Exception as error:
                event("relay.renew_failed", error=error)

    def _take(self, message: dict[str, Any]) -> None:
        if message.get("from") == self._me:
            self._confirmed.set()
            return
        try:
            hint = from_message(message)
        except (KeyError, TypeError, ValueError, AttributeError):
            event("relay.strange_message", level=WARNING)
            return
        self._heard(hint)
