"""What one device should know by itself, in an order of its own: Welcomes, and that something about a room changed.

Kept until the device pulled past it (and 30 days at most: ``retention``), so that a phone that was off misses nothing.
Every function that writes needs a transaction, and takes mailbox locks by ascending device id, after any room's.
"""

from collections.abc import Collection, Iterable
from typing import Literal
from uuid import UUID

from django.db import transaction

from peerchat.clock import now
from peerchat.protocol import limits
from peerchat.protocol.server_frames import CaseEvent, DeviceItem, DeviceItems, RoomEvent, WelcomeEvent
from rooms import announce
from rooms.models import DeviceEvent, DeviceMailbox, EventKind

What = Literal["admitted", "declined", "removed", "waiting"]
_OVERHEAD_BYTES = 128


def tell(*, device_ids: Iterable[UUID], room_id: UUID, what: What) -> None:
    """Let the devices know ``what`` about the room, and announce it. Needs a transaction."""
    _append({device_id: DeviceEvent(kind=what, room_id=room_id) for device_id in device_ids})


def welcome(
    *, device_ids: Collection[UUID], room_id: UUID, room_seq: int, epoch: int, payload: bytes
) -> None:
    """Hand the Welcome of one commit to the devices it added, and announce it. Needs a transaction.

    ``room_seq`` is the commit's; ``epoch`` the one that is joined.
    """
    _append(
        {
            device_id: DeviceEvent(
                kind=EventKind.WELCOME, room_id=room_id, room_seq=room_seq, epoch=epoch, payload=payload
            )
            for device_id in device_ids
        }
    )


def tell_case(*, device_ids: Iterable[UUID], case_id: UUID) -> None:
    """Let the devices know that a case changed, and announce it. Needs a transaction."""
    _append({device_id: DeviceEvent(kind=EventKind.CASE, case_id=case_id) for device_id in device_ids})


def forget_room(*, account_id: UUID, room_id: UUID) -> None:
    """Drop what the account's devices did not read yet about a room that it left: a Welcome would open nothing."""
    DeviceEvent.objects.filter(device__account_id=account_id, room_id=room_id).delete()


def last_seq_of(device_id: UUID) -> int:
    """Return the seq of the device's newest event, read or not; 0 before the first."""
    return DeviceMailbox.objects.filter(device_id=device_id).values_list("last_seq", flat=True).first() or 0


def events_after(device_id: UUID, after: int) -> DeviceItems:
    """Return the device's events past ``after``, oldest first, about ``PULL_MAX_BYTES`` of them but one at least."""
    # Read first: an event that lands in between is left for the next pull.
    through = last_seq_of(device_id)
    rows = DeviceEvent.objects.filter(device_id=device_id, seq__gt=after, seq__lte=through).order_by("seq")
    taken: list[DeviceItem] = []
    size = 0
    for row in rows[: limits.PULL_MAX_ITEMS + 1]:
        size += len(row.payload or b"") + _OVERHEAD_BYTES
        if len(taken) == limits.PULL_MAX_ITEMS or (taken and size > limits.PULL_MAX_BYTES):
            through = taken[-1].seq
            break
        taken.append(_item(row))
    return DeviceItems(type="device_items", after=after, through=through, pushed=False, items=taken)


def drop_through(device_id: UUID, seq: int) -> None:
    """Drop the events up to ``seq``: the device says that it stored them."""
    DeviceEvent.objects.filter(device_id=device_id, seq__lte=seq).delete()


def _append(events: dict[UUID, DeviceEvent]) -> None:
    if not events:
        return
    moment = now()
    with transaction.atomic():
        DeviceMailbox.objects.bulk_create(
            [DeviceMailbox(device_id=device_id) for device_id in sorted(events)], ignore_conflicts=True
        )
        boxes = DeviceMailbox.objects.select_for_update().filter(device_id__in=events).order_by("device_id")
        for box in boxes:
            box.last_seq += 1
            box.save(update_fields=["last_seq"])
            event = events[box.device_id]
            event.device_id, event.seq, event.created_at = box.device_id, box.last_seq, moment
        DeviceEvent.objects.bulk_create(events.values())
        announce.device_changed(events)


def _item(row: DeviceEvent) -> DeviceItem:
    if row.case_id is not None:
        return CaseEvent(kind="case", seq=row.seq, case_id=row.case_id.bytes)
    if row.room_id is None:
        raise ValueError("an event of nothing")
    if row.payload is not None and row.room_seq is not None and row.epoch is not None:
        return WelcomeEvent(
            kind="welcome",
            seq=row.seq,
            room_id=row.room_id.bytes,
            room_seq=row.room_seq,
            epoch=row.epoch,
            welcome=bytes(row.payload),
        )
    what: What = row.kind  # type: ignore[assignment]  # a constraint allows no other
    return RoomEvent(kind="room", seq=row.seq, room_id=row.room_id.bytes, what=what)
