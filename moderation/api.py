"""The HTTP calls about escalations (docs/protocol.md, "Escalations"). Each is thin: the services decide."""

from uuid import UUID

from django.http import HttpRequest
from ninja import Router

from moderation.escalation import access, acknowledge, answers, box_keys
from moderation.escalation.raise_case import raise_case
from moderation.escalation.terms import Outcome
from moderation.escalation.withdraw import withdraw_case
from peerchat.accounts.models import Device
from peerchat.accounts.sessions import DeviceAuth
from peerchat.clock import now_ms
from peerchat.errors import not_found
from peerchat.http import HexId
from peerchat.protocol import http_bodies as bodies
from peerchat.ratelimits import BOX_KEYS_MADE, CASES_RAISED, limiter

router = Router(auth=DeviceAuth())
DONE = bodies.DoneAnswer(done=True)


def _device(request: HttpRequest) -> Device:
    """The signed-in device with its account: ``DeviceAuth`` put the session there."""
    device: Device = request.auth.device  # type: ignore[attr-defined]  # Ninja adds it
    return device


@router.get("box-keys", response=bodies.BoxKeysAnswer)
def get_box_keys(request: HttpRequest) -> bodies.BoxKeysAnswer:
    """To whom a case can be sealed now."""
    return bodies.BoxKeysAnswer(keys=box_keys.served_keys(now_ms()))


@router.post("device/box-key", response=bodies.DoneAnswer)
def post_box_key(request: HttpRequest, body: bodies.BoxKeyRequest) -> bodies.DoneAnswer:
    """Publish this device's weekly key."""
    device = _device(request)
    limiter.take(BOX_KEYS_MADE, device.id.bytes)
    box_keys.publish_box_key(device=device, statement=body.statement)
    return DONE


@router.get("cases", response=bodies.CasesAnswer)
def get_cases(request: HttpRequest) -> bodies.CasesAnswer:
    """Open cases: one's own, or for counselors all."""
    device = _device(request)
    return bodies.CasesAnswer(cases=answers.open_cases(device, counselor=access.is_counselor(device)))


@router.post("cases", response=bodies.CaseAnswer)
def post_case(request: HttpRequest, body: bodies.CaseRaiseRequest) -> bodies.CaseAnswer:
    """Ask for a counselor."""
    device = _device(request)
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
    return answers.answer_of(access.case_seen_by(_device(request), case))


@router.post("cases/{case}/withdraw", response=bodies.CaseAnswer)
def post_withdraw_case(request: HttpRequest, case: HexId) -> bodies.CaseAnswer:
    """Take it back."""
    return answers.answer_of(withdraw_case(device=_device(request), case_id=case))


@router.post("cases/{case}/acknowledge", response=bodies.CaseAnswer)
def post_acknowledge(request: HttpRequest, case: HexId) -> bodies.CaseAnswer:
    """Take the case."""
    return answers.answer_of(acknowledge.acknowledge(device=_device(request), case_id=case))


@router.get("cases/{case}/sealed", response=bodies.CaseSealedAnswer)
def get_sealed(request: HttpRequest, case: HexId) -> bodies.CaseSealedAnswer:
    """What was released, for the holder alone."""
    device = _device(request)
    found = access.case_held_by(device, case)
    if found.sealed is None:
        raise not_found()
    return answers.sealed_of(found, device)


@router.post("cases/{case}/talk", response=bodies.CaseAnswer)
def post_talk(request: HttpRequest, case: HexId) -> bodies.CaseAnswer:
    """The private room is open, or the talk goes on."""
    return answers.answer_of(acknowledge.begin_talk(device=_device(request), case_id=case))


@router.post("cases/{case}/offer", response=bodies.CaseAnswer)
def post_offer(request: HttpRequest, case: HexId, body: bodies.CaseOfferRequest) -> bodies.CaseAnswer:
    """Ask another counselor to take over."""
    to = UUID(bytes=body.account_id)
    return answers.answer_of(acknowledge.offer_case(device=_device(request), case_id=case, to=to))


@router.post("cases/{case}/release", response=bodies.CaseAnswer)
def post_release(request: HttpRequest, case: HexId) -> bodies.CaseAnswer:
    """Give it back: others are paged."""
    return answers.answer_of(acknowledge.release_case(device=_device(request), case_id=case))


@router.post("cases/{case}/close", response=bodies.CaseAnswer)
def post_close(request: HttpRequest, case: HexId, body: bodies.CaseCloseRequest) -> bodies.CaseAnswer:
    """End it with an outcome."""
    outcome = Outcome(body.outcome)
    return answers.answer_of(acknowledge.close_case(device=_device(request), case_id=case, outcome=outcome))
