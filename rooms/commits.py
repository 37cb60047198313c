"""MLS commits, in order: compare and swap on the epoch under the room's lock (crypto.md, group rules 3 to 5).

The server reads no MLS: ``CommitBundle`` says what a commit does, for its bookkeeping. A bundle that lies helps
nobody: every client checks what the commit truly does against the logs, and refuses it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from django.db import transaction

from peerchat.accounts import community
from peerchat.accounts.models import Device
from peerchat.clock import now, now_ms
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.http_bodies import CommitAnswer, CommitBundle
from rooms import access, announce, device_events
from rooms.messages import stale_epoch
from rooms.models import Commit, GroupLeaf, LeafState, Room

BARE_EVERY = timedelta(minutes=10)
"""One commit of a bare path for each device in this time: each costs every member a round of work."""


@dataclass(frozen=True, slots=True)
class WithEntry:
    """A commit that lands with the entry at ``index``, which removes these devices' leaves."""

    index: int
    removes: frozenset[UUID]


def land_commit(*, device: Device, room_id: UUID, bundle: CommitBundle) -> CommitAnswer:
    """Store a commit and take the group on by one epoch. The same commit bytes again give the same answer.

    Locks the room, then mailboxes. Raises ``room.stale_epoch`` (``details.epoch``: fetch the winner, build again),
    ``room.not_pending`` (it does what nobody asked for), ``log.stale_head`` (its header does not know an entry
    that it carries out, or goes back), ``request.rate_limited``, ``session.not_allowed`` (no leaf of its own).
    """
    with transaction.atomic():
        room = access.room_for(device, room_id, lock=True)
        landed = landed_before(room, device, bundle)
        if landed is not None:
            return landed
        answer = add_commit(room, device, bundle, with_entry=None)
        room.save()
        announce.room_changed(room.id, room.last_seq)
        announce.refetch([room.id])
    return answer


def landed_before(room: Room, device: Device, bundle: CommitBundle) -> CommitAnswer | None:
    """Return the answer to the very same commit by the same device, if it is here."""
    row = Commit.objects.filter(
        room_id=room.id, device_id=device.id, commit_hash=sha256(bundle.commit).digest()
    ).first()
    return None if row is None else CommitAnswer(seq=row.seq, epoch=row.epoch + 1)


def add_commit(
    room: Room, device: Device, bundle: CommitBundle, *, with_entry: WithEntry | None
) -> CommitAnswer:
    """Check and store a commit; change ``room``, unsaved. Needs the room's lock; raises as ``land_commit``."""
    if bundle.epoch != room.epoch:
        raise stale_epoch(room)
    leaf = GroupLeaf.objects.filter(room_id=room.id, device_id=device.id, state=LeafState.IN_GROUP).first()
    if leaf is None:
        raise PeerChatError(
            ErrorCode.NOT_ALLOWED, "This device is not in the group, or is to be removed.", http_status=403
        )
    adds, removes = _device_ids(bundle.adds), _device_ids(bundle.removes)
    _check_shape(bundle, adds=adds, removes=removes)
    _check_heads(room, bundle, with_entry)
    _check_changes(room, bundle, adds=adds, removes=removes, with_entry=with_entry)
    if not adds and not removes and with_entry is None:
        _take_bare_path(leaf)
    return _store(room, device, bundle, adds=adds, removes=removes)


def _device_ids(ids: Collection[bytes]) -> list[UUID]:
    return [UUID(bytes=one) for one in ids]


def _check_shape(bundle: CommitBundle, *, adds: list[UUID], removes: list[UUID]) -> None:
    doubled = len(set(adds)) < len(adds) or len(set(removes)) < len(removes) or set(adds) & set(removes)
    if doubled or (bundle.welcome is None) != (not adds):
        raise PeerChatError(
            ErrorCode.MALFORMED, "A commit names each device once, and welcomes whom it adds."
        )


