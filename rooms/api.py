"""The HTTP calls about rooms (docs/protocol.md, "Paths"). Each is thin: permission and writing are the services'."""

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router

from peerchat.accounts import account_logs
from peerchat.accounts.sessions import DeviceAuth, device_of
from peerchat.errors import PeerChatError
from peerchat.http import HexId
from peerchat.protocol import http_bodies as bodies
from peerchat.protocol import limits
from peerchat.ratelimits import (
    JOIN_REQUESTS,
    KEY_PACKAGE_CLAIMS,
    ROOM_COMMITS,
    ROOM_ENTRIES,
    ROOMS_OPENED,
    SENDS_BY_HTTP,
    limiter,
)
from rooms import (
    access,
    append,
    commits,
    device_events,
    leaves,
    memberships,
    messages,
    opening,
    reading,
    room_list,
)
from rooms.messages import PendingSend

router = Router(auth=DeviceAuth())
DONE = bodies.DoneAnswer(done=True)

After = Annotated[int, Query(ge=0, le=2**53 - 1)]
Limit = Annotated[int, Query(ge=1, le=limits.PULL_MAX_ITEMS)]


@router.get("rooms", response=bodies.RoomsAnswer)
def get_rooms(request: HttpRequest) -> bodies.RoomsAnswer:
    """Every room that one is in, was in, waits for or was invited to."""
    return bodies.RoomsAnswer(rooms=room_list.rooms_seen_by(device_of(request)))


@router.post("rooms", response=bodies.RoomEntryAnswer)
def post_rooms(request: HttpRequest, body: bodies.RoomCreateRequest) -> bodies.RoomEntryAnswer:
    """Open a room with the id that its ``create`` entry names."""
    device = device_of(request)
    limiter.take(ROOMS_OPENED, device.account_id.bytes)
    return opening.open_room(device=device, request=body)


@router.post("rooms/{room}/join-requests", response=bodies.DoneAnswer)
def post_join_request(request: HttpRequest, room: HexId, body: bodies.JoinRequest) -> bodies.DoneAnswer:
    """Ask to be let in."""
    device = device_of(request)
    limiter.take(JOIN_REQUESTS, device.account_id.bytes)
    memberships.request_to_join(device=device, room_id=room, acceptance=body.acceptance)
    return DONE


@router.post("rooms/{room}/join-requests/withdraw", response=bodies.DoneAnswer)
def post_withdraw(request: HttpRequest, room: HexId) -> bodies.DoneAnswer:
    """Stop waiting."""
    memberships.withdraw_request(device=device_of(request), room_id=room)
    return DONE


@router.get("rooms/{room}/waiting", response=bodies.WaitingAnswer)
def get_waiting(request: HttpRequest, room: HexId) -> bodies.WaitingAnswer:
    """Who waits, for leaders."""
    return bodies.WaitingAnswer(waiting=memberships.waiting_list(device=device_of(request), room_id=room))


@router.post("rooms/{room}/decline", response=bodies.DoneAnswer)
def post_decline(request: HttpRequest, room: HexId, body: bodies.DeclineRequest) -> bodies.DoneAnswer:
    """Say no to someone who waits."""
    memberships.decline(device=device_of(request), room_id=room, account_id=UUID(bytes=body.account_id))
    return DONE


@router.get("rooms/{room}/log", response=bodies.RoomLogAnswer)
def get_log(request: HttpRequest, room: HexId, after: After = 0) -> bodies.RoomLogAnswer:
    """The room's log from index ``after`` on, and the accounts that one needs to verify it."""
    found = access.room_for(device_of(request), room)
    entries, named = reading.log_from(found, after)
    return bodies.RoomLogAnswer(entries=entries, accounts=account_logs.logs_of(named))


@router.post("rooms/{room}/log", response=bodies.RoomEntryAnswer)
def post_log(request: HttpRequest, room: HexId, body: bodies.RoomEntryRequest) -> bodies.RoomEntryAnswer:
    """Append an entry, with its commit where its action needs one."""
    device = device_of(request)
    limiter.take(ROOM_ENTRIES, device.id.bytes)
    return append.append_entry(device=device, room_id=room, request=body)


@router.get("rooms/{room}/pending", response=bodies.PendingAnswer)
def get_pending(request: HttpRequest, room: HexId) -> bodies.PendingAnswer:
    """What the next commit should do."""
    return leaves.pending_in(access.room_for(device_of(request), room))


@router.post("rooms/{room}/claims", response=bodies.ClaimAnswer)
def post_claims(request: HttpRequest, room: HexId, body: bodies.ClaimRequest) -> bodies.ClaimAnswer:
    """Take one key package for each of these devices, which the next commit should add."""
    device = device_of(request)
    limiter.take(KEY_PACKAGE_CLAIMS, device.id.bytes)
    return leaves.claim_packages(
        device=device, room_id=room, device_ids=[UUID(bytes=one) for one in body.device_ids]
    )


@router.post("rooms/{room}/commits", response=bodies.CommitAnswer)
def post_commit(request: HttpRequest, room: HexId, body: bodies.CommitRequest) -> bodies.CommitAnswer:
    """Take the group on by one epoch."""
    device = device_of(request)
    limiter.take(ROOM_COMMITS, device.id.bytes)
    return commits.land_commit(device=device, room_id=room, bundle=body.commit)


@router.get("rooms/{room}/items", response=bodies.ItemsAnswer)
def get_items(
    request: HttpRequest, room: HexId, after: After = 0, limit: Limit = limits.PULL_MAX_ITEMS
) -> bodies.ItemsAnswer:
    """What happened past ``after``, for networks on which no socket lives."""
    items = messages.items_after(access.room_for(device_of(request), room), after, limit)
    return bodies.ItemsAnswer(after=items.after, through=items.through, floor=items.floor, items=items.items)


@router.post("rooms/{room}/messages", response=bodies.SendAnswer)
def post_message(request: HttpRequest, room: HexId, body: bodies.SendRequest) -> bodies.SendAnswer:
    """Send one message, for networks on which no socket lives."""
    device = device_of(request)
    limiter.take(SENDS_BY_HTTP, device.id.bytes)
    send = PendingSend(
        device_id=device.id,
        room_id=room,
        message_id=UUID(bytes=body.message_id),
        epoch=body.epoch,
        ciphertext=body.ciphertext,
    )
    (result,) = messages.post_messages([send])
    if isinstance(result, PeerChatError):
        raise result
    return bodies.SendAnswer(seq=result.seq, at=result.at, expires_at=result.expires_at)


@router.get("device/items", response=bodies.DeviceItemsAnswer)
def get_device_items(request: HttpRequest, after: After = 0) -> bodies.DeviceItemsAnswer:
    """This device's own events past ``after``; those up to it are dropped."""
    device = device_of(request)
    device_events.drop_through(device.id, after)
    items = device_events.events_after(device.id, after)
    return bodies.DeviceItemsAnswer(after=items.after, through=items.through, items=items.items)
