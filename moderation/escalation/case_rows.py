"""A case's row and the machine: read it, step it, and write all that follows in the same transaction.

Nothing is sent here: pages go into the outbox, and devices hear of it after the commit.
"""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Greatest

from moderation.escalation.machine import step
from moderation.escalation.models import Case, CaseEntry, Page, PageState
from moderation.escalation.terms import (
    DEFAULT,
    Contact,
    Effect,
    Event,
    Outcome,
    PagePerson,
    Record,
    Refused,
    Snapshot,
    Status,
    StopPages,
    Tell,
)
from moderation.escalation.terms import Page as PageThem
from moderation.oncall import ladder
from moderation.oncall.models import Contact as ContactRow
from peerchat.accounts.models import Device
from peerchat.errors import ErrorCode, PeerChatError
from rooms import device_events


def step_case(case: Case, event: Event, now: int) -> Case:
    """Take ``case`` on by ``event`` and write what follows. Needs a transaction that holds the row's lock.

    Raises ``case.taken`` (someone else holds it) and ``case.over``.
    """
    try:
        after, effects = step(snapshot_of(case), event, now)
    except Refused as refused:
        raise _refusal(case, refused) from None
    if not effects and after == snapshot_of(case):
        return case
    write_snapshot(case, after)
    carry_out(case, effects, now)
    case.save()
    return case


def snapshot_of(case: Case) -> Snapshot:
    """Return the row as the machine sees it."""
    return Snapshot(
        status=Status(case.status),
        raised_at=case.raised_ms,
        since=case.since_ms,
        deadline=case.deadline_ms,
        set_at=case.set_ms,
        tier=case.tier,
        tier_until=case.tier_until_ms,
        page_at=case.page_ms,
        failed=frozenset(case.failed),
        known=frozenset(case.known),
        holder=case.holder_id,
        offered_to=case.offered_to_id,
        outcome=None if case.outcome is None else Outcome(case.outcome),
        ended_at=case.ended_ms,
    )


def write_snapshot(case: Case, snapshot: Snapshot) -> None:
    """Put the snapshot into the row's fields; nothing is saved."""
    case.status = snapshot.status.value
    case.raised_ms = snapshot.raised_at
    case.since_ms = snapshot.since
    case.deadline_ms = snapshot.deadline
    case.set_ms = snapshot.set_at
    case.tier = snapshot.tier
    case.tier_until_ms = snapshot.tier_until
    case.page_ms = snapshot.page_at
    case.failed = sorted(snapshot.failed)
    case.known = sorted(snapshot.known)
    case.holder_id = snapshot.holder
    case.offered_to_id = snapshot.offered_to
    case.outcome = None if snapshot.outcome is None else snapshot.outcome.value
    case.ended_ms = snapshot.ended_at
    case.erase_ms = None if snapshot.ended_at is None else snapshot.ended_at + DEFAULT.kept_ms


def carry_out(case: Case, effects: Iterable[Effect], now: int) -> None:
    """Write log lines and pages of ``effects``, and tell devices after the commit. The case is saved by the caller."""
    told: set[UUID] = set()
    tell = False
    for effect in effects:
        match effect:
            case Record(note, tier, contact, person):
                case.log_index += 1
                CaseEntry.objects.create(
                    case=case,
                    index=case.log_index,
                    note=note.value,
                    at_ms=now,
                    tier=tier,
                    contact_number=contact,
                    person_id=person,
                )
            case PageThem(contacts):
                arm_pages(case, contacts, now)
            case PagePerson(person):
                arm_pages(case, ladder.contacts_of(person), now)
            case StopPages():
                stop_pages(case)
            case Tell(person):
                tell = True
                if person is not None:
                    told.add(person)
    if tell:
        involved = {case.raiser_id, case.holder_id, case.offered_to_id} | told
        devices = Device.objects.live().filter(account_id__in=[one for one in involved if one is not None])
        device_events.tell_case(device_ids=devices.values_list("id", flat=True), case_id=case.id)


def arm_pages(case: Case, contacts: Iterable[Contact], now: int) -> None:
    """Put a page for each contact into the outbox, due now; one that is there already is armed for another round."""
    wanted = list(ContactRow.objects.filter(id__in=set(contacts)).values_list("id", flat=True))
    known = Page.objects.filter(case=case, contact_id__in=wanted)
    there = set(known.values_list("contact_id", flat=True))
    # A page that is just being sent keeps its lease: it must not go out twice at once.
    known.update(
        state=PageState.WAITING,
        round=F("round") + 1,
        attempts=0,
        due_ms=Greatest(F("lease_ms"), now),
        armed_ms=now,
    )
    Page.objects.bulk_create(
        Page(case=case, contact_id=one, due_ms=now, armed_ms=now) for one in wanted if one not in there
    )


def stop_pages(case: Case) -> None:
    """Take back what was not sent yet."""
    Page.objects.filter(case=case, state=PageState.WAITING).update(state=PageState.STOPPED)


def _refusal(case: Case, refused: Refused) -> PeerChatError:
    if case.ended_ms is not None:
        return PeerChatError(ErrorCode.CASE_OVER, "It is over.", http_status=409)
    if refused.holder is None:
        return PeerChatError(ErrorCode.CONFLICT, "Nobody holds it.", http_status=409)
    return PeerChatError(ErrorCode.CASE_TAKEN, "Someone else holds it.", http_status=409)
