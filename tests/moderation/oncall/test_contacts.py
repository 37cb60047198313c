"""A contact counts once its code came back; it is its owner's alone, and never leads inside our network."""

from __future__ import annotations

import json

import pytest

from moderation.oncall import contacts
from moderation.oncall.coverage import coverage_at
from moderation.oncall.ladder import ladder_at
from moderation.oncall.models import Contact
from peerchat.config import Config
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol import http_bodies as bodies
from tests.support.calls import Caller, answer, refused
from tests.support.cases import Counselor, add_contact
from tests.support.people import Person, Village
from tests.support.sinks import MailSink, WebSink
from tests.support.time import HandClock


def code_in(web: WebSink) -> str:
    code: str = json.loads(web.got[-1].body)["data"]["code"]
    return code


def test_a_contact_is_given_proved_and_forgotten_over_http(
    ada: Counselor, web: WebSink, config: Config, clock: HandClock
) -> None:
    desk = Caller(ada.person)
    wish = {"kind": "webhook", "target": web.url, "token": None}
    given = bodies.ContactAnswer.model_validate(answer(desk.post("contacts", wish)))
    assert (given.verified, len(given.secret or b"")) == (False, 32)
    assert ladder_at(clock.ms)[-1] == ()
    assert answer(desk.get("on-call"))["reachable"] == 0
    confirm = {"contact": given.contact, "code": code_in(web)}
    assert answer(desk.post("contacts/confirm", confirm)) == {"done": True}
    assert ladder_at(clock.ms)[-1] == (given.contact,)
    seen = answer(desk.get("on-call"))
    assert (seen["reachable"], len(seen["gaps"]), seen["delayed"]) == (1, 1, True)
    desk.post("duty", {"on": False})
    assert ladder_at(clock.ms)[-1] == ()
    assert not answer(desk.get("contacts"))["on_duty"]
    desk.post("duty", {"on": True})
    assert answer(desk.get("contacts"))["contacts"][0]["verified"]
    desk.post("contacts/remove", {"contact": given.contact})
    assert answer(desk.get("contacts")) == {"contacts": [], "on_duty": True}


def test_a_code_is_good_for_five_tries_and_a_quarter_of_an_hour(
    ada: Counselor, web: WebSink, config: Config, clock: HandClock
) -> None:
    def code_refused(code: str) -> bool:
        try:
            contacts.confirm_contact(device=ada.person.device, contact_id=contact.id, code=code)
        except PeerChatError as error:
            return error.code is ErrorCode.CONTACT_CODE_WRONG
        return False

    def give() -> Contact:
        return contacts.add_contact(device=ada.person.device, kind="webhook", target=web.url, token=None)

    contact = give()
    right = code_in(web)
    wrong = f"{(int(right) + 1) % 10**8:08}"
    assert all(code_refused(wrong) for _ in range(5))
    assert code_refused(right)
    assert give().id == contact.id
    clock.forward(minutes=15)
    assert code_refused(code_in(web))
    give()
    assert not code_refused(code_in(web))


def test_a_code_comes_by_mail_too(ada: Counselor, mail: MailSink, config: Config) -> None:
    contacts.add_contact(device=ada.person.device, kind="email", target="ada@example.org", token=None)
    assert b"Your code is " in mail.got[0][1]


def test_who_does_not_receive_the_code_is_told_so(ada: Counselor, web: WebSink, config: Config) -> None:
    web.status = 500
    wish = {"kind": "ntfy", "target": web.url, "token": None}
    assert refused(Caller(ada.person).post("contacts", wish)) == (502, "contact.unreached")


@pytest.mark.parametrize(
    ("kind", "target", "token"),
    [
        ("webhook", "http://example.org/", None),
        ("webhook", "https://user@example.org/", None),
        ("ntfy", "file:///etc/passwd", None),
        ("email", "ada@example.org", None),
        ("pagerduty", "", None),
        ("goalert", "https://example.org", None),
        ("webhook", "https://example.org/", "token"),
    ],
)
def test_a_contact_where_no_page_may_go_is_refused_without_a_look(
    ada: Counselor, kind: str, target: str, token: str | None
) -> None:
    wish = {"kind": kind, "target": target, "token": token}
    assert refused(Caller(ada.person).post("contacts", wish)) == (400, "contact.refused")
    assert Contact.objects.count() == 0


@pytest.mark.parametrize(
    "target", ["a@b", "a b@example.org", "a@example.org\nBcc: b@example.org", "<a@example.org>"]
)
def test_an_e_mail_address_cannot_hold_more_than_one(ada: Counselor, config: Config, target: str) -> None:
    with pytest.raises(PeerChatError) as error:
        contacts.add_contact(device=ada.person.device, kind="email", target=target, token=None)
    assert error.value.code is ErrorCode.CONTACT_REFUSED


def test_a_contact_is_its_owners_alone(
    ada: Counselor, bea: Counselor, survivor: Person, config: Config, village: Village
) -> None:
    kept = add_contact(ada, "https://example.org/", verified=False)
    stranger = Caller(bea.person)
    assert refused(stranger.post("contacts/confirm", {"contact": kept.id, "code": "12345678"}))[0] == 404
    stranger.post("contacts/remove", {"contact": kept.id})
    assert Contact.objects.filter(id=kept.id).exists()
    assert answer(stranger.get("contacts"))["contacts"] == []
    member = Caller(survivor)
    wish = {"kind": "ntfy", "target": "https://example.org/", "token": None}
    assert refused(member.post("contacts", wish)) == (403, "session.not_allowed")
    assert refused(member.get("on-call"))[0] == 404


def test_there_are_not_more_than_five(ada: Counselor, config: Config, web: WebSink) -> None:
    for number in range(contacts.CONTACTS_MAX):
        add_contact(ada, f"{web.url}/{number}")
    with pytest.raises(PeerChatError) as error:
        contacts.add_contact(device=ada.person.device, kind="ntfy", target=f"{web.url}/x", token=None)
    assert error.value.code is ErrorCode.CONFLICT


def test_without_a_rota_the_whole_week_is_a_gap(village: Village, clock: HandClock) -> None:
    coverage = coverage_at(clock.ms)
    assert (coverage.reachable, [gap.tier for gap in coverage.gaps]) == (0, [0])