def _check_heads(room: Room, bundle: CommitBundle, with_entry: WithEntry | None) -> None:
    """The header's heads exist and never go back; an entry that lands with the commit is its head."""
    if bundle.community_head > community.head().index or bundle.room_head > room.log_index:
        raise PeerChatError(ErrorCode.BAD_ENTRY, "The commit names a head that is not here.")
    if with_entry is not None and bundle.room_head != with_entry.index:
        raise PeerChatError(ErrorCode.BAD_ENTRY, "The commit must name the entry that it lands with.")
    if bundle.community_head < room.commit_community_index or bundle.room_head < room.commit_log_index:
        raise _stale_head(room)


def _stale_head(room: Room) -> PeerChatError:
    return PeerChatError(
        ErrorCode.STALE_HEAD,
        "The commit's header does not know enough of the logs.",
        http_status=409,
        details={"index": room.log_index + 1},
    )


def _check_changes(
    room: Room,
    bundle: CommitBundle,
    *,
    adds: list[UUID],
    removes: list[UUID],
    with_entry: WithEntry | None,
) -> None:
    """Adds are pending adds; removes are pending removes or the entry's, and all of the entry's are there."""
    due = {
        (device_id, state): index
        for device_id, state, index in GroupLeaf.objects.filter(room_id=room.id).values_list(
            "device_id", "state", "due_index"
        )
    }
    indexes = [due.get((device_id, LeafState.PENDING_ADD.value)) for device_id in adds]
    indexes += [due.get((device_id, LeafState.PENDING_REMOVE.value)) for device_id in removes]
    if None in indexes:
        raise PeerChatError(
            ErrorCode.NOT_PENDING, "The commit does what is not pending (any more).", http_status=409
        )
    if with_entry is not None and not with_entry.removes <= set(removes):
        raise PeerChatError(
            ErrorCode.COMMIT_NEEDED, "The commit leaves a removed person's device in.", http_status=409
        )
    if any(index is not None and index > bundle.room_head for index in indexes):
        raise _stale_head(room)


def _take_bare_path(leaf: GroupLeaf) -> None:
    """Let a device renew its keys alone once in ten minutes; a joiner's first time does not count."""
    moment = now()
    if leaf.first_path_due:
        leaf.first_path_due = False
    elif leaf.path_at is not None and moment - leaf.path_at < BARE_EVERY:
        wait = BARE_EVERY - (moment - leaf.path_at)
        raise PeerChatError(
            ErrorCode.RATE_LIMITED,
            "One commit of a bare path in ten minutes.",
            http_status=429,
            details={"wait_ms": wait // timedelta(milliseconds=1) + 1},
        )
    else:
        leaf.path_at = moment
    leaf.save(update_fields=["first_path_due", "path_at"])


def _store(
    room: Room, device: Device, bundle: CommitBundle, *, adds: list[UUID], removes: list[UUID]
) -> CommitAnswer:
    room.last_seq += 1
    Commit.objects.create(
        room_id=room.id,
        seq=room.last_seq,
        epoch=room.epoch,
        at_ms=now_ms(),
        device_id=device.id,
        commit=bundle.commit,
        commit_hash=sha256(bundle.commit).digest(),
    )
    room.epoch += 1
    # Whoever was asked has done it, or begins again: the next, in another process, need not wait its time out.
    room.nominee_id = room.nominee_until = None
    room.commit_community_index, room.commit_log_index = bundle.community_head, bundle.room_head
    leaves = GroupLeaf.objects.filter(room_id=room.id)
    leaves.filter(device_id__in=removes).delete()
    leaves.filter(device_id__in=adds).update(state=LeafState.IN_GROUP, first_path_due=True, path_at=None)
    if bundle.welcome is not None:
        device_events.welcome(
            device_ids=adds,
            room_id=room.id,
            room_seq=room.last_seq,
            epoch=room.epoch,
            payload=bundle.welcome,
        )
    return CommitAnswer(seq=room.last_seq, epoch=room.epoch)
