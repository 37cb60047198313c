"""A leader's first powers: remove, mute, hide, lock. Each has its permission, its write and its announcement.

Who may is decided by the room's log (``rooms.room_log``, by the power matrix), which every client reads again: the
server cannot moderate by itself, nor can it hide that somebody did.
"""

from typing import cast
from uuid import UUID

from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.signed import Action, HideBody, LockBody, MuteBody, RemoveBody
from rooms import append, device_events, leaves
from rooms.append import Deed, Draft
from rooms.deeds import announce_end, end_membership, everyone_saw, nothing_more
from rooms.messages import was_sent
from rooms.models import Membership, Standing


def write_remove(draft: Draft) -> None:
    """End the membership; the commit that comes along must remove every leaf of the person."""
    account_id = UUID(bytes=cast(RemoveBody, draft.body).account_id)
    end_membership(draft, account_id=account_id, standing=Standing.REMOVED)
    draft.removes = leaves.to_remove(draft.room, account_id=account_id)


def announce_remove(draft: Draft) -> None:
    """Stop delivery at once, and let the person know."""
    account_id = UUID(bytes=cast(RemoveBody, draft.body).account_id)
    announce_end(draft, account_id=account_id)
    device_events.tell(device_ids=leaves.live_devices(account_id), room_id=draft.room.id, what="removed")


def write_mute(draft: Draft) -> None:
    """Note who may not write; the commit that comes along parts the epochs before and after."""
    body = cast(MuteBody, draft.body)
    Membership.objects.filter(
        room_id=draft.room.id, account_id=UUID(bytes=body.account_id), standing=Standing.MEMBER
    ).update(muted=body.muted)


def permit_hide(draft: Draft) -> None:
    """Only what was sent here can be hidden; clients cannot tell, since a message ends."""
    if not was_sent(draft.room, UUID(bytes=cast(HideBody, draft.body).message_id)):
        raise PeerChatError(ErrorCode.BAD_ENTRY, "There is no such message in this room.")


def write_hide(draft: Draft) -> None:
    """The entry is all: the message stays what it was, and every client folds it away."""


def write_lock(draft: Draft) -> None:
    """Let only leaders write, or everyone again."""
    draft.room.locked = cast(LockBody, draft.body).locked


def register_powers() -> None:
    """Bring them in; called once while Django starts."""
    append.register(Action.REMOVE, Deed(nothing_more, write_remove, announce_remove))
    append.register(Action.MUTE, Deed(nothing_more, write_mute, everyone_saw))
    append.register(Action.HIDE, Deed(permit_hide, write_hide, everyone_saw))
    append.register(Action.LOCK, Deed(nothing_more, write_lock, everyone_saw))
