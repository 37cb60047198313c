"""What accounts must ask of rooms, without importing them: rooms registers its answers when Django starts.

Until then nobody leads a room, and nobody shares one: the default refuses.
"""

from collections.abc import Collection
from typing import Protocol
from uuid import UUID


class RoomsSeam(Protocol):
    """Answered by ``rooms``; each call is made inside the asker's transaction."""

    def leads(self, *, account_id: UUID, room_id: UUID) -> bool:
        """Return whether the account is a room leader of the room now."""

    def room_name(self, *, room_id: UUID) -> str | None:
        """Return the name that an invited person may see, or ``None``."""

    def sharing_a_room(self, *, account_id: UUID, others: Collection[UUID]) -> set[UUID]:
        """Return those of ``others`` that the account may see: in a room with it now or once, or waiting for it."""

    def community_changed(self) -> None:
        """The community log grew; act after the commit (hint every client, judge powers again)."""

    def session_ended(self, *, device_ids: Collection[UUID]) -> None:
        """Sessions of these devices ended; act after the commit (close their sockets)."""


class NoRooms:
    """Nobody leads, nobody shares, nobody needs to be told."""

    def leads(self, *, account_id: UUID, room_id: UUID) -> bool:
        return False

    def room_name(self, *, room_id: UUID) -> str | None:
        return None

    def sharing_a_room(self, *, account_id: UUID, others: Collection[UUID]) -> set[UUID]:
        return set()

    def community_changed(self) -> None:
        return None

    def session_ended(self, *, device_ids: Collection[UUID]) -> None:
        return None


_rooms: RoomsSeam = NoRooms()


def rooms() -> RoomsSeam:
    """Return what answers for rooms."""
    return _rooms


def register_rooms(seam: RoomsSeam) -> RoomsSeam:
    """Let ``seam`` answer for rooms; returns what answered before (tests put it back)."""
    global _rooms
    before, _rooms = _rooms, seam
    return before
