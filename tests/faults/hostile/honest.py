"""Two people who talk while others misbehave; what they say must arrive, and soon."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.faults.hostile.wire import Wire, frame, pack

EVERY_SECONDS = 0.2
LAST_SECONDS = 15.0


class Honest:
    """``headers``: of the one who talks and of the one who listens."""

    def __init__(self, *, port: int, room_id: bytes, epoch: int, headers: list[dict[str, str]]) -> None:
        self._port = port
        self._room_id = room_id
        self._epoch = epoch
        self._headers = headers
        self._sent: dict[bytes, float] = {}
        self._delays: list[float] = []

    @asynccontextmanager
    async def talking(self) -> AsyncIterator[None]:
        """Talk inside the block, over one socket each; raise ``Gone`` if either is sent away."""
        talker, listener = [await Wire.open(self._port, headers) for headers in self._headers]
        for wire in (talker, listener):
            assert (await wire.read_message())["type"] == "ready"
        tasks = [
            asyncio.ensure_future(work)
            for work in (self._talk(talker), self._take(talker, None), self._take(listener, self._came))
        ]
        try:
            yield
            tasks[0].cancel()
            async with asyncio.timeout(LAST_SECONDS):
                while self._sent:  # noqa: ASYNC110 - an event for each message would be more than this
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return
        finally:
            for task in tasks:
                task.cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            talker.abort()
            listener.abort()
            failed = [one for one in done if isinstance(one, Exception)]
            if failed:
                raise failed[0]

    def forget(self) -> None:
        """Begin to count anew."""
        self._delays.clear()

    def tell(self, figures: Any) -> None:
        """Write down how it went."""
        delays = sorted(self._delays) or [0.0]
        figures.honest_sent = len(self._delays) + len(self._sent)
        figures.honest_lost = len(self._sent)
        figures.honest_p50_ms = round(1000 * delays[len(delays) // 2], 1)
        figures.honest_p99_ms = round(1000 * delays[len(delays) * 99 // 100], 1)
        figures.honest_max_ms = round(1000 * delays[-1], 1)

    async def _talk(self, wire: Wire) -> None:
        while True:
            message_id = os.urandom(16)
            self._sent[message_id] = time.monotonic()
            wire.write(
                frame(
                    pack(
                        {
                            "type": "send",
                            "room_id": self._room_id,
                            "message_id": message_id,
                            "epoch": self._epoch,
                            "ciphertext": os.urandom(256),
                        }
                    )
                )
            )
            await asyncio.sleep(EVERY_SECONDS)

    async def _take(self, wire: Wire, came: Any) -> None:
        pushed = 0
        while True:
            told = await wire.read_message()
            if told["type"] != "items":
                continue
            if told["pushed"]:
                pushed += 1
                wire.write(frame(pack({"type": "credit", "frames": pushed})))
            if came is not None:
                came(told["items"])

    def _came(self, items: list[dict[str, Any]]) -> None:
        for item in items:
            started = self._sent.pop(item["message_id"], None) if item["kind"] == "message" else None
            if started is not None:
                self._delays.append(time.monotonic() - started)
