"""The room's log, as it is read: the entries, and whose account logs are needed to verify them."""

from collections.abc import Iterable
from uuid import UUID

from peerchat.protocol.codec import decode_canonical
from peerchat.protocol.signed import BODIES, LogEntry, SignedEntry
from rooms.messages import signed_entry
from rooms.models import GroupLeaf, Membership, Room, RoomEntry, Standing


def log_from(room: Room, after: int) -> tuple[list[SignedEntry], set[UUID]]:
    """Return the entries from index ``after`` on, and every account that they, the members or the leaves name."""
    rows = RoomEntry.objects.filter(room_id=room.id, index__gte=after).order_by("index")
    entries = [signed_entry(row) for row in rows]
    named = set(_named_in(entries))
    members = Membership.objects.filter(room_id=room.id, standing=Standing.MEMBER)
    named.update(members.values_list("account_id", flat=True))
    leaves = GroupLeaf.objects.filter(room_id=room.id)
    named.update(leaves.values_list("device__account_id", flat=True))
    return entries, named


def _named_in(entries: Iterable[SignedEntry]) -> Iterable[UUID]:
    for signed in entries:
        entry = decode_canonical(LogEntry, signed.entry)
        if entry.author.account_id is not None:
            yield UUID(bytes=entry.author.account_id)
        if signed.body is not None:
            target = getattr(decode_canonical(BODIES[entry.action], signed.body), "account_id", None)
            if target is not None:
                yield UUID(bytes=target)
