"""Appending to a room's log: one way for every action, in three named steps - permission, write, announcement.

``room_log`` judges the entry; a ``Deed`` knows what its action means for the server's bookkeeping. ``rooms.deeds``
brings those of membership, ``moderation.powers`` those of moderation, so that rooms need not know it. Entry, commit,
Welcome and bookkeeping land in one transaction, or not at all.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction

from peerchat import signed_log, sodium
from peerchat.accounts import community
from peerchat.accounts.models import Device
from peerchat.clock import now_ms
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.codec import decode_canonical
from peerchat.protocol.http_bodies import RoomEntryAnswer, RoomEntryRequest
from peerchat.protocol.power_matrix import POWERS, CommitRule
from peerchat.protocol.signed import BODIES, Action, LogEntry, SignedEntry
from peerchat.protocol.types import WireModel
from rooms import access, announce, commits, projection, room_log
from rooms.commits import WithEntry
from rooms.models import Room, RoomEntry
from rooms.room_log import RoomState


@dataclass
class Draft:
    """An entry on its way in, under the room's lock. ``removes``: the leaves that its commit must remove."""

    room: Room
    device: Device
    entry: LogEntry = field(repr=False)
    body: WireModel = field(repr=False)
    before: RoomState = field(repr=False)
    after: RoomState = field(repr=False)
    removes: frozenset[UUID] = frozenset()

    @property
    def index(self) -> int:
        return self.entry.index


@dataclass(frozen=True)
class Deed:
    """What an action means here. ``permit`` refuses what the log alone cannot tell; ``announce`` acts on commit."""

    permit: Callable[[Draft], None]
    write: Callable[[Draft], None]
    announce: Callable[[Draft], None]


_deeds: dict[Action, Deed] = {}


def register(action: Action, deed: Deed) -> None:
    """Let ``deed`` stand for ``action``; called while Django starts."""
    if action in _deeds or action not in POWERS:
        raise ValueError("one deed for each action of the power matrix")
    _deeds[action] = deed


def registered() -> frozenset[Action]:
    """Return the actions that can be appended."""
    return frozenset(_deeds)


def append_entry(*, device: Device, room_id: UUID, request: RoomEntryRequest) -> RoomEntryAnswer:
    """Check, store and project the next entry, with its commit. The same entry again gives the same answer.

    Locks the room, then mailboxes. Raises ``log.*``, ``room.locked``, ``room.commit_needed``, what ``land_commit``
    raises, and what the action's deed does.
    """
    entry = decode_canonical(LogEntry, request.entry.entry)
    with transaction.atomic():
        # Before the door: who left, and sends that again, has no right to the room any more.
        stored = stored_before(device, room_id, request.entry)
        if stored is not None:
            return stored
        room = access.room_for(device, room_id, lock=True)
        stored = stored_before(device, room_id, request.entry)
        if stored is not None:
            return stored
        draft = _permit(room, device, entry, request)
        deed = _deeds[entry.action]
        deed.permit(draft)
        advance_log(room, request.entry, entry)
        seq = room.last_seq
        deed.write(draft)
        if request.commit is not None:
            with_entry = WithEntry(index=entry.index, removes=draft.removes)
            commits.add_commit(room, device, request.commit, with_entry=with_entry)
        room.save()
        announce.room_changed(room.id, room.last_seq)
        announce.refetch([room.id])
        deed.announce(draft)
    return RoomEntryAnswer(index=entry.index, seq=seq, epoch=room.epoch)


def _permit(room: Room, device: Device, entry: LogEntry, request: RoomEntryRequest) -> Draft:
    """Refuse what the log's rules refuse, and return the rest as a draft."""
    check_author(entry, device)
    signed_log.check_clock(entry.at, now=now_ms())
    before = projection.state_of(room)
    after = room_log.apply(
        before,
        request.entry,
        room_id=room.id.bytes,
        community=projection.StoredCommunity(),
        accounts=community.account_state,
        verify=sodium.verify,
    )
    needed = POWERS[entry.action].commit is CommitRule.REQUIRED
    if needed and request.commit is None:
        raise PeerChatError(ErrorCode.COMMIT_NEEDED, "This lands with a commit only.", http_status=409)
    if request.commit is not None and not needed:
        raise PeerChatError(ErrorCode.MALFORMED, "This lands without a commit.")
    return Draft(
        room=room,
        device=device,
        entry=entry,
        body=decode_canonical(BODIES[entry.action], request.entry.body or b""),
        before=before,
        after=after,
    )


def check_author(entry: LogEntry, device: Device) -> None:
    """Refuse an entry that the signed-in device did not sign for itself."""
    if (entry.author.account_id, entry.author.device_id) != (device.account_id.bytes, device.id.bytes):
        raise PeerChatError(
            ErrorCode.NO_POWER, "The author is not the device that is signed in.", http_status=403
        )


def stored_before(device: Device, room_id: UUID, signed: SignedEntry) -> RoomEntryAnswer | None:
    """Return the answer to the very same entry by the same device, if it is here.

    ``epoch`` is the one that the group is in now.
    """
    row = RoomEntry.objects.filter(
        room_id=room_id, hash=signed_log.entry_hash(signed.entry, signed.signature)
    ).first()
    if row is None:
        return None
    author = decode_canonical(LogEntry, bytes(row.entry)).author
    if author.device_id != device.id.bytes:
        return None
    epoch = access.rooms_named([room_id])[room_id].epoch
    return RoomEntryAnswer(index=row.index, seq=row.seq, epoch=epoch)


def advance_log(room: Room, signed: SignedEntry, entry: LogEntry) -> None:
    """Store the entry as the newest item of ``room``, which is changed and not saved. Needs the room's lock."""
    hash_ = signed_log.entry_hash(signed.entry, signed.signature)
    room.last_seq += 1
    RoomEntry.objects.create(
        room_id=room.id,
        index=entry.index,
        seq=room.last_seq,
        action=entry.action.value,
        at_ms=entry.at,
        entry=signed.entry,
        body=signed.body,
        signature=signed.signature,
        hash=hash_,
    )
    room.log_index, room.log_hash, room.log_at_ms = entry.index, hash_, entry.at
    room.community_index = 0 if entry.community_head is None else entry.community_head.index
