"""The only door to a ``Room``: nothing else fetches one (tests/rooms/test_access.py reads the source).

What does not exist and what is not yours answer alike, byte for byte. Each function says whom it lets through;
those without a device serve our own loops and hold no one's wish. It decides no powers beyond "leads the room
now": the logs do.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from peerchat.accounts import roles
from peerchat.accounts.models import Device, Invite
from peerchat.errors import ErrorCode, PeerChatError, not_found
from peerchat.protocol.signed import Role, RoomRole
from rooms.models import Membership, Room, Standing


def room_for(device: Device, room_id: UUID, *, lock: bool = False) -> Room:
    """Return the room for a device of one of its members; else ``request.not_found``.

    ``lock`` takes the room's row lock, under which the membership is read again. Needs a transaction then.
    """
    _check_member(device, room_id)
    room = _fetch(room_id, lock=lock)
    if lock:
        _check_member(device, room_id)
    return room


def room_led_by(device: Device, room_id: UUID, *, lock: bool = False) -> Room:
    """Return the room for a device of one who leads it now; another member gets ``log.no_power``."""
    room = room_for(device, room_id, lock=lock)
    if not leads(account_id=device.account_id, room_id=room_id):
        raise PeerChatError(ErrorCode.NO_POWER, "Only leaders of this room may.", http_status=403)
    return room


def room_to_ask(device: Device, room_id: UUID, *, shown_invite: Invite | None, lock: bool = False) -> Room:
    """Return the room for one who may know of it: invited, shown its link, or in it once."""
    known = Membership.objects.filter(room_id=room_id, account_id=device.account_id).exists()
    invited = Invite.objects.filter(used_by_id=device.account_id, room_id=room_id).exists()
    shown = shown_invite is not None and shown_invite.room_id == room_id
    if not is_live(device) or not (known or invited or shown):
        raise not_found()
    return _fetch(room_id, lock=lock)


def leads(*, account_id: UUID, room_id: UUID) -> bool:
    """Return whether the account leads the room now: by the room's log, and certified by the community's."""
    return Membership.objects.filter(
        room_id=room_id, account_id=account_id, standing=Standing.MEMBER, role=RoomRole.LEADER.value
    ).exists() and Role.LEADER in roles.roles_now(account_id)


def is_live(device: Device) -> bool:
    """Return whether the device still counts, by the database as it is now."""
    return Device.objects.live().filter(id=device.id).exists()


def make_room(**fields: Any) -> Room:
    """Store a new room; its creator's entry was checked. Raises ``IntegrityError`` for an id that is taken."""
    return Room.objects.create(**fields)


# --- For our own loops ------------------------------------------------------------------------------


def lock_rooms(room_ids: Collection[UUID]) -> dict[UUID, Room]:
    """Lock those of the rooms that exist, by ascending id (unsorted locks deadlock), and return them."""
    query = Room.objects.select_for_update().filter(id__in=set(room_ids)).order_by("id")
    return {room.id: room for room in query}


def rooms_named(room_ids: Collection[UUID]) -> dict[UUID, Room]:
    """Return those of the rooms that exist, as they are now, without a lock."""
    return {room.id: room for room in Room.objects.filter(id__in=set(room_ids))}


def rooms_of_account(account_id: UUID) -> QuerySet[Room]:
    """Return the rooms in which the account is a member now, by ascending id."""
    return Room.objects.filter(
        memberships__account_id=account_id, memberships__standing=Standing.MEMBER
    ).order_by("id")


def room_ids_with_commits_before(moment_ms: int) -> list[UUID]:
    """Return the rooms that hold a commit older than ``moment_ms`` (UTC ms)."""
    return list(Room.objects.filter(commits__at_ms__lt=moment_ms).distinct().values_list("id", flat=True))


def room_ids_with_messages_due(bucket_hour: int) -> list[UUID]:
    """Return the rooms that hold a message of hour ``bucket_hour`` (hours since 1970) or before."""
    return list(
        Room.objects.filter(messages__bucket_hour__lte=bucket_hour).distinct().values_list("id", flat=True)
    )


def name_of(room_id: UUID) -> str | None:
    """Return the room's name for someone whose invite was checked by the caller, or ``None``."""
    return Room.objects.filter(id=room_id).values_list("name", flat=True).first()


def _check_member(device: Device, room_id: UUID) -> None:
    if not Membership.objects.filter(
        room_id=room_id,
        account_id=device.account_id,
        standing=Standing.MEMBER,
        account__devices__id=device.id,
        account__devices__revoked_at__isnull=True,
        account__forgotten_at__isnull=True,
    ).exists():
        raise not_found()


def _fetch(room_id: UUID, *, lock: bool) -> Room:
    query = Room.objects.select_for_update() if lock else Room.objects.all()
    room = query.filter(id=room_id).first()
    if room is None:
        raise not_found()
    return room
