"""A case as its people see it over HTTP."""

from moderation import lease
from moderation.escalation.models import Case, CaseBox
from moderation.escalation.terms import DEFAULT, OPEN
from peerchat.accounts.models import Device
from peerchat.protocol.http_bodies import CaseAnswer, CaseBoxBody, CaseSealedAnswer


def answer_of(case: Case) -> CaseAnswer:
    """Return the true status, and whether the part that pages is running at all."""
    return CaseAnswer(
        case_id=case.id.bytes,
        status=case.status,  # type: ignore[arg-type]  # a constraint allows no other
        raised_at=case.raised_ms,
        since=case.since_ms,
        try_until=case.raised_ms + DEFAULT.try_for_ms,
        holder=None if case.holder_id is None else case.holder_id.bytes,
        offered_to=None if case.offered_to_id is None else case.offered_to_id.bytes,
        outcome=case.outcome,  # type: ignore[arg-type]  # likewise
        recipients=CaseBox.objects.filter(case=case).values("box_key__device__account_id").distinct().count(),
        drill=case.drill,
        delayed=not lease.is_held(),
    )


def open_cases(device: Device, *, counselor: bool) -> list[CaseAnswer]:
    """Return the open cases that this person raised or, for counselors, all; oldest first."""
    cases = Case.objects.filter(status__in=OPEN).order_by("raised_ms")
    return [answer_of(case) for case in (cases if counselor else cases.filter(raiser_id=device.account_id))]


def sealed_of(case: Case, device: Device) -> CaseSealedAnswer:
    """Return what was released with the boxes for this account's devices; nothing is left once it was erased."""
    boxes = CaseBox.objects.filter(case=case, box_key__device__account_id=device.account_id)
    return CaseSealedAnswer(
        sealed=bytes(case.sealed or b""),
        boxes=[
            CaseBoxBody(box_key=bytes(one.box_key.key), sealed=bytes(one.sealed))
            for one in boxes.select_related("box_key").order_by("id")
        ],
    )
