"""The sending side of one socket: what goes out, how much may, and how it ends.

An outlet belongs to the event loop. It never waits: frames of one turn of the loop are joined into one write,
pushes stop at the credit window, and the consumer waits with ``drained`` before it answers a pull. It knows
no rooms but their ids.
"""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from peerchat.errors import CloseCode
from peerchat.protocol import limits
from peerchat.protocol.server_frames import Notice
from rooms.fastwrite import FastPath, Frame, Send, encode_once
from rooms.window import CreditWindow

STUCK_SECONDS = limits.SLOW_READER_MS / 1000
STALLED_SECONDS = 30.0
"""Without a byte taken of what waits here. More than ``STUCK_SECONDS``: what a proxy takes for a phone on a bad network
it takes in large pieces, and a phone that is sent away for that gets no further the next time.
"""
QUEUED_BYTES_MAX = limits.CREDIT_WINDOW_BYTES


class Outlet:
    """``rooms`` are those whose pushes it gets; only the hub writes there."""

    def __init__(
        self,
        *,
        device_id: UUID,
        account_id: UUID,
        token_hash: bytes,
        send: Send,
        fast: FastPath | None,
        clock: Callable[[], float],
        window: CreditWindow | None = None,
    ) -> None:
        self.device_id = device_id
        self.account_id = account_id
        self.token_hash = token_hash
        self.rooms: set[UUID] = set()
        self.device_seq = 0
        self.closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._send = send
        self._fast = fast
        self._clock = clock
        self._window = window or CreditWindow()
        self._behind: set[UUID | None] = set()
        self._waiting: list[Frame] = []
        self._flush_planned = False
        self._written = 0
        self._taken = 0
        self._stalled_since: float | None = None
        self._slow_flush: asyncio.Task[None] | None = None

    # --- frames --------------------------------------------------------------------------------------

    def write(self, frame: Frame) -> None:
        """Send an answer or a notice with the next turn of the loop."""
        if self.closed.done():
            return
        self._waiting.append(frame)
        if not self._flush_planned:
            self._flush_planned = True
            asyncio.get_running_loop().call_soon(self._flush)

    def push(self, frame: Frame, *, room_id: UUID | None) -> bool:
        """Push ``frame`` of a room (``None``: of the device) if the window has room; else remember that it is
        behind.
        """
        if self.closed.done():
            return False
        if not self._window.take(len(frame.payload), now=self._clock()):
            self._behind.add(room_id)
            return False
        self.write(frame)
        return True

    def credit(self, frames: int) -> None:
        """Take in the client's credit; once there is room again, say which rooms fell behind. Raises as the
        window does.
        """
        self._window.credit(frames, now=self._clock())
        if self._behind and self._window.reopen():
            for room_id in sorted(self._behind, key=lambda value: value.bytes if value else b""):
                notice = Notice(
                    type="notice",
                    notice="behind",
                    room_id=room_id.bytes if room_id else None,
                    until=None,
                )
                self.write(encode_once(notice))
            self._behind.clear()

    def forget_room(self, room_id: UUID) -> None:
        """Drop what is remembered about a room that the device may not see any more."""
        self.rooms.discard(room_id)
        self._behind.discard(room_id)

    async def drained(self) -> None:
        """Wait until the peer has taken most of what was written, or the socket closed."""
        if self._fast is not None:
            await self._fast.drained()
        elif self._slow_flush is not None:
            either: set[asyncio.Future[Any]] = {self._slow_flush, self.closed}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)

    # --- the end ----------------------------------------------------------------------------------------

    def close(self, code: int) -> None:
        """Close with ``code``, after what was written. The first code counts."""
        if not self.closed.done():
            self.closed.set_result(code)

    def close_if_stuck(self, *, now: float) -> None:
        """Close with 4408 a reader that does not keep up: nothing could be pushed and no credit came for 10 s, or
        nothing of what waits here was taken for 30 s, or more waits than the window holds. (Answers, notices and
        acknowledgements are not in the window.) Call it once a second.
        """
        if self._window.stuck_for(now=now) >= STUCK_SECONDS or self._is_stalled(now):
            self.close(CloseCode.SLOW_READER)

    def _is_stalled(self, now: float) -> bool:
        if self._fast is not None:
            queued = self._fast.queued()
            taken = self._written - queued
        else:
            queued = sum(len(frame.payload) for frame in self._waiting)
            taken = self._written
        # What the server itself writes (pings) is in the queue and not in the count, so this may go back: that is no
        # progress, and neither is its coming forth again.
        if not queued or taken > self._taken:
            self._taken = max(taken, self._taken)
            self._stalled_since = None
        elif self._stalled_since is None:
            self._stalled_since = now
        if queued > QUEUED_BYTES_MAX:
            return True
        return self._stalled_since is not None and now - self._stalled_since >= STALLED_SECONDS

    async def flushed(self) -> None:
        """Hand everything that was written to the server; before the close frame. A stuck peer is not waited
        for.
        """
        self._flush()
        if self._slow_flush is not None:
            await asyncio.wait({self._slow_flush}, timeout=1)

    def _flush(self) -> None:
        self._flush_planned = False
        if not self._waiting:
            return
        if self._fast is not None:
            waiting, self._waiting = self._waiting, []
            wire = waiting[0].wire if len(waiting) == 1 else b"".join([frame.wire for frame in waiting])
            self._written += len(wire)
            self._fast.write_wire(wire)
        elif self._slow_flush is None or self._slow_flush.done():
            self._slow_flush = asyncio.ensure_future(self._flush_slowly())

    async def _flush_slowly(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            for frame in waiting:
                try:
                    await self._send({"type": "websocket.send", "bytes": frame.payload})
                except Exception:
                    # Servers raise what they like at a connection that has gone.
                    self._waiting.clear()
                    self.close(CloseCode.NORMAL)
                    return
                self._written += len(frame.payload)
