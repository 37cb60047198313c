"""What accounts asks of rooms (``peerchat.accounts.seams``)."""

from collections.abc import Collection
from uuid import UUID

from peerchat.protocol.signed import RoomRole
from rooms import access, announce
from rooms.models import Membership, Standing

_MET = (Standing.MEMBER, Standing.LEFT, Standing.REMOVED)


class Rooms:
    """A ``RoomsSeam``."""

    def leads(self, *, account_id: UUID, room_id: UUID) -> bool:
        """Return whether the account is a room leader of the room now."""
        return access.leads(account_id=account_id, room_id=room_id)

    def room_name(self, *, room_id: UUID) -> str | None:
        """Return the name that an invited person may see, or ``None``."""
        return access.name_of(room_id)

    def sharing_a_room(self, *, account_id: UUID, others: Collection[UUID]) -> set[UUID]:
        """Return those of ``others`` whose account log the account may see.

        A member sees who is or was in the room; a leader also who waits; who waits sees the leaders. Who was removed
        or left sees nobody any more.
        """
        mine = Membership.objects.filter(account_id=account_id)
        inside = mine.filter(standing=Standing.MEMBER)
        theirs = Membership.objects.filter(account_id__in=set(others))
        seen = [
            theirs.filter(room_id__in=inside.values("room_id"), standing__in=_MET),
            theirs.filter(
                room_id__in=inside.filter(role=RoomRole.LEADER.value).values("room_id"),
                standing=Standing.WAITING,
            ),
            theirs.filter(
                room_id__in=mine.filter(standing=Standing.WAITING).values("room_id"),
                standing=Standing.MEMBER,
                role=RoomRole.LEADER.value,
            ),
        ]
        return {found for rows in seen for found in rows.values_list("account_id", flat=True)}

    def community_changed(self) -> None:
        """The community log grew: clients fetch it, since powers may have changed."""
        announce.refetch(None)

    def session_ended(self, *, device_ids: Collection[UUID]) -> None:
        """Sessions of these devices ended: their sockets close."""
        announce.session_ended(device_ids)
