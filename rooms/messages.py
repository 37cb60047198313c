"""Storing messages and reading a room's items. A message is opaque ciphertext here, and who sent it is told to no one.

It pushes nothing: the writer and the hub do, after the commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from peerchat.accounts import roles
from peerchat.clock import from_ms, now, now_ms, to_ms
from peerchat.errors import ErrorCode, PeerChatError, not_found
from peerchat.protocol import limits
from peerchat.protocol.server_frames import CommitItem, EntryItem, Item, Items, MessageItem
from peerchat.protocol.signed import Role, RoomRole, SignedEntry
from rooms import announce, message_rows, shredding
from rooms.message_rows import MessageRow, RoomRow, WriterRow
from rooms.models import Commit, Message, Room, RoomEntry

_ITEM_OVERHEAD_BYTES = 128
"""Names, numbers and ids around one item's bytes in MessagePack, rounded up."""


@dataclass(frozen=True, slots=True)
class PendingSend:
    """One ``send`` as it arrived from a signed-in device."""

    device_id: UUID
    room_id: UUID
    message_id: UUID
    epoch: int
    ciphertext: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a message stands. Times are UTC ms. ``fresh`` is ``False`` for one that an earlier try stored."""

    room_id: UUID
    message_id: UUID
    seq: int
    at: int
    expires_at: int
    fresh: bool


def post_messages(batch: Sequence[PendingSend]) -> list[Posted | PeerChatError]:
    """Store a batch in one transaction; each item has its own result, in order.

    Locks the batch's rooms by ascending id. The same ``(device, message_id)`` again returns the first ``seq``.
    Refusals: ``request.not_found``, ``room.id_reused`` (in another room), ``room.muted``, ``room.locked``,
    ``room.stale_epoch`` with ``details.epoch``. An exception means that nothing was stored.
    """
    try:
        return _post(batch)
    except IntegrityError:
        # The same device sent the same id into two rooms at once, through two processes: now it is there to be seen.
        return _post(batch)


def _post(batch: Sequence[PendingSend]) -> list[Posted | PeerChatError]:
    with transaction.atomic():
        post = _Post(batch, at_ms=now_ms())
        results = [post.take(send) for send in batch]
        post.store()
    return results


class _Post:
    """One batch under its rooms' locks: what was asked of the database once for all of it."""

    def __init__(self, batch: Sequence[PendingSend], *, at_ms: int) -> None:
        self._at_ms = at_ms
        self._rooms = message_rows.lock_rooms({send.room_id for send in batch})
        self._writers = message_rows.writers({send.device_id for send in batch})
        # Also those that have expired: nothing of them is read, and a late try must not store a second one.
        self._stored = message_rows.stored({(send.device_id, send.message_id) for send in batch})
        self._fresh: list[MessageRow] = []
        self._keys: dict[int, bytes] = {}

    def take(self, send: PendingSend) -> Posted | PeerChatError:
        """Return where the message stands now, or why it is refused."""
        room = self._rooms.get(send.room_id)
        writer = self._writers.get((send.device_id, send.room_id))
        if room is None or writer is None:
            return not_found()
        stored = self._stored.get((send.device_id, send.message_id))
        if stored is not None:
            if stored.room_id != send.room_id:
                return PeerChatError(ErrorCode.ID_REUSED, "This id stands in another room.", http_status=409)
            return _posted(stored, fresh=False)
        refusal = self._refusal(room, writer, send)
        return refusal or self._add(room, send)

    def _refusal(self, room: RoomRow, writer: WriterRow, send: PendingSend) -> PeerChatError | None:
        if writer.muted:
            return PeerChatError(ErrorCode.MUTED, "A leader muted this person.", http_status=403)
        if room.locked and not _leads(writer):
            return PeerChatError(ErrorCode.ROOM_LOCKED, "Only leaders write now.", http_status=403)
        if send.epoch != room.epoch or not writer.in_group:
            return stale_epoch(room)
        return None

    def _add(self, room: RoomRow, send: PendingSend) -> Posted:
        room.last_seq += 1
        expires_ms = self._at_ms + room.expiry_seconds * 1000
        bucket = shredding.bucket_of(expires_ms)
        key = self._keys.get(bucket)
        if key is None:
            key = self._keys[bucket] = shredding.hour_key(bucket)
        message = MessageRow(
            room_id=room.id,
            seq=room.last_seq,
            device_id=send.device_id,
            message_id=send.message_id,
            epoch=send.epoch,
            at_ms=self._at_ms,
            expires_at=from_ms(expires_ms),
            bucket_hour=bucket,
            wrapped=shredding.wrap(
                key=key,
                room_id=room.id,
                seq=room.last_seq,
                message_id=send.message_id,
                ciphertext=send.ciphertext,
            ),
        )
        self._fresh.append(message)
        self._stored[send.device_id, send.message_id] = message
        return _posted(message, fresh=True)

    def store(self) -> None:
        """Write what was taken, and announce each room that grew."""
        if not self._fresh:
            return
        message_rows.insert(self._fresh)
        grown = [self._rooms[room_id] for room_id in sorted({message.room_id for message in self._fresh})]
        message_rows.grow(grown)
        for room in grown:
            announce.room_changed(room.id, room.last_seq)


