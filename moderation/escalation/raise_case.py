"""Take a call for help in: the row, its log, and the pages to send, in one transaction.

It must not fail for any reason that is not the database itself. Where the rota cannot be read the case is stored as
``raised``, and the keeper tries again within a second.
"""

from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from django.db import IntegrityError, transaction

from moderation.escalation import box_keys
from moderation.escalation.case_rows import carry_out, step_case, write_snapshot
from moderation.escalation.machine import begin
from moderation.escalation.models import Case, CaseBox
from moderation.escalation.terms import OPEN, Due, Ladder
from moderation.oncall.ladder import ladder_at
from peerchat.accounts import roles
from peerchat.accounts.models import Device
from peerchat.clock import now_ms
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.logging import event
from peerchat.protocol.http_bodies import CaseBoxBody
from peerchat.protocol.signed import Role


def raise_case(
    *,
    device: Device,
    case_id: UUID,
    sealed: bytes | None,
    boxes: Sequence[CaseBoxBody],
    for_other: bool = False,
    drill: bool = False,
) -> Case:
    """Store the case and begin to page; the same request again changes nothing but boxes that were not there.

    Raises ``case.no_recipient`` (none of the boxes is for a key that counts now), ``session.not_allowed`` (a drill or a
    case for another, by a member), ``request.conflict`` (another case of this person is open, or the id is another's).
    """
    _check_wish(device, sealed=sealed, boxes=boxes, for_other=for_other, drill=drill)
    try:
        with transaction.atomic():
            return _raise(device, case_id, sealed, boxes, for_other=for_other, drill=drill)
    except IntegrityError:
        # The same request at the same moment, or a second case beside an open one: the database let one through.
        with transaction.atomic():
            found = Case.objects.select_for_update().filter(id=case_id).first()
            if found is None:
                raise _conflict("Another case of this person is open.") from None
            return _again(found, device, sealed, boxes)


def _check_wish(
    device: Device, *, sealed: bytes | None, boxes: Sequence[CaseBoxBody], for_other: bool, drill: bool
) -> None:
    if (sealed is None) != drill or (drill and boxes):
        raise PeerChatError(ErrorCode.MALFORMED, "A drill holds nothing, and all else something.")
    if (drill or for_other) and not roles.roles_now(device.account_id) & set(Role):
        raise PeerChatError(ErrorCode.NOT_ALLOWED, "Only those with a role may.", http_status=403)


def _raise(
    device: Device,
    case_id: UUID,
    sealed: bytes | None,
    boxes: Sequence[CaseBoxBody],
    *,
    for_other: bool,
    drill: bool,
) -> Case:
    found = Case.objects.select_for_update().filter(id=case_id).first()
    if found is not None:
        return _again(found, device, sealed, boxes)
    now = now_ms()
    snapshot, effects = begin(now)
    case = Case(
        id=case_id,
        raiser_id=device.account_id,
        drill=drill,
        for_other=for_other,
        sealed=sealed,
        sealed_hash=_hash(sealed),
    )
    write_snapshot(case, snapshot)
    case.save(force_insert=True)
    if not drill and not _add_boxes(case, boxes, now):
        raise PeerChatError(ErrorCode.NO_RECIPIENT, "Nobody could read it.", http_status=409)
    carry_out(case, effects, now)
    case.save()
    ladder = _ladder(now)
    return case if ladder is None else step_case(case, Due(ladder), now)


def _ladder(now: int) -> Ladder | None:
    try:
        # A savepoint: on PostgreSQL an error would end the whole transaction, and with it the call for help.
        with transaction.atomic():
            return ladder_at(now)
    except Exception as error:
        event("case.rota_unreadable", error=error)
        return None


def _again(case: Case, device: Device, sealed: bytes | None, boxes: Sequence[CaseBoxBody]) -> Case:
    if case.raiser_id != device.account_id or bytes(case.sealed_hash) != _hash(sealed):
        raise _conflict("This id is taken.")
    if case.status in OPEN:
        _add_boxes(case, boxes, now_ms())
    return case


def _add_boxes(case: Case, boxes: Sequence[CaseBoxBody], now: int) -> int:
    """Keep the boxes for keys that count now; return how many the request had of those."""
    keys = {bytes(key.key): key for key in box_keys.keys_of_counselors(now)}
    kept = {keys[one.box_key].id: one.sealed for one in boxes if one.box_key in keys}
    CaseBox.objects.bulk_create(
        [CaseBox(case=case, box_key_id=key, sealed=sealed) for key, sealed in sorted(kept.items())],
        ignore_conflicts=True,
    )
    return len(kept)


def _hash(sealed: bytes | None) -> bytes:
    return sha256(b"peerchat/case\x00" + (sealed or b"")).digest()


def _conflict(why: str) -> PeerChatError:
    return PeerChatError(ErrorCode.CONFLICT, why, http_status=409)
