"""The HTTP calls about escalations and who is on call (docs/protocol.md). Each is thin: the services decide."""

from uuid import UUID

from django.http import HttpRequest
from ninja import Router

from moderation import lease
from moderation.escalation import access, acknowledge, answers, box_keys
from moderation.escalation.raise_case import raise_case
from moderation.escalation.terms import Outcome
from moderation.escalation.withdraw import withdraw_case
from moderation.oncall import contacts
from moderation.oncall.coverage import coverage_at
from moderation.oncall.models import Contact, ContactKind
from peerchat.accounts import roles
from peerchat.accounts.sessions import DeviceAuth, device_of
from peerchat.clock import now_ms
from peerchat.errors import not_found
from peerchat.http import HexId
from peerchat.protocol import http_bodies as bodies
from peerchat.ratelimits import BOX_KEYS_MADE, CASES_RAISED, CONTACT_CODES, limiter

router = Router(auth=DeviceAuth())
DONE = bodies.DoneAnswer(done=True)


@router.get("box-keys", response=bodies.BoxKeysAnswer)
def get_box_keys(request: HttpRequest) -> bodies.BoxKeysAnswer:
    """To whom a case can be sealed now."""
    return bodies.BoxKeysAnswer(keys=box_keys.served_keys(now_ms()))


@router.post("device/box-key", response=bodies.DoneAnswer)
def post_box_key(request: HttpRequest, body: bodies.BoxKeyRequest) -> bodies.DoneAnswer:
    """Publish this device's weekly key."""
    device = device_of(request)
    limiter.take(BOX_KEYS_MADE, device.id.bytes)
    box_keys.publish_box_key(device=device, statement=body.statement)
    return DONE


@router.get("cases", response=bodies.CasesAnswer)
def get_cases(request: HttpRequest) -> bodies.CasesAnswer:
    """Open cases: one's own, or for counselors all."""
    device = device_of(request)
    return bodies.CasesAnswer(cases=answers.open_cases(device, counselor=access.is_counselor(device)))


@router.post("cases", response=bodies.CaseAnswer)
def post_case(request: HttpRequest, body: bodies.CaseRaiseRequest) -> bodies.CaseAnswer:
    """Ask for a counselor."""
    device = device_of(request)
    limiter.take(CASES_RAISED, device.account_id.bytes)
    case = raise_case(
        device=device,
        case_id=UUID(bytes=body.case_id),
        sealed=body.sealed,
        boxes=body.boxes,
        for_other=body.for_other,
        drill=body.drill,
    )
    return answers.answer_of(case)


@router.get("cases/{case}", response=bodies.CaseAnswer)
def get_case(request: HttpRequest, case: HexId) -> bodies.CaseAnswer:
    """The true status."""
    return answers.answer_of(access.case_seen_by(device_of(request), case))


@router.post("cases/{case}/withdraw", response=bodies.CaseAnswer)
def post_withdraw_case(request: HttpRequest, case: HexId) -> bodies.CaseAnswer:
    """Take it back."""
    return answers.answer_of(withdraw_case(device=device_of(request), case_id=case))


@router.post("cases/{case}/acknowledge", response=bodies.CaseAnswer)
def post_acknowledge(request: HttpRequest, case: HexId) -> bodies.CaseAnswer:
    """Take the case."""
    return answers.answer_of(acknowledge.acknowledge(device=device_of(request), case_id=case))


@router.get("cases/{case}/sealed", response=bodies.CaseSealedAnswer)
def get_sealed(request: HttpRequest, case: HexId) -> bodies.CaseSealedAnswer:
    """What was released, for the holder alone."""
    device = device_of(request)
    found = access.case_held_by(device, case)
    if found.sealed is None:
        raise not_found()
    return answers.sealed_of(found, device)


@router.post("cases/{case}/talk", response=bodies.CaseAnswer)
def post_talk(request: HttpRequest, case: HexId) -> bodies.CaseAnswer:
    """The private room is open, or the talk goes on."""
    return answers.answer_of(acknowledge.begin_talk(device=device_of(request), case_id=case))


