"""How fast one socket is read, whatever the server: a flood waits in the flooder's own machine.

Two things close the tap, and the kernel then tells the peer to wait:

* *pace*: every WebSocket frame costs, control frames and fragments too, which no application ever sees and which the
  servers count nowhere. What is owed past the burst is waited for.
* *backlog*: what was read and not yet taken by the application is bounded, in frames and in bytes. (Daphne's queue
  has no bound of its own; while a session is looked up nobody takes anything out of it.)

It closes no socket: a connection costs its peer less than it costs us, so a flooder that is held back is cheaper than
one that comes again. What a client that keeps sending is closed for, ``rooms.consumers`` decides.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from peerchat.token_bucket import TokenBucket

COST_BURST = 512
COST_PER_SECOND = 128
"""A phone that comes back sends 120 frames at once at most, and 20 a second: see ``rooms.consumers``."""
BYTES_FOR_ONE = 4_096
"""A frame costs one, and one more for each of these bytes."""
REST_SECONDS = 0.25
"""The shortest pause, so that a flood is not let in frame by frame."""
BACKLOG_FRAMES = 64
BACKLOG_BYTES = 262_144
FRAGMENTS_MAX = 64
"""Fragments of one message. Browsers send ours in one; a proxy may cut a 64 KB frame, but not into crumbs."""

Message = dict[str, Any]


class Intake:
    """The tap of one socket. Belongs to the event loop.

    ``turn`` is called with whether the socket may be read, each time that this changes; it may raise nothing and must
    not call back at once.
    """

    __slots__ = ("_bucket", "_ended", "_loop", "_rest", "_turn", "inbox", "is_open")

    def __init__(self, *, loop: asyncio.AbstractEventLoop, turn: Callable[[bool], None]) -> None:
        self._loop = loop
        self._turn = turn
        self._bucket = TokenBucket(burst=COST_BURST, per_second=COST_PER_SECOND, now=loop.time())
        self._rest: asyncio.TimerHandle | None = None
        self._ended = False
        self.inbox = Inbox(self)
        self.is_open = True

    def count(self, size: int) -> None:
        """Count a frame of ``size`` bytes, of any kind."""
        owed = self._bucket.owe(1 + size // BYTES_FOR_ONE, now=self._loop.time())
        if owed and self._rest is None and not self._ended:
            self._rest = self._loop.call_later(max(owed, REST_SECONDS), self._rested)
            self.look()

    def end(self) -> None:
        """Forget the timer: the connection is gone."""
        self._ended = True
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def look(self) -> None:
        """Turn the tap if what holds it has changed."""
        is_open = self._rest is None and not self.inbox.is_full
        if is_open != self.is_open and not self._ended:
            self.is_open = is_open
            self._turn(is_open)

    def _rested(self) -> None:
        self._rest = None
        self.look()


class Inbox(asyncio.Queue[Message]):
    """The queue between a server and the application: what puts into it is never refused, but the tap closes."""

    def __init__(self, intake: Intake) -> None:
        super().__init__()
        self._intake = intake
        self._bytes = 0
        self.is_full = False

    def _put(self, item: Message) -> None:
        super()._put(item)
        self._bytes += _size(item)
        if not self.is_full and (self.qsize() > BACKLOG_FRAMES or self._bytes > BACKLOG_BYTES):
            self.is_full = True
            self._intake.look()

    def _get(self) -> Message:
        item = super()._get()
        self._bytes -= _size(item)
        if self.is_full and self.empty():
            self.is_full = False
            self._intake.look()
        return item


def _size(item: Message) -> int:
    return len(item.get("bytes") or item.get("text") or b"")
