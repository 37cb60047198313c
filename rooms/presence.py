"""Who has which room open: leases in memory that end by themselves. Never stored, never logged.

Pure; ``now`` in seconds of a clock that never goes back. A lost connection ends nothing before the lease does: people
on bad networks would seem to come and go, and the end of a connection may never be heard of. It knows no sockets and no
access: the hub asks only for rooms that the device may see, and says when that ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeGuard, get_args
from uuid import UUID

from peerchat.protocol import limits
from peerchat.protocol.server_frames import PresentMember

Mode = Literal["speaking", "listening"]
LEASE_SECONDS = limits.PRESENCE_LEASE_MS / 1000


def is_mode(text: str) -> TypeGuard[Mode]:
    """Return whether ``text`` is a way to take part."""
    return text in get_args(Mode)


@dataclass(frozen=True, slots=True)
class Lease:
    account_id: UUID
    mode: Mode
    ends_at: float


class Presence:
    """The leases that this process knows of, by room and device: of its own sockets, and of others' as they tell."""

    def __init__(self, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self._lease_seconds = lease_seconds
        self._rooms: dict[UUID, dict[UUID, Lease]] = {}
        self._devices: dict[UUID, set[UUID]] = {}

    def renew(
        self, *, device_id: UUID, account_id: UUID, rooms: Mapping[UUID, Mode], now: float
    ) -> set[UUID]:
        """Let the device be in ``rooms`` alone for a lease; return the rooms in which that shows."""
        changed = set()
        for room_id in self._devices.get(device_id, set()) - rooms.keys():
            changed |= self.end(device_id=device_id, room_id=room_id)
        for room_id, mode in rooms.items():
            before = self._mode(room_id, account_id)
            leases = self._rooms.setdefault(room_id, {})
            leases[device_id] = Lease(account_id, mode, now + self._lease_seconds)
            self._devices.setdefault(device_id, set()).add(room_id)
            if self._mode(room_id, account_id) != before:
                changed.add(room_id)
        return changed

    def end(self, *, device_id: UUID, room_id: UUID) -> set[UUID]:
        """End one lease at once; return the room if that shows."""
        leases = self._rooms.get(room_id, {})
        lease = leases.get(device_id)
        if lease is None:
            return set()
        before = self._mode(room_id, lease.account_id)
        del leases[device_id]
        if not leases:
            del self._rooms[room_id]
        self._devices[device_id].discard(room_id)
        if not self._devices[device_id]:
            del self._devices[device_id]
        return set() if self._mode(room_id, lease.account_id) == before else {room_id}

    def end_device(self, device_id: UUID) -> set[UUID]:
        """End all leases of a device at once; return the rooms in which that shows."""
        changed: set[UUID] = set()
        for room_id in tuple(self._devices.get(device_id, ())):
            changed |= self.end(device_id=device_id, room_id=room_id)
        return changed

    def expire(self, *, now: float) -> set[UUID]:
        """End what was not renewed; return the rooms in which that shows."""
        over = [
            (device_id, room_id)
            for room_id, leases in self._rooms.items()
            for device_id, lease in leases.items()
            if lease.ends_at <= now
        ]
        changed: set[UUID] = set()
        for device_id, room_id in over:
            changed |= self.end(device_id=device_id, room_id=room_id)
        return changed

    def is_speaking(self, *, device_id: UUID, room_id: UUID) -> bool:
        """Return whether this device has the room open and takes part."""
        lease = self._rooms.get(room_id, {}).get(device_id)
        return lease is not None and lease.mode == "speaking"

    def present(self, room_id: UUID) -> list[PresentMember]:
        """Return who is in the room, each once, in an order that tells nothing (by id)."""
        accounts = sorted({lease.account_id for lease in self._rooms.get(room_id, {}).values()})
        return [
            PresentMember(account_id=account_id.bytes, mode=mode)
            for account_id in accounts
            if (mode := self._mode(room_id, account_id)) is not None
        ]

    def _mode(self, room_id: UUID, account_id: UUID) -> Mode | None:
        """Return how the account is there: speaking, if one of its devices is."""
        modes = {
            lease.mode for lease in self._rooms.get(room_id, {}).values() if lease.account_id == account_id
        }
        if not modes:
            return None
        return "speaking" if "speaking" in modes else "listening"
