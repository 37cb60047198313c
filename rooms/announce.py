"""Announcements: what a service says inside its transaction, heard only once the transaction has committed.

Callable from any thread. Each carries ids and seqs alone, and is a hint: the hub polls as a floor, so a lost one loses
nothing. Outside a transaction they act at once. A process without a hub (a management command) says them to nobody.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import transaction

from rooms.hints import NOTHING, Hint

_listeners: list[Callable[[Hint], None]] = []
_local = threading.local()


def room_changed(room_id: UUID, through_seq: int) -> None:
    """The room has items up to ``through_seq``."""
    _say(Hint(rooms={room_id: through_seq}))


def device_changed(device_ids: Iterable[UUID]) -> None:
    """These devices have new events, or other rooms than before."""
    _say(Hint(devices=frozenset(device_ids)))


def refetch(room_ids: Iterable[UUID] | None) -> None:
    """What HTTP shows about these rooms changed; ``None``: about the community."""
    _say(Hint(everyone=True) if room_ids is None else Hint(refetch=frozenset(room_ids)))


def access_ended(device_ids: Iterable[UUID], room_id: UUID) -> None:
    """These devices may not see the room any more: delivery to them stops."""
    _say(Hint(ended=frozenset((device_id, room_id) for device_id in device_ids)))


def session_ended(device_ids: Iterable[UUID]) -> None:
    """Sessions of these devices ended: their sockets are checked and closed at once."""
    _say(Hint(sessions=frozenset(device_ids)))


def _say(hint: Hint) -> None:
    if hint:
        # Robust: what was committed is answered as done, even if telling others fails.
        transaction.on_commit(lambda: _tell(hint), robust=True)


def _tell(hint: Hint) -> None:
    collected: list[Hint] | None = getattr(_local, "collected", None)
    if collected is not None:
        collected.append(hint)
        return
    for listener in tuple(_listeners):
        listener(hint)


@contextmanager
def heard_by(listener: Callable[[Hint], None]) -> Iterator[None]:
    """Let ``listener`` hear every hint of this process inside the block, called from any thread; it must not block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


class Collected:
    """The hints of one thread's block, as one."""

    def __init__(self) -> None:
        self.hint = NOTHING


@contextmanager
def collecting() -> Iterator[Collected]:
    """Keep this thread's hints from the listeners inside the block, and hand them over as one after it.

    For the writer, which tells the hub about its commit together with the new items.
    """
    collected: list[Hint] = []
    result = Collected()
    _local.collected = collected
    try:
        yield result
    finally:
        _local.collected = None
        for hint in collected:
            result.hint = result.hint | hint
