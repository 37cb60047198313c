"""The calls about escalations as browsers make them: from a tap to the end, and asking for what is not one's own."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from moderation.escalation.models import Case
from peerchat import sodium
from peerchat.protocol import http_bodies as bodies
from peerchat.protocol import limits
from tests.support.calls import Caller, answer, refused
from tests.support.cases import WORDS, Counselor, counselor, raise_request
from tests.support.people import Person, Village
from tests.support.time import HandClock


@pytest.fixture
def ada(village: Village) -> Counselor:
    return counselor(village, "Ada")


@pytest.fixture
def survivor(village: Village) -> Person:
    return village.join("Sam")


def test_from_a_tap_to_the_end_over_http_alone(
    village: Village, survivor: Person, ada: Counselor, clock: HandClock
) -> None:
    sam, desk = Caller(survivor), Caller(ada.person)
    renewed = Counselor(ada.person)
    clock.forward(seconds=1)
    request = bodies.BoxKeyRequest(statement=renewed.statement())
    assert answer(desk.post("device/box-key", request)) == {"done": True}
    (key,) = bodies.BoxKeysAnswer.model_validate(answer(sam.get("box-keys"))).keys
    assert key.statement == request.statement
    wish = raise_request([renewed])
    raised = bodies.CaseAnswer.model_validate(answer(sam.post("cases", wish)))
    assert (raised.status, raised.recipients, raised.holder) == ("paging", 1, None)
    # No keeper runs in this test, and the answer does not pretend that one does.
    assert raised.delayed
    path = f"cases/{wish.case_id.hex()}"
    (open_case,) = answer(desk.get("cases"))["cases"]
    assert open_case["status"] == "paging"
    assert refused(desk.get(f"{path}/sealed")) == (409, "case.taken")
    assert answer(desk.post(f"{path}/acknowledge"))["status"] == "acknowledged"
    seen = bodies.CaseAnswer.model_validate(answer(sam.get(path)))
    assert (seen.status, seen.holder) == ("acknowledged", ada.id.bytes)
    released = bodies.CaseSealedAnswer.model_validate(answer(desk.get(f"{path}/sealed")))
    content_key = sodium.open_sealed(private_key=renewed.private, sealed=released.boxes[0].sealed)
    assert sodium.unwrap(key=content_key, wrapped=released.sealed, associated=b"case") == WORDS.encode()
    assert answer(desk.post(f"{path}/talk"))["status"] == "talking"
    assert answer(desk.post(f"{path}/close", {"outcome": "talked"}))["outcome"] == "talked"
    assert refused(sam.post(f"{path}/withdraw")) == (409, "case.over")
    assert answer(sam.get("cases")) == {"cases": []}
    items = bodies.DeviceItemsAnswer.model_validate(answer(sam.get("device/items?after=0"))).items
    assert [item.case_id for item in items if item.kind == "case"] == [wish.case_id] * 4


def calls(case_id: bytes) -> dict[str, Any]:
    path = f"cases/{case_id.hex()}"
    return {
        path: None,
        f"{path}/sealed": None,
        f"{path}/withdraw": {},
        f"{path}/acknowledge": {},
        f"{path}/talk": {},
        f"{path}/release": {},
        f"{path}/offer": {"account_id": "AAAAAAAAAAAAAAAAAAAAAA=="},
        f"{path}/close": {"outcome": "talked"},
    }


def test_someone_elses_case_and_no_case_answer_byte_for_byte_alike(
    village: Village, survivor: Person, ada: Counselor
) -> None:
    wish = raise_request([ada])
    Caller(survivor).post("cases", wish)
    stranger = Caller(village.join("Stranger"))
    answers = set()
    for case_id in (wish.case_id, uuid4().bytes):
        for path, body in calls(case_id).items():
            response = stranger.get(path) if body is None else stranger.post(path, body)
            answers.add((response.status_code, bytes(response.content)))
    assert len(answers) == 1, answers
    assert next(iter(answers))[0] == 404


def test_without_a_session_every_call_says_to_sign_in(village: Village, ada: Counselor) -> None:
    nobody, wish = Caller(), raise_request([ada])
    for path, body in calls(wish.case_id).items():
        response = nobody.get(path) if body is None else nobody.post(path, body)
        assert refused(response) == (401, "session.signed_out"), path
    assert refused(nobody.post("cases", wish)) == (401, "session.signed_out")
    assert refused(nobody.get("box-keys")) == (401, "session.signed_out")


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"sealed": ""},
        {"sealed": "A" * (4 * (limits.CASE_SEALED_MAX_BYTES // 3 + 2))},
        {"sealed": None},
        {"drill": True},
        {"case_id": "AA=="},
        {"boxes": None},
        {"drill": 1},
    ],
)
def test_a_call_for_help_of_the_wrong_shape_is_stored_nowhere(
    survivor: Person, ada: Counselor, change: dict[str, Any]
) -> None:
    body = raise_request([ada]).model_dump(mode="json") | change
    assert refused(Caller(survivor).post("cases", body)) == (400, "request.malformed")
    assert Case.objects.count() == 0


def test_an_outcome_that_only_the_clock_may_give_is_malformed(survivor: Person, ada: Counselor) -> None:
    wish = raise_request([ada])
    Caller(survivor).post("cases", wish)
    desk = Caller(ada.person)
    desk.post(f"cases/{wish.case_id.hex()}/acknowledge")
    response = desk.post(f"cases/{wish.case_id.hex()}/close", {"outcome": "lapsed"})
    assert refused(response) == (400, "request.malformed")
