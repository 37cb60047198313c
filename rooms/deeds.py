"""What membership's actions mean for the server: admit, leave, grant, and a room's settings."""

from typing import cast
from uuid import UUID

from peerchat.accounts.models import Account
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol import limits
from peerchat.protocol.signed import Action, AdmitBody, GrantBody, RoomRole, SettingsBody
from rooms import announce, append, device_events, leaves
from rooms.append import Deed, Draft
from rooms.models import GroupLeaf, Membership, Standing

_CAN_BE_ADMITTED = (Standing.WAITING, Standing.DECLINED, Standing.REMOVED)
"""Who asked, now or before a leader said no. Nobody is drawn into a room; who left must ask again."""


def nothing_more(draft: Draft) -> None:
    """The log's own rules say it all."""


def everyone_saw(draft: Draft) -> None:
    """That the room changed is announced for every entry."""


# --- admit ------------------------------------------------------------------------------------------


def _admitted(draft: Draft) -> Membership | None:
    body = cast(AdmitBody, draft.body)
    return Membership.objects.filter(
        room_id=draft.room.id, account_id=UUID(bytes=body.account_id), standing__in=_CAN_BE_ADMITTED
    ).first()


def _permit_admit(draft: Draft) -> None:
    body = cast(AdmitBody, draft.body)
    if _admitted(draft) is None:
        raise PeerChatError(ErrorCode.NOT_PENDING, "This person does not wait here.", http_status=409)
    account_id = UUID(bytes=body.account_id)
    if not Account.objects.filter(
        id=account_id, identity_key=body.identity_key, forgotten_at__isnull=True
    ).exists():
        raise PeerChatError(ErrorCode.BAD_ENTRY, "There is no such account under this identity.")
    if GroupLeaf.objects.filter(room_id=draft.room.id, device__account_id=account_id).exists():
        raise PeerChatError(ErrorCode.CONFLICT, "A leaf from before is still to be removed.", http_status=409)
    coming = len(leaves.live_devices(account_id))
    if max(len(draft.after.members), leaves.count(draft.room) + coming) > limits.ROOM_MEMBERS_MAX:
        raise PeerChatError(ErrorCode.ROOM_FULL, "The room is full.", http_status=409)


def _write_admit(draft: Draft) -> None:
    body, member = cast(AdmitBody, draft.body), _admitted(draft)
    if member is None:
        raise LookupError("permitted a moment ago, under the same lock")
    member.standing, member.role, member.muted = Standing.MEMBER, RoomRole.MEMBER.value, False
    member.identity_key, member.asked_at = body.identity_key, None
    member.save()
    leaves.want_added(draft.room, device_ids=leaves.live_devices(member.account_id), due_index=draft.index)


def _announce_admit(draft: Draft) -> None:
    body = cast(AdmitBody, draft.body)
    devices = leaves.live_devices(UUID(bytes=body.account_id))
    device_events.tell(device_ids=devices, room_id=draft.room.id, what="admitted")


# --- leave, grant, settings -------------------------------------------------------------------------


def end_membership(draft: Draft, *, account_id: UUID, standing: Standing) -> None:
    """Let a member be one no more: powers, delivery and pending adds end at once, the leaf with the next commit."""
    Membership.objects.filter(room_id=draft.room.id, account_id=account_id).update(
        standing=standing, role=RoomRole.MEMBER.value, muted=False
    )
    leaves.want_removed(draft.room, account_id=account_id, due_index=draft.index)
    device_events.forget_room(account_id=account_id, room_id=draft.room.id)


def announce_end(draft: Draft, *, account_id: UUID) -> None:
    """Stop what is delivered to the account's devices, revoked ones too."""
    announce.access_ended(leaves.devices_of(account_id), draft.room.id)


def _write_leave(draft: Draft) -> None:
    end_membership(draft, account_id=draft.device.account_id, standing=Standing.LEFT)


def _announce_leave(draft: Draft) -> None:
    announce_end(draft, account_id=draft.device.account_id)


def _write_grant(draft: Draft) -> None:
    body = cast(GrantBody, draft.body)
    Membership.objects.filter(
        room_id=draft.room.id, account_id=UUID(bytes=body.account_id), standing=Standing.MEMBER
    ).update(role=body.room_role.value, muted=False)


def _write_settings(draft: Draft) -> None:
    draft.room.expiry_seconds = cast(SettingsBody, draft.body).expiry_seconds


def register_deeds() -> None:
    """Bring them in; called once while Django starts."""
    append.register(Action.ADMIT, Deed(_permit_admit, _write_admit, _announce_admit))
    append.register(Action.LEAVE, Deed(nothing_more, _write_leave, _announce_leave))
    append.register(Action.GRANT, Deed(nothing_more, _write_grant, everyone_saw))
    append.register(Action.SETTINGS, Deed(nothing_more, _write_settings, everyone_saw))
