"""Hints between processes: one group for the whole deployment, one message for each commit, ids and seqs
alone.

It is given a channel layer and knows nothing else of Channels. What the layer loses, the hub's poll finds; a layer that
comes back is used again by itself.
``start`` returns once the process has heard itself: with unconfirmed subscriptions a prototype lost 1 to 8 %
of all hints.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from logging import WARNING
from typing import Any, Protocol
from uuid import uuid4

from peerchat.logging import event
from rooms.hints import NOTHING, Hint, from_message, to_message

GROUP = "peerchat.hints"
CONFIRM_SECONDS = 10.0
PROBE_SECONDS = 0.1
SEND_SECONDS = 5.0
AGAIN_SECONDS = 1.0
RENEW_SECONDS = 5.0
"""Far below the layers' expiry of a group (a day): a Redis that restarted has forgotten who is in it."""
DEAF_SECONDS = 20.0


class Layer(Protocol):
    """The part of a channel layer that is used."""

    async def new_channel(self) -> str: ...
    async def group_add(self, group: str, channel: str) -> None: ...
    async def group_discard(self, group: str, channel: str) -> None: ...
    async def group_send(self, group: str, message: dict[str, Any]) -> None: ...
    async def receive(self, channel: str) -> dict[str, Any]: ...


class NotConfirmed(Exception):
    """The channel layer did not bring back our own hint; the process must not serve."""


class Teller:
    """The half that speaks, which is all that a process without sockets needs; belongs to the event loop."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self._me = uuid4().hex
        self._outgoing = NOTHING
        self._wake = asyncio.Event()
        self._failing: set[str] = set()

    def tell(self, hint: Hint) -> None:
        """Send ``hint`` to the other processes soon; what gathers while one is under way goes as one."""
        self._outgoing = self._outgoing | hint
        self._wake.set()

    async def run(self) -> None:
        """Send what is told, until cancelled; what could not be sent goes with what is told next, or a little later."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            hint, self._outgoing = self._outgoing, NOTHING
            if not await self._send(hint):
                self._outgoing = hint | self._outgoing
                await asyncio.sleep(AGAIN_SECONDS)
                self._wake.set()

    async def _send(self, hint: Hint) -> bool:
        try:
            # A layer that hangs must not keep the next hint from being sent by a connection that lives.
            async with asyncio.timeout(SEND_SECONDS):
                await self._layer.group_send(GROUP, {"type": "hint", "from": self._me, **to_message(hint)})
        except Exception as error:
            self._note("relay.send_failed", error)
            return False
        self._failing.discard("relay.send_failed")
        return True

    def _note(self, code: str, error: Exception) -> None:
        """Log the first failure of an outage; an hour without Redis must not fill the log."""
        if code not in self._failing:
            event(code, error=error)
        self._failing.add(code)


class Relay(Teller):
    """One for each process that has sockets; belongs to the event loop."""

    def __init__(self, layer: Layer, *, heard: Callable[[Hint], None]) -> None:
        super().__init__(layer)
        self._heard = heard
        self._confirmed = asyncio.Event()
        self._channel: str | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Subscribe, and return once our own hint came back; raise ``NotConfirmed``."""
        self._tasks = [
            asyncio.create_task(work) for work in (self._receive(), self._stay_subscribed(), self.run())
        ]
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                while not self._confirmed.is_set():
                    await self._send(NOTHING)
                    await self._confirmed_within(PROBE_SECONDS)
        except TimeoutError:
            raise NotConfirmed from None

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

    # --- hearing -----------------------------------------------------------------------------------------

    async def _receive(self) -> None:
        """Subscribe, hear, and begin anew with another channel when that fails or nothing is heard any more."""
        while True:
            try:
                channel = await self._layer.new_channel()
                await self._layer.group_add(GROUP, channel)
                self._channel = channel
                await self._hear(channel)
            except Exception as error:
                self._note("relay.receive_failed", error)
                await asyncio.sleep(AGAIN_SECONDS)

    async def _hear(self, channel: str) -> None:
        try:
            while True:
                # Our own probes come in all the time: silence means that we are deaf, whatever the connection says.
                async with asyncio.timeout(DEAF_SECONDS):
                    message = await self._layer.receive(channel)
                self._failing.discard("relay.receive_failed")
                self._take(message)
        finally:
            # First: else its place would be renewed once more after it was given up.
            self._channel = None
            with suppress(Exception):
                async with asyncio.timeout(SEND_SECONDS):
                    await self._layer.group_discard(GROUP, channel)

    async def _stay_subscribed(self) -> None:
        """Renew the membership, which a restarted Redis has forgotten, and speak to ourselves to know that we hear."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                if self._channel is not None:
                    async with asyncio.timeout(SEND_SECONDS):
                        await self._layer.group_add(GROUP, self._channel)
            except Exception as error:
                self._note("relay.renew_failed", error)
            else:
                self._failing.discard("relay.renew_failed")
                self.tell(NOTHING)

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
