"""Who is what to a room: asking to be let in, waiting, being declined, and the list of one's rooms.

Coming in and leaving are entries of the room's log: see ``deeds``.
"""

from hashlib import sha256
from uuid import UUID

from django.db import transaction

from peerchat import sodium
from peerchat.accounts import account_logs, community, invites
from peerchat.accounts.models import Device, Invite
from peerchat.clock import now, to_ms
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.codec import decode_canonical
from peerchat.protocol.http_bodies import WaitingPerson
from peerchat.protocol.server_frames import RoomMark
from peerchat.protocol.signed import InviteAcceptance, Label, RoomRole, SignedStatement
from rooms import access, announce, device_events, leaves
from rooms.models import Membership, Room, Standing


def request_to_join(*, device: Device, room_id: UUID, acceptance: SignedStatement | None) -> None:
    """Let the device's person wait for a leader of the room. Who waits or is a member already changes nothing.

    ``acceptance`` shows the room's link to who signed up with another; the link is used up. Locks the room. Raises
    ``request.not_found`` (no invite to it, or no such room), ``invite.unusable``, ``log.bad_signature``,
    ``session.not_allowed`` for one who was removed: a leader may admit them again, they may not ask.
    """
    with transaction.atomic():
        shown = None if acceptance is None else _shown_invite(device, room_id, acceptance)
        room = access.room_to_ask(device, room_id, shown_invite=shown, lock=True)
        member = Membership.objects.filter(room_id=room.id, account_id=device.account_id).first()
        if member is None:
            member = Membership(room_id=room.id, account_id=device.account_id)
        elif member.standing in (Standing.MEMBER, Standing.WAITING):
            return
        elif member.standing == Standing.REMOVED:
            raise PeerChatError(
                ErrorCode.NOT_ALLOWED, "Leaders closed this room to this person.", http_status=403
            )
        if shown is not None and acceptance is not None:
            _use(shown)
            member.invite = shown
            member.acceptance_body, member.acceptance_signature = acceptance.body, acceptance.signature
        member.standing, member.asked_at = Standing.WAITING, now()
        member.save()
        device_events.tell(device_ids=_leaders_devices(room), room_id=room.id, what="waiting")


def withdraw_request(*, device: Device, room_id: UUID) -> None:
    """Stop waiting; who does not wait changes nothing. Locks the room; raises ``request.not_found``."""
    with transaction.atomic():
        room = access.room_to_ask(device, room_id, shown_invite=None, lock=True)
        waiting = Membership.objects.filter(
            room_id=room.id, account_id=device.account_id, standing=Standing.WAITING
        )
        if Invite.objects.filter(used_by_id=device.account_id, room_id=room.id).exists():
            waiting.filter(invite__isnull=True).delete()
        # Without a row, who came by a link that is used up now could not ask again.
        waiting.update(standing=Standing.LEFT, asked_at=None)
        announce.refetch([room.id])


def waiting_list(*, device: Device, room_id: UUID) -> list[WaitingPerson]:
    """Return who waits, the longest first, with all that a leader's client checks. For leaders."""
    room = access.room_led_by(device, room_id)
    rows = list(
        Membership.objects.filter(room_id=room.id, standing=Standing.WAITING)
        .filter(account__forgotten_at__isnull=True)
        .select_related("account", "invite")
        .order_by("asked_at", "id")
    )
    logs = {log.account_id: log for log in account_logs.logs_of(row.account_id for row in rows)}
    return [
        WaitingPerson(
            account=logs[row.account_id.bytes],
            certificate=_certificate(row),
            acceptance=_acceptance(row),
            asked_at=0 if row.asked_at is None else to_ms(row.asked_at),
        )
        for row in rows
    ]


def decline(*, device: Device, room_id: UUID, account_id: UUID) -> None:
    """Say no to someone who waits; to someone who was told so already, nothing. Locks the room. For leaders.

    Raises ``room.not_pending`` for everyone else.
    """
    with transaction.atomic():
        room = access.room_led_by(device, room_id, lock=True)
        row = Membership.objects.filter(room_id=room.id, account_id=account_id).first()
        if row is None or row.standing not in (Standing.WAITING, Standing.DECLINED):
            raise PeerChatError(ErrorCode.NOT_PENDING, "This person does not wait here.", http_status=409)
        if row.standing == Standing.DECLINED:
            return
        row.standing, row.asked_at = Standing.DECLINED, None
        row.save(update_fields=["standing", "asked_at"])
        announce.refetch([room.id])
        device_events.tell(device_ids=leaves.live_devices(account_id), room_id=room.id, what="declined")


def rooms_of(device: Device) -> list[RoomMark]:
    """Return where each room stands in which the device's account is a member, by ascending id."""
    return [
        RoomMark(room_id=room.id.bytes, last_seq=room.last_seq, floor=room.floor, epoch=room.epoch)
        for room in access.rooms_of_account(device.account_id)
    ]


def _leaders_devices(room: Room) -> list[UUID]:
    leaders = Membership.objects.filter(room_id=room.id, standing=Standing.MEMBER, role=RoomRole.LEADER.value)
    return list(
        Device.objects.live()
        .filter(account_id__in=leaders.values_list("account_id", flat=True))
        .values_list("id", flat=True)
    )


# --- The link by which someone asks ---------------------------------------------------------------------


def _shown_invite(device: Device, room_id: UUID, acceptance: SignedStatement) -> Invite:
    """Return the invite that ``acceptance`` proves to hold: live, or used by this very person. Locks its row."""
    body = decode_canonical(InviteAcceptance, acceptance.body)
    if not sodium.verify(
        key=body.invite_key,
        label=Label.INVITE_ACCEPTANCE,
        root=bytes(community.the_community().root),
        body=acceptance.body,
        signature=acceptance.signature,
    ):
        raise PeerChatError(ErrorCode.BAD_SIGNATURE, "The signature does not fit the acceptance.")
    if (body.account_id, body.identity_key) != (
        device.account_id.bytes,
        bytes(device.account.identity_key),
    ):
        raise PeerChatError(ErrorCode.BAD_ENTRY, "The acceptance is another person's.")
    hash_ = sha256(body.invite_key).digest()
    invite = Invite.objects.select_for_update().filter(invite_hash=hash_, room_id=room_id).first()
    if invite is None:
        raise invites.unusable()
    mine = (
        invite.used_by_id == device.account_id
        or Membership.objects.filter(
            room_id=room_id, account_id=device.account_id, invite_id=invite.id
        ).exists()
    )
    if not mine and not invites.live_invites().filter(id=invite.id).exists():
        raise invites.unusable()
    return invite


def _use(invite: Invite) -> None:
    """Use the invite up. Its ``used_by`` names whom it made an account for, so it stays empty."""
    if invite.used_at is None:
        invite.used_at = now()
        invite.save(update_fields=["used_at"])


def _certificate(row: Membership) -> SignedStatement | None:
    invite = row.invite or Invite.objects.filter(used_by_id=row.account_id).first()
    return None if invite is None else invites.certificate_of(invite)


def _acceptance(row: Membership) -> SignedStatement:
    if row.acceptance_body is not None and row.acceptance_signature is not None:
        return SignedStatement(body=bytes(row.acceptance_body), signature=bytes(row.acceptance_signature))
    return SignedStatement(
        body=bytes(row.account.acceptance_body), signature=bytes(row.account.acceptance_signature)
    )
