"""A case in the database: raised once, paged, taken by one, handed over, withdrawn, erased; and what is kept of it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from moderation.escalation import access, acknowledge, answers, box_keys, case_rows, claim_due, raise_case
from moderation.escalation.models import Case, CaseBox, CaseEntry, Page
from moderation.escalation.terms import DAY_MS, DEFAULT, Outcome
from moderation.escalation.withdraw import withdraw_case
from peerchat import sodium
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.signed import InviteRole, Role
from rooms import device_events
from tests.support.cases import (
    WORDS,
    Counselor,
    add_contact,
    ask,
    counselor,
    notes,
    raise_request,
    waiting_pages,
)
from tests.support.people import Person, Village
from tests.support.time import HandClock


def refusal(call: object, **arguments: object) -> ErrorCode:
    with pytest.raises(PeerChatError) as refused:
        call(**arguments)  # type: ignore[operator]  # a service
    return refused.value.code


def heard(person: Person) -> int:
    return sum(item.kind == "case" for item in device_events.events_after(person.device_id, 0).items)


def reread(case: Case) -> Case:
    return Case.objects.get(id=case.id)


# --- raising --------------------------------------------------------------------------------------------


def test_a_call_for_help_is_stored_logged_paged_and_heard_of_in_one_go(
    survivor: Person, ada: Counselor, bea: Counselor
) -> None:
    case = ask(survivor, raise_request([ada, bea]))
    assert (reread(case).status, waiting_pages(case)) == ("paging", {ada.id, bea.id})
    assert notes(case) == ["raised", "tier-empty", "paged"]
    assert heard(survivor) == 1
    assert answers.answer_of(case).recipients == 2


def test_the_same_request_again_changes_nothing(survivor: Person, ada: Counselor) -> None:
    request = raise_request([ada])
    first = ask(survivor, request)
    acknowledge.acknowledge(device=ada.person.device, case_id=first.id)
    again = ask(survivor, request)
    assert (again.id, again.status) == (first.id, "acknowledged")
    assert Case.objects.count() == 1
    assert CaseEntry.objects.filter(note="raised").count() == 1


def test_asking_again_adds_those_who_can_read_it_by_now(
    survivor: Person, village: Village, ada: Counselor
) -> None:
    request = raise_request([ada])
    case = ask(survivor, request)
    cleo = counselor(village, "Cleo")
    more = raise_request([cleo])
    ask(survivor, request.model_copy(update={"boxes": more.boxes}))
    assert answers.answer_of(case).recipients == 2


def test_an_id_is_not_used_twice_for_different_things(
    survivor: Person, village: Village, ada: Counselor
) -> None:
    request = raise_request([ada])
    ask(survivor, request)
    other = request.model_copy(update={"sealed": b"something else"})
    with pytest.raises(PeerChatError) as refused:
        ask(survivor, other)
    assert refused.value.code is ErrorCode.CONFLICT
    with pytest.raises(PeerChatError) as refused:
        ask(village.join("Other"), request)
    assert refused.value.code is ErrorCode.CONFLICT


def test_one_person_has_one_open_case_and_may_ask_again_after_it(survivor: Person, ada: Counselor) -> None:
    case = ask(survivor, raise_request([ada]))
    with pytest.raises(PeerChatError) as refused:
        ask(survivor, raise_request([ada]))
    assert refused.value.code is ErrorCode.CONFLICT
    withdraw_case(device=survivor.device, case_id=case.id)
    assert ask(survivor, raise_request([ada])).status == "paging"


def test_a_case_that_nobody_could_read_is_not_taken_as_if_it_were(survivor: Person, village: Village) -> None:
    stranger = Counselor(village.join("Nobody"))
    for recipients in ([], [stranger]):
        with pytest.raises(PeerChatError) as refused:
            ask(survivor, raise_request(recipients))
        assert refused.value.code is ErrorCode.NO_RECIPIENT
    assert Case.objects.count() == 0


def test_a_rota_that_cannot_be_read_stops_no_call_for_help(
    survivor: Person, ada: Counselor, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(now: int) -> object:
        # A real error of the database: on PostgreSQL it would end the transaction around it.
        return Case.objects.raw("SELECT * FROM no_such_table")[0]

    with monkeypatch.context() as patched:
        patched.setattr(raise_case, "ladder_at", broken)
        case = ask(survivor, raise_request([ada]))
    assert reread(case).status == "raised"
    assert claim_due.step_due(clock.ms) == 1
    assert (reread(case).status, waiting_pages(case)) == ("paging", {ada.id})


def test_with_no_counselor_to_page_the_truth_is_known_at_once(survivor: Person, village: Village) -> None:
    quiet = counselor(village, "Quiet", contact=None)
    case = ask(survivor, raise_request([quiet]))
    assert (case.status, notes(case)) == ("unanswered", ["raised", "tier-empty", "tier-empty", "nobody"])


def test_an_unverified_contact_is_never_paged(survivor: Person, village: Village, ada: Counselor) -> None:
    add_contact(ada, "http://127.0.0.1:9/other", verified=False)
    case = ask(survivor, raise_request([ada]))
    assert Page.objects.filter(case=case).count() == 1


def test_a_drill_holds_nothing_and_is_not_for_members(survivor: Person, ada: Counselor) -> None:
    ask_drill: dict[str, Any] = {"case_id": uuid4(), "sealed": None, "boxes": [], "drill": True}
    assert refusal(raise_case.raise_case, device=survivor.device, **ask_drill) is ErrorCode.NOT_ALLOWED
    case = raise_case.raise_case(device=ada.person.device, case_id=uuid4(), sealed=None, boxes=[], drill=True)
    assert (case.status, case.drill, waiting_pages(case)) == ("paging", True, {ada.id})


# --- people ---------------------------------------------------------------------------------------------


def test_of_two_counselors_one_takes_it_and_the_other_is_told(
    survivor: Person, ada: Counselor, bea: Counselor
) -> None:
    case = ask(survivor, raise_request([ada, bea]))
    acknowledge.acknowledge(device=ada.person.device, case_id=case.id)
    assert refusal(acknowledge.acknowledge, device=bea.person.device, case_id=case.id) is ErrorCode.CASE_TAKEN
    assert waiting_pages(case) == set()
    seen = answers.answer_of(reread(case))
    assert (seen.status, seen.holder) == ("acknowledged", ada.id.bytes)
    assert heard(survivor) == 2
    assert heard(ada.person) == 1


def test_only_the_holder_reads_what_was_released(survivor: Person, ada: Counselor, bea: Counselor) -> None:
    case = ask(survivor, raise_request([ada, bea]))
    for who in (ada, bea):
        assert refusal(access.case_held_by, device=who.person.device, case_id=case.id) is ErrorCode.CASE_TAKEN
    acknowledge.acknowledge(device=ada.person.device, case_id=case.id)
    released = answers.sealed_of(access.case_held_by(ada.person.device, case.id), ada.person.device)
    (box,) = released.boxes
    content_key = sodium.open_sealed(private_key=ada.private, sealed=box.sealed)
    assert sodium.unwrap(key=content_key, wrapped=released.sealed, associated=b"case") == WORDS.encode()
    assert refusal(access.case_held_by, device=bea.person.device, case_id=case.id) is ErrorCode.CASE_TAKEN
    assert refusal(access.case_held_by, device=survivor.device, case_id=case.id) is ErrorCode.NOT_FOUND


def test_a_hand_over_by_name_is_taken_or_stays(survivor: Person, ada: Counselor, bea: Counselor) -> None:
    case = ask(survivor, raise_request([ada, bea]))
    acknowledge.acknowledge(device=ada.person.device, case_id=case.id)
    acknowledge.offer_case(device=ada.person.device, case_id=case.id, to=bea.id)
    assert (reread(case).holder_id, waiting_pages(case)) == (ada.id, {bea.id})
    acknowledge.acknowledge(device=bea.person.device, case_id=case.id)
    assert (reread(case).holder_id, waiting_pages(case)) == (bea.id, set())
    assert refusal(access.case_held_by, device=ada.person.device, case_id=case.id) is ErrorCode.CASE_TAKEN
    assert (
        refusal(acknowledge.offer_case, device=bea.person.device, case_id=case.id, to=survivor.account_id)
        is ErrorCode.NOT_FOUND
    )


def test_who_may_not_be_a_counselor_any_more_loses_the_case_to_others(
    survivor: Person, village: Village, ada: Counselor, bea: Counselor, clock: HandClock
) -> None:
    case = ask(survivor, raise_request([ada, bea]))
    acknowledge.acknowledge(device=ada.person.device, case_id=case.id)
    village.revoke(ada.person, Role.COUNSELOR)
    claim_due.step_due(clock.ms)
    assert (reread(case).status, waiting_pages(case)) == ("paging", {bea.id})
    assert "released" in notes(case)


def test_withdrawing_ends_it_at_once_and_erases_what_was_released(survivor: Person, ada: Counselor) -> None:
    case = ask(survivor, raise_request([ada]))
    acknowledge.acknowledge(device=ada.person.device, case_id=case.id)
    for _ in range(2):
        assert withdraw_case(device=survivor.device, case_id=case.id).status == "withdrawn"
    assert (reread(case).sealed, CaseBox.objects.count(), waiting_pages(case)) == (None, 0, set())
    assert heard(ada.person) == 2
    assert refusal(acknowledge.acknowledge, device=ada.person.device, case_id=case.id) is ErrorCode.CASE_OVER


def test_a_member_can_do_nothing_that_a_counselor_can(
    survivor: Person, village: Village, ada: Counselor
) -> None:
    case = ask(survivor, raise_request([ada]))
    other, leader = village.join("Other"), village.join("Lee", role=InviteRole.LEADER)
    for person in (survivor, other, leader):
        for act in (acknowledge.acknowledge, acknowledge.begin_talk, acknowledge.release_case):
            assert refusal(act, device=person.device, case_id=case.id) is ErrorCode.NOT_FOUND
    for person in (other, leader, ada.person):
        assert refusal(withdraw_case, device=person.device, case_id=case.id) is ErrorCode.NOT_FOUND
    assert refusal(access.case_seen_by, device=other.device, case_id=case.id) is ErrorCode.NOT_FOUND


# --- the clock ------------------------------------------------------------------------------------------


def test_a_case_that_nobody_takes_becomes_unanswered_and_is_taken_after_all(
    survivor: Person, ada: Counselor, clock: HandClock
) -> None:
    case = ask(survivor, raise_request([ada]))
    for _ in range(4):
        clock.forward(seconds=30)
        assert claim_due.step_due(clock.ms) == 1
    assert reread(case).status == "unanswered"
    assert Page.objects.get(case=case).round == 4
    assert claim_due.step_due(clock.ms) == 0
    taken = acknowledge.acknowledge(device=ada.person.device, case_id=case.id)
    assert taken.status == "acknowledged"


def test_one_case_that_breaks_does_not_stop_the_others(
    village: Village, ada: Counselor, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [ask(village.join(f"P{number}"), raise_request([ada])) for number in range(3)]
    real = case_rows.step_case

    def breaking(case: Case, event: object, now: int) -> Case:
        if case.id == cases[1].id:
            raise RuntimeError("broken")
        return real(case, event, now)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(claim_due, "step_case", breaking)
    clock.forward(minutes=2)
    assert claim_due.step_due(clock.ms) == 2


def test_a_week_after_the_end_nothing_is_left_that_tells_who_it_was(
    survivor: Person, ada: Counselor, clock: HandClock
) -> None:
    case = ask(survivor, raise_request([ada]))
    acknowledge.acknowledge(device=ada.person.device, case_id=case.id)
    acknowledge.begin_talk(device=ada.person.device, case_id=case.id)
    acknowledge.close_case(device=ada.person.device, case_id=case.id, outcome=Outcome.TALKED)
    clock.forward(days=6, hours=23)
    assert claim_due.erase_over(clock.ms) == 0
    clock.forward(hours=2)
    assert claim_due.erase_over(clock.ms) == 1
    kept = reread(case)
    assert (kept.sealed, kept.raiser_id, kept.outcome) == (None, None, "talked")
    assert CaseBox.objects.count() == 0
    assert claim_due.erase_over(clock.ms) == 0


def test_what_the_server_holds_of_a_case_has_no_word_of_it(survivor: Person, ada: Counselor) -> None:
    case = ask(survivor, raise_request([ada]))
    rows = [Case, CaseBox, CaseEntry, Page]
    held = b"".join(repr(list(model.objects.values_list())).encode() for model in rows)  # type: ignore[attr-defined]  # models
    held += bytes(reread(case).sealed or b"")
    for word in (*WORDS.split(), "Sam", "127.0.0.1"):
        assert len(word) < 5 or word.encode() not in held


# --- the database's own promises ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"status": "lost"},
        {"deadline_ms": None},
        {"status": "acknowledged"},
        {"outcome": "talked"},
        {"status": "closed", "deadline_ms": None, "ended_ms": 1},
        {"status": "withdrawn", "deadline_ms": None},
        {"status": "withdrawn"},
        {"sealed": None},
    ],
)
def test_the_database_refuses_a_case_that_breaks_a_promise(
    survivor: Person, ada: Counselor, change: dict[str, object]
) -> None:
    case = ask(survivor, raise_request([ada]))
    with pytest.raises(IntegrityError), transaction.atomic():
        Case.objects.filter(id=case.id).update(**change)


def test_a_paged_case_cannot_name_a_holder(survivor: Person, ada: Counselor) -> None:
    case = ask(survivor, raise_request([ada]))
    for field in ("holder_id", "offered_to_id"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Case.objects.filter(id=case.id).update(**{field: ada.id})


# --- box keys --------------------------------------------------------------------------------------------


def test_a_box_key_is_served_with_its_statement_while_it_counts(ada: Counselor, clock: HandClock) -> None:
    (row,) = box_keys.served_keys(clock.ms)
    assert (row.account_id, row.statement) == (ada.id.bytes, ada.statement())
    ada.publish()
    newer = Counselor(ada.person)
    clock.forward(days=7)
    newer.publish()
    assert [bytes(key.key) for key in box_keys.keys_of_counselors(clock.ms)] == [newer.key]
    clock.forward(days=8)
    assert box_keys.served_keys(clock.ms) == []


def test_a_leaders_box_key_is_taken_and_not_used_for_cases(village: Village, clock: HandClock) -> None:
    leader = Counselor(village.join("Lee", role=InviteRole.LEADER))
    leader.publish()
    assert box_keys.served_keys(clock.ms) == []


def test_a_box_key_that_is_not_as_it_should_be_is_not_kept(
    village: Village, ada: Counselor, survivor: Person, clock: HandClock
) -> None:
    fresh = Counselor(ada.person)
    good = fresh.statement()
    wrong = good.model_copy(update={"signature": bytes(64)})
    device = ada.person.device
    old = fresh.statement(at=clock.ms - DAY_MS, ends_at=clock.ms)
    head = ada.statement().model_copy()
    cases = [
        (device, wrong, ErrorCode.BAD_SIGNATURE),
        (survivor.device, good, ErrorCode.NO_POWER),
        (survivor.device, Counselor(survivor).statement(), ErrorCode.NO_POWER),
        (device, old, ErrorCode.WRONG_CLOCK),
        (device, fresh.statement(ends_at=clock.ms), ErrorCode.BAD_ENTRY),
        (device, fresh.statement(ends_at=clock.ms + 30 * DAY_MS), ErrorCode.BAD_ENTRY),
        (device, fresh.statement(community_head={"index": 99, "hash": bytes(32)}), ErrorCode.STALE_HEAD),
        (device, good, ErrorCode.STALE_HEAD),
    ]
    for who, statement, code in cases:
        assert refusal(box_keys.publish_box_key, device=who, statement=statement) is code
    assert [row.statement for row in box_keys.served_keys(clock.ms)] == [head]


def test_a_box_key_made_before_the_device_saw_the_newest_log_again_is_refused(
    village: Village, ada: Counselor, clock: HandClock
) -> None:
    from peerchat.accounts import community

    before = community.head()
    village.join("Bea", role=InviteRole.COUNSELOR)
    clock.forward(seconds=1)
    Counselor(ada.person).publish()
    clock.forward(seconds=1)
    late = Counselor(ada.person).statement(community_head=before)
    assert refusal(box_keys.publish_box_key, device=ada.person.device, statement=late) is ErrorCode.STALE_HEAD


def test_keys_of_the_revoked_are_not_served_and_old_ones_go_once_nothing_needs_them(
    village: Village, ada: Counselor, survivor: Person, clock: HandClock
) -> None:
    case = ask(survivor, raise_request([ada]))
    village.revoke(ada.person, Role.COUNSELOR)
    assert box_keys.served_keys(clock.ms) == []
    clock.forward(days=20)
    assert box_keys.forget_ended(clock.ms) == 0
    withdraw_case(device=survivor.device, case_id=case.id)
    assert box_keys.forget_ended(clock.ms) == 1
    assert DEFAULT.kept_ms == 7 * DAY_MS
