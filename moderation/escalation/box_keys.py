"""Box keys: to whom an escalation can be sealed. Signed by a device, checked here and again by each client.

A counselor's or leader's device makes a new one each week and keeps the private half until what was sealed to it is
erased. This server could not open a box; all it could do is to serve another key, which a client's check refuses.
"""

from uuid import UUID

from django.db import transaction

from moderation.escalation.models import BoxKey, CaseBox
from moderation.escalation.terms import DEFAULT
from moderation.oncall.ladder import counselors_at
from peerchat import signed_log, sodium
from peerchat.accounts import community, roles
from peerchat.accounts.models import Device
from peerchat.clock import now_ms
from peerchat.errors import ErrorCode
from peerchat.protocol import limits
from peerchat.protocol.codec import decode_canonical
from peerchat.protocol.http_bodies import BoxKeyRow
from peerchat.protocol.signed import BoxKeyStatement, Label, Role, SignedStatement


def publish_box_key(*, device: Device, statement: SignedStatement) -> None:
    """Check and keep the key that ``device`` made; the same statement again changes nothing.

    Raises ``log.bad_signature``, ``log.no_power`` (no counselor and no leader, or another device's),
    ``log.wrong_clock``, ``log.stale_head`` (a community head that is unknown or older than the device's last one)
    and ``log.bad_entry``.
    """
    body = decode_canonical(BoxKeyStatement, statement.body)
    root = bytes(community.the_community().root)
    if (body.author.account_id, body.author.device_id) != (device.account_id.bytes, device.id.bytes):
        signed_log.refuse(ErrorCode.NO_POWER, "It is another device's.")
    if not sodium.verify(
        key=bytes(device.device_key),
        label=Label.BOX_KEY.value,
        root=root,
        body=statement.body,
        signature=statement.signature,
    ):
        signed_log.refuse(ErrorCode.BAD_SIGNATURE, "The signature is not this device's.")
    if not roles.roles_now(device.account_id) & {Role.COUNSELOR, Role.LEADER}:
        signed_log.refuse(ErrorCode.NO_POWER, "Only counselors and leaders have one.")
    with transaction.atomic():
        # The device's row is the lock: of two statements at once the later one stays.
        Device.objects.select_for_update().get(id=device.id)
        if BoxKey.objects.filter(key=body.box_key, device=device, body=statement.body).exists():
            return
        _check_times(device, body)
        if BoxKey.objects.filter(key=body.box_key).exists():
            signed_log.refuse(ErrorCode.BAD_ENTRY, "This key was used before.")
        BoxKey.objects.create(
            key=body.box_key,
            device=device,
            body=statement.body,
            signature=statement.signature,
            community_index=body.community_head.index,
            made_ms=body.at,
            ends_ms=body.ends_at,
        )


def _check_times(device: Device, body: BoxKeyStatement) -> None:
    signed_log.check_clock(body.at, now=now_ms())
    if not body.at < body.ends_at <= body.at + limits.BOX_KEY_LIFETIME_MS:
        signed_log.refuse(ErrorCode.BAD_ENTRY, "It counts for too long, or for no time.")
    newest = BoxKey.objects.filter(device=device).order_by("-made_ms").first()
    if not community.holds(body.community_head) or (
        newest is not None
        and (body.community_head.index < newest.community_index or body.at <= newest.made_ms)
    ):
        signed_log.refuse(ErrorCode.STALE_HEAD, "It was made before another one.")


def keys_of_counselors(now: int) -> list[BoxKey]:
    """Return each live device's newest key that counts at ``now`` (UTC ms), of those certified as counselors."""
    rows = (
        BoxKey.objects.filter(
            ends_ms__gt=now, device__revoked_at__isnull=True, device__account_id__in=counselors_at(now)
        )
        .select_related("device")
        .order_by("device_id", "-made_ms")
    )
    newest: dict[UUID, BoxKey] = {}
    for row in rows:
        newest.setdefault(row.device_id, row)
    return list(newest.values())


def served_keys(now: int) -> list[BoxKeyRow]:
    """Return what a survivor's client seals to, after its own check."""
    return [
        BoxKeyRow(
            account_id=row.device.account_id.bytes,
            device_id=row.device_id.bytes,
            statement=SignedStatement(body=bytes(row.body), signature=bytes(row.signature)),
        )
        for row in keys_of_counselors(now)
    ]


def forget_ended(now: int) -> int:
    """Delete keys that ended and that no kept case is sealed to; return how many."""
    gone, _ = (
        BoxKey.objects.filter(ends_ms__lte=now - DEFAULT.kept_ms)
        .exclude(id__in=CaseBox.objects.values("box_key_id"))
        .delete()
    )
    return gone