@router.post("cases/{case}/offer", response=bodies.CaseAnswer)
def post_offer(request: HttpRequest, case: HexId, body: bodies.CaseOfferRequest) -> bodies.CaseAnswer:
    """Ask another counselor to take over."""
    to = UUID(bytes=body.account_id)
    return answers.answer_of(acknowledge.offer_case(device=device_of(request), case_id=case, to=to))


@router.post("cases/{case}/release", response=bodies.CaseAnswer)
def post_release(request: HttpRequest, case: HexId) -> bodies.CaseAnswer:
    """Give it back: others are paged."""
    return answers.answer_of(acknowledge.release_case(device=device_of(request), case_id=case))


@router.post("cases/{case}/close", response=bodies.CaseAnswer)
def post_close(request: HttpRequest, case: HexId, body: bodies.CaseCloseRequest) -> bodies.CaseAnswer:
    """End it with an outcome."""
    outcome = Outcome(body.outcome)
    return answers.answer_of(acknowledge.close_case(device=device_of(request), case_id=case, outcome=outcome))


# --- On call --------------------------------------------------------------------------------------------


@router.get("contacts", response=bodies.ContactsAnswer)
def get_contacts(request: HttpRequest) -> bodies.ContactsAnswer:
    """One's own contacts."""
    device = device_of(request)
    return bodies.ContactsAnswer(
        contacts=[_contact(one) for one in contacts.contacts_of(device)],
        on_duty=contacts.is_on_duty(device),
    )


@router.post("contacts", response=bodies.ContactAnswer)
def post_contact(request: HttpRequest, body: bodies.ContactRequest) -> bodies.ContactAnswer:
    """Give a contact, and get a code there."""
    device = device_of(request)
    limiter.take(CONTACT_CODES, device.account_id.bytes)
    return _contact(contacts.add_contact(device=device, kind=body.kind, target=body.target, token=body.token))


@router.post("contacts/confirm", response=bodies.DoneAnswer)
def post_confirm(request: HttpRequest, body: bodies.ContactConfirmRequest) -> bodies.DoneAnswer:
    """Return the code."""
    contacts.confirm_contact(device=device_of(request), contact_id=body.contact, code=body.code)
    return DONE


@router.post("contacts/remove", response=bodies.DoneAnswer)
def post_remove_contact(request: HttpRequest, body: bodies.ContactRemoveRequest) -> bodies.DoneAnswer:
    """Forget a contact."""
    contacts.remove_contact(device=device_of(request), contact_id=body.contact)
    return DONE


@router.post("duty", response=bodies.DoneAnswer)
def post_duty(request: HttpRequest, body: bodies.DutyRequest) -> bodies.DoneAnswer:
    """Go on duty, or off it."""
    contacts.set_duty(device=device_of(request), on=body.on)
    return DONE


@router.get("on-call", response=bodies.OnCallAnswer)
def get_on_call(request: HttpRequest) -> bodies.OnCallAnswer:
    """Whether someone would come now, and the gaps of the coming week."""
    if not roles.roles_now(device_of(request).account_id):
        raise not_found()
    coverage = coverage_at(now_ms())
    return bodies.OnCallAnswer(
        reachable=coverage.reachable,
        gaps=[bodies.RotaGap(tier=one.tier, starts_at=one.starts, ends_at=one.ends) for one in coverage.gaps],
        delayed=not lease.is_held(),
    )


def _contact(contact: Contact) -> bodies.ContactAnswer:
    signs = contact.kind == ContactKind.WEBHOOK and contact.secret is not None
    return bodies.ContactAnswer(
        contact=contact.id,
        kind=contact.kind,  # type: ignore[arg-type]  # a constraint allows no other
        target=contact.target,
        verified=contact.verified_ms is not None,
        secret=bytes(contact.secret or b"") if signs else None,
    )
