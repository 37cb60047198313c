"""What one part of the server tells another after a commit: ids and seqs, never content.

Pure. A hint may be lost, doubled or late and nothing breaks: who hears one reads the database, and polls as a floor.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

Ended = tuple[UUID, UUID]
"""A device, and the room that it may see no longer."""


@dataclass(frozen=True, slots=True, order=True)
class Here:
    """Which rooms a device has open, each with how it takes part, as it said ``at`` (UTC ms). The newest counts."""

    at: int
    account_id: UUID
    rooms: tuple[tuple[UUID, str], ...]


@dataclass(frozen=True, slots=True)
class Hint:
    """What changed. ``rooms``: the newest seq of each; ``everyone``: what HTTP shows about the community changed;
    ``present``: devices that renewed their presence.
    """

    rooms: Mapping[UUID, int] = field(default_factory=dict)
    devices: frozenset[UUID] = frozenset()
    refetch: frozenset[UUID] = frozenset()
    everyone: bool = False
    ended: frozenset[Ended] = frozenset()
    sessions: frozenset[UUID] = frozenset()
    present: Mapping[UUID, Here] = field(default_factory=dict)

    def __or__(self, other: "Hint") -> "Hint":
        rooms = dict(self.rooms)
        for room_id, seq in other.rooms.items():
            rooms[room_id] = max(seq, rooms.get(room_id, 0))
        present = dict(self.present)
        for device_id, here in other.present.items():
            present[device_id] = max(here, present.get(device_id, here))
        return Hint(
            rooms=rooms,
            devices=self.devices | other.devices,
            refetch=self.refetch | other.refetch,
            everyone=self.everyone or other.everyone,
            ended=self.ended | other.ended,
            sessions=self.sessions | other.sessions,
            present=present,
        )

    def __bool__(self) -> bool:
        return bool(
            self.rooms
            or self.devices
            or self.refetch
            or self.everyone
            or self.ended
            or self.sessions
            or self.present
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
        "present": {
            device_id.hex: [
                here.at,
                here.account_id.hex,
                [[room_id.hex, mode] for room_id, mode in here.rooms],
            ]
            for device_id, here in hint.present.items()
        },
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
        # Missing in what an older version says, beside which this one runs during an update.
        present={UUID(hex=device): _here(*said) for device, said in message.get("present", {}).items()},
    )


def _here(at: int, account: str, rooms: Iterable[tuple[str, str]]) -> Here:
    return Here(int(at), UUID(hex=account), tuple((UUID(hex=room), str(mode)) for room, mode in rooms))
