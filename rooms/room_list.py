"""A person's rooms, as ``GET rooms`` shows them: no more of a room than their standing allows."""

from uuid import UUID

from django.db.models import Count

from peerchat.accounts.models import Device, Invite
from peerchat.protocol.http_bodies import RoomRow, RoomStanding
from peerchat.protocol.signed import RoomRole
from rooms import access
from rooms.models import GroupLeaf, LeafState, Membership, Room, Standing


def rooms_seen_by(device: Device) -> list[RoomRow]:
    """Return every room that the device's person is in, was in, waits for or was invited to, by ascending id."""
    memberships = {row.room_id: row for row in Membership.objects.filter(account_id=device.account_id)}
    invited = Invite.objects.filter(used_by_id=device.account_id, room_id__isnull=False)
    known = {*memberships, *(room_id for room_id in invited.values_list("room_id", flat=True) if room_id)}
    rooms = access.rooms_named(known)
    own = [room_id for room_id, row in memberships.items() if row.standing == Standing.MEMBER]
    members, waiting = _counts(own, Standing.MEMBER), _counts(own, Standing.WAITING)
    in_group = set(
        GroupLeaf.objects.filter(room_id__in=own, device_id=device.id, state=LeafState.IN_GROUP).values_list(
            "room_id", flat=True
        )
    )
    rows = []
    for room_id, room in sorted(rooms.items()):
        member = memberships.get(room_id)
        if member is None or member.standing != Standing.MEMBER:
            rows.append(_outside(room, member))
            continue
        leads = access.leads(account_id=device.account_id, room_id=room_id)
        rows.append(
            RoomRow(
                room_id=room.id.bytes,
                name=room.name,
                standing="member",
                role=RoomRole(member.role),
                in_group=room_id in in_group,
                members=members.get(room_id, 0),
                waiting=waiting.get(room_id, 0) if leads else 0,
                locked=room.locked,
                muted=member.muted,
                expiry_seconds=room.expiry_seconds,
                last_seq=room.last_seq,
                epoch=room.epoch,
            )
        )
    return rows


def _outside(room: Room, member: Membership | None) -> RoomRow:
    """A room as seen from outside: its name and how long messages stay, and nothing about the people in it."""
    standing: RoomStanding = "invited" if member is None else member.standing  # type: ignore[assignment]  # a constraint allows no other
    return RoomRow(
        room_id=room.id.bytes,
        name=room.name,
        standing=standing,
        role=None,
        in_group=False,
        members=0,
        waiting=0,
        locked=False,
        muted=False,
        expiry_seconds=room.expiry_seconds,
        last_seq=0,
        epoch=0,
    )


def _counts(room_ids: list[UUID], standing: Standing) -> dict[UUID, int]:
    rows = Membership.objects.filter(room_id__in=room_ids, standing=standing).values_list("room_id")
    return dict(rows.annotate(Count("id")))