def stale_epoch(room: Room | RoomRow) -> PeerChatError:
    """Return the refusal of what was made for another epoch than the room's."""
    return PeerChatError(
        ErrorCode.STALE_EPOCH,
        "The group has moved on.",
        http_status=409,
        details={"epoch": room.epoch},
    )


def was_sent(room: Room, message_id: UUID) -> bool:
    """Return whether the room holds a message of this id, expired or not; nothing of it is read."""
    return Message.objects.filter(room_id=room.id, message_id=message_id).exists()


def items_after(room: Room, after: int, limit: int) -> Items:
    """Return the room's items past ``after``, oldest first: ``limit`` or about ``PULL_MAX_BYTES``, one at least.

    ``room`` must have been fetched just before: what it does not count yet is left for the next pull, since rows may
    land between the queries here. ``through`` covers what has expired, so that it is no gap. Takes no lock.
    """
    found: list[Item] = [
        *_messages(room, after, limit, now()),
        *_commits(room, after, limit),
        *_entries(room, after, limit),
    ]
    taken: list[Item] = []
    size, through = 0, room.last_seq
    for item in sorted(found, key=lambda one: one.seq):
        size += _size(item)
        if len(taken) == limit or (taken and size > limits.PULL_MAX_BYTES):
            through = taken[-1].seq
            break
        taken.append(item)
    return Items(
        type="items",
        room_id=room.id.bytes,
        after=after,
        through=through,
        floor=room.floor,
        pushed=False,
        items=taken,
    )


# One more than ``limit`` of each kind, so that the merge sees whether there is more.


def _messages(room: Room, after: int, limit: int, moment: datetime) -> list[MessageItem]:
    rows = list(
        Message.objects.live(moment)
        .filter(room_id=room.id, seq__gt=after, seq__lte=room.last_seq)
        .order_by("seq")[: limit + 1]
    )
    keys = shredding.keys_of({row.bucket_hour for row in rows})
    # A row without its key expired between the query and here.
    return [_message_item(row, keys[row.bucket_hour]) for row in rows if row.bucket_hour in keys]


def _message_item(row: Message, key: bytes) -> MessageItem:
    ciphertext = shredding.unwrap(
        key=key, room_id=row.room_id, seq=row.seq, message_id=row.message_id, wrapped=bytes(row.wrapped)
    )
    return MessageItem(
        kind="message",
        seq=row.seq,
        message_id=row.message_id.bytes,
        epoch=row.epoch,
        at=row.at_ms,
        expires_at=to_ms(row.expires_at),
        ciphertext=ciphertext,
    )


def _commits(room: Room, after: int, limit: int) -> list[CommitItem]:
    rows = Commit.objects.filter(room_id=room.id, seq__gt=after, seq__lte=room.last_seq).order_by("seq")
    return [
        CommitItem(kind="commit", seq=row.seq, epoch=row.epoch, at=row.at_ms, commit=bytes(row.commit))
        for row in rows[: limit + 1]
    ]


def _entries(room: Room, after: int, limit: int) -> list[EntryItem]:
    rows = RoomEntry.objects.filter(room_id=room.id, seq__gt=after, seq__lte=room.last_seq).order_by("seq")
    return [EntryItem(kind="entry", seq=row.seq, entry=signed_entry(row)) for row in rows[: limit + 1]]


def signed_entry(row: RoomEntry) -> SignedEntry:
    """Return the entry as it was sent."""
    return SignedEntry(
        entry=bytes(row.entry),
        body=None if row.body is None else bytes(row.body),
        signature=bytes(row.signature),
    )


def _size(item: Item) -> int:
    match item:
        case MessageItem():
            return len(item.ciphertext) + _ITEM_OVERHEAD_BYTES
        case CommitItem():
            return len(item.commit) + _ITEM_OVERHEAD_BYTES
        case EntryItem():
            body = b"" if item.entry.body is None else item.entry.body
            return len(item.entry.entry) + len(body) + 2 * _ITEM_OVERHEAD_BYTES


def _posted(message: MessageRow, *, fresh: bool) -> Posted:
    return Posted(
        room_id=message.room_id,
        message_id=message.message_id,
        seq=message.seq,
        at=message.at_ms,
        expires_at=to_ms(message.expires_at),
        fresh=fresh,
    )


def _leads(writer: WriterRow) -> bool:
    return writer.role == RoomRole.LEADER.value and Role.LEADER in roles.roles_now(writer.account_id)
