"""Deleting what is over. Messages lost their key before (``shredding``): this only tidies rows away.

What is kept of a room when this is done: its log, commits of 30 days, and messages that have not expired.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Min

from peerchat.accounts.models import DeviceSession, KeyPackage, UsedNonce
from peerchat.clock import to_ms
from rooms import access, shredding
from rooms.models import Commit, DeviceEvent, Message, Room, RoomEntry

COMMITS_KEPT = timedelta(days=30)
EVENTS_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows went; totals only."""

    messages: int = 0
    commits: int = 0
    others: int = 0


Atomic = Callable[[], AbstractContextManager[object]]


def erase_expired(now: datetime, *, atomic: Atomic = transaction.atomic) -> Erased:
    """Delete what is over at ``now``, room by room, each in its own transaction under its lock; move the floors.

    Messages go by the hour whose key is destroyed, so call ``shredding.destroy_due(now)`` first. ``atomic`` opens each
    transaction.
    """
    bucket, oldest_ms = shredding.last_bucket_over(now), to_ms(now - COMMITS_KEPT)
    due = {*access.room_ids_with_messages_due(bucket), *access.room_ids_with_commits_before(oldest_ms)}
    done = []
    for room_id in sorted(due):
        with atomic():
            done.append(_erase_in_room(room_id, bucket, oldest_ms))
    with atomic():
        others = [
            DeviceEvent.objects.filter(created_at__lt=now - EVENTS_KEPT).delete(),
            KeyPackage.objects.filter(expires_at__lte=now).delete(),
            DeviceSession.objects.filter(ends_at__lte=now).delete(),
            UsedNonce.objects.filter(ends_at__lte=now).delete(),
        ]
    return Erased(
        messages=sum(one.messages for one in done),
        commits=sum(one.commits for one in done),
        others=sum(count for count, _ in others),
    )


def _erase_in_room(room_id: UUID, bucket: int, oldest_ms: int) -> Erased:
    """Needs a transaction; locks the room."""
    room = access.lock_rooms([room_id])[room_id]
    messages, _ = Message.objects.filter(room_id=room_id, bucket_hour__lte=bucket).delete()
    commits, _ = Commit.objects.filter(room_id=room_id, at_ms__lt=oldest_ms).delete()
    floor = max(room.floor, _first_kept(room, oldest_ms))
    if floor != room.floor:
        room.floor = floor
        room.save(update_fields=["floor"])
    return Erased(messages=messages, commits=commits)


def _first_kept(room: Room, oldest_ms: int) -> int:
    """Return the first seq that a device must hold nothing below of.

    Entries stay for ever, but an old one alone does not hold the floor down: its place is the room's log.
    """
    kept = [
        Message.objects.filter(room_id=room.id),
        Commit.objects.filter(room_id=room.id),
        RoomEntry.objects.filter(room_id=room.id, at_ms__gte=oldest_ms),
    ]
    seqs = [rows.aggregate(first=Min("seq"))["first"] for rows in kept]
    return min((seq for seq in seqs if seq is not None), default=room.last_seq + 1)
