"""What the hub asks of the database, on behalf of the process and not of one device. Plain functions for the
readers' threads.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from peerchat.accounts.models import Device, DeviceSession
from peerchat.clock import now
from peerchat.protocol import limits
from peerchat.protocol.server_frames import DeviceItems, Items, RoomMark
from rooms import access, device_events, memberships, messages
from rooms.models import DeviceMailbox, Membership, Room, Standing


@dataclass(frozen=True, slots=True)
class DeviceView:
    """The rooms that a device may see, and the newest of its own events."""

    rooms: list[RoomMark]
    device_seq: int


def device_view(device_id: UUID) -> DeviceView:
    """Return what the device may see now: nothing for a device that was revoked."""
    device = Device.objects.live().select_related("account").filter(id=device_id).first()
    if device is None:
        return DeviceView(rooms=[], device_seq=0)
    mailbox = DeviceMailbox.objects.filter(device_id=device_id).first()
    return DeviceView(
        rooms=memberships.rooms_of(device), device_seq=mailbox.last_seq if mailbox is not None else 0
    )


def device_items(device_id: UUID, after: int) -> DeviceItems:
    """Return the device's own events after ``after``."""
    return device_events.events_after(device_id, after)


def newest_events(device_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return the seq of the newest event of each of these devices that ever had one."""
    boxes = DeviceMailbox.objects.filter(device_id__in=list(device_ids))
    return dict(boxes.values_list("device_id", "last_seq"))


def room_items(room_id: UUID, after: int) -> Items | None:
    """Return the room's items after ``after``, as many as fit a frame; ``None`` when there is no such room."""
    room = access.rooms_named([room_id]).get(room_id)
    return None if room is None else messages.items_after(room, after, limits.PULL_MAX_ITEMS)


def rooms_as_they_are(room_ids: Iterable[UUID]) -> dict[UUID, Room]:
    """Return where rooms stand now."""
    return access.rooms_named(list(room_ids))


def members_of(room_ids: Iterable[UUID]) -> dict[UUID, set[UUID]]:
    """Return the accounts that may see each of these rooms; every room asked for has a set."""
    members: dict[UUID, set[UUID]] = {room_id: set() for room_id in room_ids}
    rows = Membership.objects.filter(room_id__in=list(members), standing=Standing.MEMBER)
    for room_id, account_id in rows.values_list("room_id", "account_id"):
        members[room_id].add(account_id)
    return members


def live_sessions(token_hashes: Iterable[bytes]) -> set[bytes]:
    """Return those of ``token_hashes`` whose session lives, of a device that lives."""
    return {
        bytes(token_hash)
        for token_hash in DeviceSession.objects.filter(
            token_hash__in=list(token_hashes),
            ends_at__gt=now(),
            device__revoked_at__isnull=True,
            device__account__forgotten_at__isnull=True,
        ).values_list("token_hash", flat=True)
    }
