"""Take a call for help back: one tap, by who raised it, whatever its status."""

from uuid import UUID

from django.db import transaction

from moderation.escalation import access
from moderation.escalation.case_rows import step_case
from moderation.escalation.models import Case, CaseBox
from moderation.escalation.terms import Withdraw
from peerchat.accounts.models import Device
from peerchat.clock import now_ms


def withdraw_case(*, device: Device, case_id: UUID) -> Case:
    """End the case, and erase at once what was released: consent ended. Raises ``case.over`` when it was closed."""
    with transaction.atomic():
        case = step_case(access.case_of(device, case_id, lock=True), Withdraw(), now_ms())
        CaseBox.objects.filter(case=case).delete()
        case.sealed = None
        case.save(update_fields=["sealed"])
    return case
