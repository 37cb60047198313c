"""What counselors do with a case: take it, talk, hand it over by name, give it back, close it.

Each takes the case's row lock, under which the machine decides: of two who tap at once, one holds it and the other
learns that someone does.
"""

from uuid import UUID

from django.db import transaction

from moderation.escalation import access
from moderation.escalation.case_rows import step_case
from moderation.escalation.models import Case
from moderation.escalation.terms import Acknowledge, Close, Event, Offer, Outcome, Release, Talk
from moderation.oncall.ladder import counselors_at, ladder_at
from peerchat.accounts.models import Device
from peerchat.clock import now_ms
from peerchat.errors import not_found


def acknowledge(*, device: Device, case_id: UUID) -> Case:
    """Take the case, or accept it where it was offered. Raises ``case.taken``, ``case.over``."""
    return _do(device, case_id, Acknowledge(device.account_id))


def begin_talk(*, device: Device, case_id: UUID) -> Case:
    """Say that the private room is open; again, that the talk goes on."""
    return _do(device, case_id, Talk(device.account_id))


def offer_case(*, device: Device, case_id: UUID, to: UUID) -> Case:
    """Ask another counselor by name to take over; raises ``request.not_found`` for one who is none."""
    if to not in counselors_at(now_ms()):
        raise not_found()
    return _do(device, case_id, Offer(device.account_id, to))


def release_case(*, device: Device, case_id: UUID) -> Case:
    """Give the case back: others are paged at once."""
    return _do(device, case_id, Release(device.account_id, ladder_at(now_ms())))


def close_case(*, device: Device, case_id: UUID, outcome: Outcome) -> Case:
    """End it with an outcome."""
    return _do(device, case_id, Close(device.account_id, outcome))


def _do(device: Device, case_id: UUID, event: Event) -> Case:
    with transaction.atomic():
        return step_case(access.case_for_counselor(device, case_id, lock=True), event, now_ms())
