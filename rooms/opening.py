"""Opening a room: a certified leader's ``create`` entry, and a group of the leader's device alone."""

from typing import cast
from uuid import UUID

from django.db import IntegrityError, transaction

from peerchat import signed_log, sodium
from peerchat.accounts import community
from peerchat.accounts.models import Device, Invite
from peerchat.clock import now, now_ms
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.codec import decode_canonical
from peerchat.protocol.http_bodies import RoomCreateRequest, RoomEntryAnswer
from peerchat.protocol.signed import CreateBody, LogEntry, RoomRole
from rooms import access, announce, append, leaves, projection, room_log
from rooms.models import Membership, Room, Standing
from rooms.room_log import RoomState


def open_room(*, device: Device, request: RoomCreateRequest) -> RoomEntryAnswer:
    """Make the room that ``create`` names, with its id. The same entry again gives the same answer.

    Raises ``log.*``, ``log.no_power`` for one who is no certified leader, ``request.conflict`` for an id that is taken.
    """
    entry = decode_canonical(LogEntry, request.entry.entry)
    room_id = UUID(bytes=entry.log_id)
    stored = append.stored_before(device, room_id, request.entry)
    if stored is not None:
        return stored
    append.check_author(entry, device)
    signed_log.check_clock(entry.at, now=now_ms())
    state = room_log.apply(
        None,
        request.entry,
        room_id=entry.log_id,
        community=projection.StoredCommunity(),
        accounts=community.account_state,
        verify=sodium.verify,
    )
    try:
        with transaction.atomic():
            _write(device, request, entry, state)
    except IntegrityError:
        stored = append.stored_before(device, room_id, request.entry)
        if stored is None:
            raise PeerChatError(ErrorCode.CONFLICT, "This id is taken.", http_status=409) from None
        return stored
    return RoomEntryAnswer(index=0, seq=1, epoch=0)


def _write(device: Device, request: RoomCreateRequest, entry: LogEntry, state: RoomState) -> Room:
    body = decode_canonical(CreateBody, cast(bytes, request.entry.body))
    room = access.make_room(
        id=UUID(bytes=state.room_id),
        name=request.name,
        group_id=UUID(bytes=state.group_id),
        log_hash=state.place.head.hash,
        log_at_ms=state.place.at,
        community_index=state.place.community_index,
        commit_community_index=state.place.community_index,
        expiry_seconds=state.expiry_seconds,
        created_at=now(),
    )
    append.advance_log(room, request.entry, entry)
    room.save()
    Membership.objects.create(
        room_id=room.id,
        account_id=device.account_id,
        standing=Standing.MEMBER,
        role=RoomRole.LEADER.value,
        identity_key=body.identity_key,
    )
    leaves.found_group(room, creator=device)
    announce.device_changed(_who_sees_it(device, room))
    return room


def _who_sees_it(device: Device, room: Room) -> set[UUID]:
    """The leader's devices, and those of everyone whose invite named the room before it was there."""
    invited = Invite.objects.filter(room_id=room.id, used_by__isnull=False)
    seen = set(leaves.live_devices(device.account_id))
    seen.update(
        Device.objects.live()
        .filter(account_id__in=invited.values_list("used_by_id", flat=True))
        .values_list("id", flat=True)
    )
    return seen
