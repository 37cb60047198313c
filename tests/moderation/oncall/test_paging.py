"""Pages really go out: signed, without content, again until someone answers; and no receiver can stop the others."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPException

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from moderation.escalation import acknowledge, claim_due
from moderation.escalation.models import Case, Page
from moderation.oncall import senders, targets
from moderation.oncall.models import Contact
from moderation.oncall.paging import LEASE_MS, PLACE_MAX, TRIES, Pager
from moderation.oncall.senders import Outgoing
from moderation.oncall.targets import TargetRefused
from peerchat.config import Config
from tests.support.cases import WORDS, Counselor, add_contact, ask, notes, raise_request
from tests.support.people import Person, Village
from tests.support.sinks import MailSink, WebSink
from tests.support.time import HandClock


@pytest.fixture
def pager(config: Config) -> Iterator[Pager]:
    made = Pager(turn_seconds=0)
    yield made
    made.close()


def settle(pager: Pager, clock: HandClock) -> int:
    """One turn of the keeper, and what came of it written down."""
    begun = pager.work(clock.ms)
    wait_for(lambda: not pager._busy.total())
    pager.write_down(clock.ms)
    return begun


def wait_for(met: Callable[[], bool]) -> None:
    """Wait on other threads, without a clock: each look yields to them."""
    tries = threading.Event()
    for _ in range(2000):
        if met():
            return
        tries.wait(0.005)
    pytest.fail("it never came")


# --- what goes out -----------------------------------------------------------------------------------------


def test_a_webhook_is_signed_as_the_standard_says_and_holds_the_id_alone(
    survivor: Person, ada: Counselor, web: WebSink, pager: Pager, clock: HandClock
) -> None:
    contact = add_contact(ada, f"{web.url}/page?token=1")
    case = ask(survivor, raise_request([ada]))
    assert settle(pager, clock) == 1
    (got,) = web.got
    verifier = Webhook(base64.b64encode(bytes(contact.secret or b"")).decode())
    # It looks at the signed time too, which is the test's clock: it starts at the real one.
    assert verifier.verify(got.body, got.headers) == {
        "type": "case.page",
        "data": {"case": case.id.hex, "drill": False},
    }
    with pytest.raises(WebhookVerificationError):
        verifier.verify(got.body.replace(b"page", b"paqe"), got.headers)
    for word in (*WORDS.split(), "Sam", "Ada", survivor.account_id.hex):
        assert len(word) < 4 or word not in repr(got).replace(case.id.hex, "")
    assert Page.objects.get().state == "sent"


def test_an_e_mail_holds_a_short_name_and_the_way_to_sign_in(
    survivor: Person, ada: Counselor, mail: MailSink, pager: Pager, clock: HandClock
) -> None:
    add_contact(ada, "ada@example.org", kind="email")
    case = ask(survivor, raise_request([ada]))
    settle(pager, clock)
    ((recipients, content),) = mail.got
    text = content.decode()
    assert recipients == ["ada@example.org"]
    assert f"Subject: Case {case.id.hex[:4].upper()} needs attention" in text
    assert "http://127.0.0.1:8000/app" in text
    assert socket.gethostname() not in text


@pytest.mark.parametrize("kind", ["ntfy", "pagerduty", "goalert"])
def test_other_pagers_are_told_in_their_own_shapes(
    kind: str, ada: Counselor, web: WebSink, config: Config
) -> None:
    page = Outgoing(kind, f"{web.url}/there", b"a token", "id.1.1", "7k" * 16, 0)
    assert senders.send(page, config)
    (got,) = web.got
    if kind == "ntfy":
        assert (got.path, got.body) == ("/there", b"Case 7K7K needs attention")
    elif kind == "goalert":
        assert got.path == "/there/api/v2/generic/incoming?token=a%20token"
        assert json.loads(got.body) == {"summary": "Case 7K7K needs attention", "dedup": "7k" * 16}
    else:
        told = json.loads(got.body)
        assert (told["routing_key"], told["event_action"], told["dedup_key"]) == (
            "a token",
            "trigger",
            "7k" * 16,
        )
        assert set(told["payload"]) == {"summary", "source", "severity"}


# --- what fails --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 404, 301, 307])
def test_a_page_that_fails_is_tried_again_and_the_ladder_goes_on_at_once(
    survivor: Person, ada: Counselor, web: WebSink, pager: Pager, clock: HandClock, status: int
) -> None:
    add_contact(ada, web.url)
    web.status = status
    case = ask(survivor, raise_request([ada]))
    settle(pager, clock)
    assert Case.objects.get().status == "unanswered"
    assert notes(case)[-3:] == ["page-failed", "tier-unreachable", "nobody"]
    for _ in range(TRIES - 1):
        clock.forward(seconds=16)
        settle(pager, clock)
    assert (len(web.got), Page.objects.get().state) == (TRIES, "failed")
    assert {got.headers["webhook-id"] for got in web.got} == {f"{case.id.hex}.{Contact.objects.get().id}.1"}
    assert {got.path for got in web.got} == {"/"}
    web.status = 204
    clock.forward(minutes=10)
    claim_due.step_due(clock.ms)
    settle(pager, clock)
    assert Page.objects.get().state == "sent"


def test_a_receiver_that_hangs_holds_few_threads_and_nobody_elses_page(
    village: Village,
    ada: Counselor,
    bea: Counselor,
    web: WebSink,
    pager: Pager,
    clock: HandClock,
    mail: MailSink,
) -> None:
    web.hold = threading.Event()
    add_contact(ada, web.url)
    add_contact(bea, "bea@example.org", kind="email")
    for number in range(PLACE_MAX + 2):
        ask(village.join(f"P{number}"), raise_request([ada, bea]))
    for turn in range(4):
        clock.forward(seconds=1)
        pager.work(clock.ms)
        wait_for(lambda turn=turn: len(mail.got) >= min(PLACE_MAX * (turn + 1), PLACE_MAX + 2))  # type: ignore[misc]
    assert len(web.got) <= PLACE_MAX
    web.hold.set()


def test_a_burst_to_one_receiver_goes_out_in_one_turn(
    village: Village, ada: Counselor, web: WebSink, config: Config, clock: HandClock
) -> None:
    add_contact(ada, web.url)
    for number in range(3 * PLACE_MAX):
        ask(village.join(f"P{number}"), raise_request([ada]))
    patient = Pager(turn_seconds=10)
    assert patient.work(clock.ms) == 3 * PLACE_MAX
    patient.close()
    assert len(web.got) == 3 * PLACE_MAX


def test_what_was_taken_back_is_not_sent(
    survivor: Person, ada: Counselor, web: WebSink, pager: Pager, clock: HandClock
) -> None:
    add_contact(ada, web.url)
    case = ask(survivor, raise_request([ada]))
    acknowledge.acknowledge(device=ada.person.device, case_id=case.id)
    assert settle(pager, clock) == 0
    assert web.got == []


class Dying(Pager):
    """Sends, and is gone before it wrote down what came of it."""

    def write_down(self, now: int, **more: object) -> None:
        return


# --- crashes -----------------------------------------------------------------------------------------------


def test_a_keeper_that_dies_before_or_after_sending_loses_no_page(
    survivor: Person, ada: Counselor, web: WebSink, pager: Pager, clock: HandClock
) -> None:
    add_contact(ada, web.url)
    ask(survivor, raise_request([ada]))
    died = Dying(turn_seconds=0)
    assert died.work(clock.ms, term=1) == 1
    # It never writes down what came of it. The next keeper does not wait for its lease to run out.
    died.close()
    assert pager.work(clock.ms + 1, term=2) == 1
    wait_for(lambda: len(web.got) == 2)
    assert len({got.headers["webhook-id"] for got in web.got}) == 1


def test_without_another_keeper_a_lost_try_is_due_again_after_its_lease(
    survivor: Person, ada: Counselor, web: WebSink, pager: Pager, clock: HandClock
) -> None:
    add_contact(ada, web.url)
    ask(survivor, raise_request([ada]))

    died = Dying(turn_seconds=0)
    died.work(clock.ms)
    died.close()
    assert pager.work(clock.ms + LEASE_MS - 1) == 0
    assert pager.work(clock.ms + LEASE_MS) == 1


# --- where pages may go ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "2001:0:0:0:0:0:f5ff:fffe",
        "not an address",
    ],
)
def test_an_address_inside_is_not_public_whatever_it_is_wrapped_in(address: str) -> None:
    assert not targets.is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_an_address_of_the_open_internet_is(address: str) -> None:
    assert targets.is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "https://user:word@example.org/",
        "https://example.org/#x",
        "https:///path",
        "https://example.org:x/",
        "https://exa mple.org/",
        "https://example.org/\r\nX: y",
        "",
    ],
)
def test_a_url_that_is_no_plain_https_is_refused(url: str) -> None:
    with pytest.raises(TargetRefused):
        targets.read_target(url, allow_private=False)


def answers(monkeypatch: pytest.MonkeyPatch, *each: list[str]) -> list[int]:
    """Let names resolve to these addresses, one list after the other; return how often was asked."""
    asked: list[int] = []

    def resolve(host: str, port: int, **more: object) -> list[tuple[object, ...]]:
        asked.append(port)
        found = each[min(len(asked), len(each)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_a_name_with_one_address_inside_is_refused_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, ["93.184.215.14", "10.0.0.1"])
    with pytest.raises(TargetRefused):
        targets.resolve(targets.read_target("https://example.org/", allow_private=False), allow_private=False)


def test_a_name_that_answers_otherwise_the_second_time_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, ["93.184.215.14"], ["127.0.0.1"])
    tried: list[object] = []

    def connect(address: object, *more: object, **other: object) -> None:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    target = targets.read_target("https://example.org/", allow_private=False)
    with pytest.raises(ConnectionRefusedError):
        targets.post(target, b"", {}, allow_private=False)
    assert (len(asked), tried) == (1, [("93.184.215.14", 443)])


def test_one_that_drips_is_cut_off(web: WebSink) -> None:
    web.hold = threading.Event()
    target = targets.read_target(web.url, allow_private=True)
    with pytest.raises((OSError, HTTPException)):
        targets.post(target, b"", {}, allow_private=True, seconds=0.2)
