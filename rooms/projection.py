"""The room log's state, from its projection: judging an entry needs no replay of all before it.

``hidden`` is left empty, since no rule asks for it. Every read needs the room's lock.
"""

from collections.abc import Mapping
from functools import cached_property
from uuid import UUID

from peerchat.accounts import community, roles
from peerchat.accounts.models import Certification
from peerchat.protocol.signed import Head, Role, RoomRole
from peerchat.signed_log import Place
from rooms.models import Membership, Room, Standing
from rooms.room_log import RoomMember, RoomState


class StoredCommunity:
    """The community's log as this server holds it, for ``room_log``."""

    @cached_property
    def root(self) -> bytes:
        return bytes(community.the_community().root)

    @cached_property
    def identity_keys(self) -> Mapping[bytes, bytes]:
        """The identity key of every account that was ever certified."""
        rows = Certification.objects.values_list("account_id", "identity_key")
        return {account_id.bytes: bytes(identity_key) for account_id, identity_key in rows}

    def holds(self, head: Head) -> bool:
        """Return whether ``head`` is an entry of the log."""
        return community.holds(head)

    def is_effective(self, account_id: bytes, role: Role, at: int, head_index: int | None = None) -> bool:
        """Return whether the role counts at ``at`` (UTC ms) by the log up to and with ``head_index``."""
        newest = community.head().index if head_index is None else head_index
        return roles.is_effective(UUID(bytes=account_id), role, at, newest)


def state_of(room: Room) -> RoomState:
    """Return what the room's log says."""
    members = Membership.objects.filter(room_id=room.id, standing=Standing.MEMBER)
    return RoomState(
        room_id=room.id.bytes,
        group_id=room.group_id.bytes,
        members={
            one.account_id.bytes: RoomMember(
                account_id=one.account_id.bytes,
                identity_key=bytes(one.identity_key or b""),
                role=RoomRole(one.role),
                muted=one.muted,
            )
            for one in members
        },
        hidden=frozenset(),
        locked=room.locked,
        expiry_seconds=room.expiry_seconds,
        place=Place(
            head=Head(index=room.log_index, hash=bytes(room.log_hash)),
            at=room.log_at_ms,
            community_index=room.community_index,
        ),
    )
