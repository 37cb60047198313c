"""What one part of the server tells another after a commit: ids and seqs, never content.

Pure. A hint may be lost, doubled or late and nothing breaks: who hears one reads the database, and polls as a floor.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

Ended = tuple[UUID, UUID]
"""A device, and the room that it may see no longer."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What changed. ``rooms``: the newest seq of each; ``everyone``: what HTTP shows about the community changed."""

    rooms: Mapping[UUID, int] = field(default_factory=dict)
    devices: frozenset[UUID] = frozenset()
    refetch: frozenset[UUID] = frozenset()
    everyone: bool = False
    ended: frozenset[Ended] = frozenset()
    sessions: frozenset[UUID] = frozenset()

    def __or__(self, other: "Hint") -> "Hint":
        rooms = dict(self.rooms)
        for room_id, seq in other.rooms.items():
            rooms[room_id] = max(seq, rooms.get(room_id, 0))
        return Hint(
            rooms=rooms,
            devices=self.devices | other.devices,
            refetch=self.refetch | other.refetch,
            everyone=self.everyone or other.everyone,
            ended=self.ended | other.ended,
            sessions=self.sessions | other.sessions,
        )

    def __bool__(self) -> bool:
        return bool(
            self.rooms or self.devices or self.refetch or self.everyone or self.ended or self.sessions
        )


NOTHING = Hint()


def _texts(ids: Iterable[UUID]) -> list[str]:
    return [value.hex for value in ids]


def to_message(hint: Hint) -> dict[str, Any]:
    """Return ``hint`` in plain types that any channel layer carries."""
    return {
        "rooms": {room_id.hex: seq for room_id, seq in hint.rooms.items()},
        "devices": _texts(hint.devices),
        "refetch": _texts(hint.refetch),
        "everyone": hint.everyone,
        "ended": [_texts(pair) for pair in hint.ended],
        "sessions": _texts(hint.sessions),
    }


def from_message(message: Mapping[str, Any]) -> Hint:
    """Return what ``to_message`` was given; raise ``KeyError``, ``TypeError`` or ``ValueError`` for anything else."""
    return Hint(
        rooms={UUID(hex=text): int(seq) for text, seq in message["rooms"].items()},
        devices=frozenset(UUID(hex=text) for text in message["devices"]),
        refetch=frozenset(UUID(hex=text) for text in message["refetch"]),
        everyone=bool(message["everyone"]),
        ended=frozenset((UUID(hex=device), UUID(hex=room)) for device, room in message["ended"]),
        sessions=frozenset(UUID(hex=text) for text in message["sessions"]),
    )
