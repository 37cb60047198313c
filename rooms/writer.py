"""Natural group commit: one thread takes whatever arrived during its last commit and stores it in one
transaction.

No timer: a fixed wait saved nothing and tripled the latency. Nothing is acknowledged before the commit;
results, hints and new items of one commit reach the event loop in one call. It decides nothing about access
or order: that is ``messages.post_messages``. Each message has its own result; where the outcome of a commit
is unknown the batch is posted again, which is safe because ``(device, message_id)`` is unique.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from logging import WARNING
from queue import Empty, SimpleQueue
from time import sleep

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from peerchat.errors import ErrorCode, PeerChatError
from peerchat.logging import event
from rooms import announce
from rooms.hints import Hint
from rooms.messages import PendingSend, Posted, post_messages

Outcome = Posted | PeerChatError
Done = Callable[[Outcome], None]
Post = Callable[[list[PendingSend]], Sequence[Outcome]]

CAPACITY = 2_000
"""Messages that may wait; at 20 KB each that is 40 MB."""
BATCH_MAX = 200
"""Messages in one transaction, so that HTTP writes get their turn at the database."""
TRIES = 3
PAUSE_SECONDS = 0.05
"""Before a batch is posted again, times the number of tries so far."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What one transaction did, for the hub: the messages that it stored, and what else there is to tell."""

    stored: list[tuple[PendingSend, Posted]]
    hint: Hint


@dataclass(frozen=True, slots=True)
class _Waiting:
    send: PendingSend
    done: Done


class Writer:
    """``submit`` and every callback belong to the event loop; only ``_work`` runs in the thread."""

    def __init__(
        self, *, committed: Callable[[Committed], None], post: Post = post_messages, capacity: int = CAPACITY
    ) -> None:
        self._committed = committed
        self._post = post
        self._capacity = capacity
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._pending = 0
        self._refusing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._work, name="rooms-writer", daemon=True)

    def start(self) -> None:
        """Start the thread; call inside the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def submit(self, send: PendingSend, done: Done) -> None:
        """Store ``send`` with the next commit and then call ``done``; raise ``server.busy`` or
        ``server.draining`` at once.
        """
        if self._refusing:
            raise PeerChatError(ErrorCode.DRAINING, "This server is going away.", http_status=503)
        if self._pending >= self._capacity:
            raise PeerChatError(ErrorCode.BUSY, "Too much is waiting to be stored.", http_status=503)
        self._pending += 1
        self._idle.clear()
        self._queue.put(_Waiting(send, done))

    def refuse_new(self) -> None:
        """From now on refuse what is submitted; what was taken is still stored."""
        self._refusing = True

    async def finish(self) -> None:
        """Wait until all that was taken is stored and answered."""
        await self._idle.wait()

    async def stop(self, *, timeout_seconds: float) -> None:
        """Refuse new messages, store what was taken, and end the thread, within ``timeout_seconds``."""
        self.refuse_new()
        self._queue.put(None)
        if self._loop is not None:
            await asyncio.to_thread(self._thread.join, timeout_seconds)

    # --- in the thread -----------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while (batch := self._take()) is not None:
                self._store(batch)
        finally:
            connection.close()

    def _take(self) -> list[_Waiting] | None:
        """Wait for one message, then return it with all that arrived meanwhile; ``None`` at the end."""
        first = self._queue.get()
        if first is None:
            return None
        batch = [first]
        while len(batch) < BATCH_MAX:
            try:
                following = self._queue.get_nowait()
            except Empty:
                break
            if following is None:
                self._queue.put(None)
                break
            batch.append(following)
        return batch

    def _store(self, batch: list[_Waiting]) -> None:
        with announce.collecting() as collected:
            outcomes = self._post_surely([waiting.send for waiting in batch])
        stored = [
            (waiting.send, outcome)
            for waiting, outcome in zip(batch, outcomes, strict=True)
            if isinstance(outcome, Posted)
        ]
        loop = self._loop
        assert loop is not None  # noqa: S101 - set before the thread starts
        try:
            loop.call_soon_threadsafe(self._hand_back, batch, outcomes, Committed(stored, collected.hint))
        except RuntimeError:
            # The loop is gone, and with it everyone who waited; clients ask again by client id.
            event("writer.loop_gone", level=WARNING)

    def _post_surely(self, sends: list[PendingSend]) -> list[Outcome]:
        for attempt in range(1, TRIES + 1):
            try:
                outcomes = list(self._post(sends))
                if len(outcomes) == len(sends):
                    return outcomes
                event("writer.wrong_count", level=WARNING)
                return [_broken() for _ in sends]
            except (OperationalError, InterfaceError) as error:
                # Locked, restarted or gone; whether it was committed is not known.
                event("writer.database_unavailable", error=error)
                connection.close()
                if attempt < TRIES:
                    sleep(PAUSE_SECONDS * attempt)
            except Exception as error:
                event("writer.batch_failed", error=error)
                if isinstance(error, DatabaseError):
                    connection.close()
                return self._post_one_by_one(sends)
        return [
            PeerChatError(ErrorCode.BUSY, "The database does not answer; try again.", http_status=503)
            for _ in sends
        ]

    def _post_one_by_one(self, sends: list[PendingSend]) -> list[Outcome]:
        """A message that breaks a whole transaction must not take the others with it."""
        if len(sends) == 1:
            return [_broken()]
        return [self._post_surely([send])[0] for send in sends]

    # --- in the event loop ---------------------------------------------------------------------------

    def _hand_back(self, batch: list[_Waiting], outcomes: list[Outcome], committed: Committed) -> None:
        self._pending -= len(batch)
        if not self._pending:
            self._idle.set()
        for waiting, outcome in zip(batch, outcomes, strict=True):
            try:
                waiting.done(outcome)
            except Exception as error:
                # One sender's fault must not keep the answer from the others.
                event("writer.answer_failed", error=error)
        self._committed(committed)


def _broken() -> PeerChatError:
    return PeerChatError(ErrorCode.BROKEN, "This message could not be stored.", http_status=500)
