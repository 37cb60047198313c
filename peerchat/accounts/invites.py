"""One-time invites: made by a steward or a leader, looked at by whoever holds the link, taken back while unused.

The server knows the hash of the invite's public key and what its maker signed. It cannot make an invite, nor
swap the key that a newcomer brings: the link's seed signs that one (``sign_up``), and the clients that admit
check both.
"""

from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from peerchat import sodium
from peerchat.accounts import roles, seams
from peerchat.accounts.community import the_community
from peerchat.accounts.models import Device, Invite
from peerchat.clock import from_ms, now, now_ms, to_ms
from peerchat.errors import ErrorCode, PeerChatError, not_found
from peerchat.protocol.codec import decode_canonical
from peerchat.protocol.http_bodies import InviteLookAnswer, InviteRow
from peerchat.protocol.signed import InviteCertificate, InviteRole, Label, Role, SignedStatement

LIFETIME_MAX = timedelta(days=30)


def invite_hash(invite_key: bytes) -> bytes:
    """Return what the server calls an invite."""
    return sha256(invite_key).digest()


def unusable() -> PeerChatError:
    """Return the one answer for an invite that is unknown, used, revoked or over."""
    return PeerChatError(ErrorCode.INVITE_UNUSABLE, "This invite cannot be used.", http_status=404)


def create_invite(*, inviter: Device, certificate: SignedStatement) -> Invite:
    """Keep an invite that ``inviter`` signed. The same bytes again change nothing.

    A steward invites for anything; a leader invites members into a room that it leads. Raises
    ``session.not_allowed``, ``log.bad_signature``, ``log.bad_entry`` (another inviter, no life left or too
    much), ``request.conflict``.
    """
    body = decode_canonical(InviteCertificate, certificate.body)
    if (body.inviter.account_id, body.inviter.device_id) != (inviter.account_id.bytes, inviter.id.bytes):
        raise PeerChatError(ErrorCode.BAD_ENTRY, "The invite names another inviter.")
    if not sodium.verify(
        key=bytes(inviter.device_key),
        label=Label.INVITE,
        root=bytes(the_community().root),
        body=certificate.body,
        signature=certificate.signature,
    ):
        raise PeerChatError(ErrorCode.BAD_SIGNATURE, "The signature does not fit the invite.")
    # In milliseconds: the wire's numbers reach past the years that a datetime knows.
    if not now_ms() < body.expires_at <= now_ms() + LIFETIME_MAX // timedelta(milliseconds=1):
        raise PeerChatError(ErrorCode.BAD_ENTRY, "An invite lives for at most 30 days.")
    room_id = None if body.room_id is None else UUID(bytes=body.room_id)
    with transaction.atomic():
        known = Invite.objects.select_for_update().filter(invite_hash=invite_hash(body.invite_key)).first()
        if known is not None:
            return _same_again(known, certificate)
        if not _may_invite(inviter.account_id, body.role, room_id):
            raise PeerChatError(ErrorCode.NOT_ALLOWED, "You may not invite for this.", http_status=403)
        try:
            with transaction.atomic():
                return Invite.objects.create(
                    invite_hash=invite_hash(body.invite_key),
                    role=body.role.value,
                    room_id=room_id,
                    certificate_body=certificate.body,
                    certificate_signature=certificate.signature,
                    inviter_id=inviter.account_id,
                    expires_at=from_ms(body.expires_at),
                )
        except IntegrityError:
            known = Invite.objects.get(invite_hash=invite_hash(body.invite_key))
            return _same_again(known, certificate)


def keep_first_invite(*, invite_key: bytes) -> Invite:
    """Keep the invite that genesis names for the first steward; it lives for 30 days from now."""
    return Invite.objects.create(
        invite_hash=invite_hash(invite_key),
        role=InviteRole.STEWARD.value,
        expires_at=now() + LIFETIME_MAX,
    )


def invites_of(*, account_id: UUID) -> list[InviteRow]:
    """Return the invites that the account made, newest first: used ones, and those that still can be."""
    rows = Invite.objects.filter(inviter_id=account_id, revoked_at__isnull=True).order_by("-id")
    return [
        InviteRow(
            invite_hash=bytes(row.invite_hash),
            role=InviteRole(row.role),
            room_id=None if row.room_id is None else row.room_id.bytes,
            expires_at=to_ms(row.expires_at),
            used=row.used_at is not None,
        )
        for row in rows
        if row.used_at is not None or row.expires_at > now()
    ]


def revoke_invite(*, account_id: UUID, hash_: bytes) -> None:
    """Take back an unused invite. Its maker may, and any steward; else, and when there is none, ``request.not_found``.

    A used one is ``request.conflict``: the account exists, and other powers end that. Locks the invite's row.
    """
    with transaction.atomic():
        invite = Invite.objects.select_for_update().filter(invite_hash=hash_).first()
        if invite is None or not (
            invite.inviter_id == account_id or Role.STEWARD in roles.roles_now(account_id)
        ):
            raise not_found()
        if invite.used_at is not None:
            raise PeerChatError(ErrorCode.CONFLICT, "This invite was used.", http_status=409)
        if invite.revoked_at is None:
            invite.revoked_at = now()
            invite.save(update_fields=["revoked_at"])


def look_at_invite(*, invite_key: bytes) -> InviteLookAnswer:
    """Return what a live, unused invite stands for; raise ``invite.unusable``."""
    invite = live_invites().filter(invite_hash=invite_hash(invite_key)).first()
    if invite is None:
        raise unusable()
    room_name = None if invite.room_id is None else seams.rooms().room_name(room_id=invite.room_id)
    return InviteLookAnswer(
        role=InviteRole(invite.role),
        room_id=None if invite.room_id is None else invite.room_id.bytes,
        room_name=room_name,
        expires_at=to_ms(invite.expires_at),
        certificate=certificate_of(invite),
    )


def live_invites() -> QuerySet[Invite]:
    """Return the invites that can be used now."""
    return Invite.objects.filter(revoked_at__isnull=True, used_at__isnull=True, expires_at__gt=now())


def certificate_of(invite: Invite) -> SignedStatement | None:
    """Return what the inviter signed; ``None`` for the first steward's, which genesis vouches for."""
    if invite.certificate_body is None or invite.certificate_signature is None:
        return None
    return SignedStatement(body=bytes(invite.certificate_body), signature=bytes(invite.certificate_signature))


def _same_again(known: Invite, certificate: SignedStatement) -> Invite:
    if certificate_of(known) != certificate:
        raise PeerChatError(ErrorCode.CONFLICT, "This key stands for another invite.", http_status=409)
    return known


def _may_invite(account_id: UUID, role: InviteRole, room_id: UUID | None) -> bool:
    held = roles.roles_now(account_id)
    if Role.STEWARD in held:
        return True
    return (
        Role.LEADER in held
        and role is InviteRole.MEMBER
        and room_id is not None
        and seams.rooms().leads(account_id=account_id, room_id=room_id)
    )
