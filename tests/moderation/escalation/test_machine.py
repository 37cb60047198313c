"""The machine's promises, under every order of events: people, failures, rotas that change, clocks that jump."""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from moderation.escalation.machine import begin, is_due, step
from moderation.escalation.terms import (
    BY_HOLDER,
    DEFAULT,
    ENDED,
    HELD,
    MINUTE_MS,
    OPEN,
    SECOND_MS,
    Acknowledge,
    Close,
    Due,
    Effect,
    Event,
    Ladder,
    Note,
    Offer,
    Outcome,
    Page,
    PageFailed,
    PagePerson,
    Record,
    Refused,
    Release,
    Snapshot,
    Status,
    StopPages,
    Talk,
    Tell,
    Withdraw,
)

DOCS = Path(__file__).resolve().parents[3] / "docs" / "escalation.md"
START = 1_800_000_000_000
ADA, BEA, CLEO = (UUID(int=number) for number in (1, 2, 3))
PEOPLE = (ADA, BEA, CLEO)
LADDER: Ladder = ((1,), (2, 3), (1, 2, 3, 4))


def raised(ladder: Ladder = LADDER, now: int = START) -> tuple[Snapshot, tuple[Effect, ...]]:
    """A case as ``raise_case`` leaves it."""
    fresh, first = begin(now)
    case, effects = step(fresh, Due(ladder), now)
    return case, first + effects


def play(case: Snapshot, *events: tuple[Event, int]) -> tuple[Snapshot, list[Effect]]:
    """Step through ``events``, each so many ms after the start."""
    effects: list[Effect] = []
    for event, after_ms in events:
        case, more = step(case, event, START + after_ms)
        effects += more
    return case, effects


def notes(effects: tuple[Effect, ...] | list[Effect]) -> list[Note]:
    return [one.note for one in effects if isinstance(one, Record)]


def pages(effects: tuple[Effect, ...] | list[Effect]) -> list[tuple[int, ...]]:
    return [one.contacts for one in effects if isinstance(one, Page)]


# --- the ladder ------------------------------------------------------------------------------------------


def test_the_first_tier_is_paged_at_once() -> None:
    case, effects = raised()
    assert (case.status, case.tier, pages(effects)) == (Status.PAGING, 0, [(1,)])
    assert notes(effects) == [Note.RAISED, Note.PAGED]


def test_empty_tiers_are_skipped_at_once_and_recorded() -> None:
    case, effects = raised(((), (), (4,)))
    assert (case.status, case.tier, pages(effects)) == (Status.PAGING, 2, [(4,)])
    assert notes(effects) == [Note.RAISED, Note.TIER_EMPTY, Note.TIER_EMPTY, Note.PAGED]


@pytest.mark.parametrize("ladder", [(), ((),), ((), (), ())])
def test_with_nobody_on_call_it_is_unanswered_at_once_and_says_so(ladder: Ladder) -> None:
    case, effects = raised(ladder)
    assert case.status is Status.UNANSWERED
    assert notes(effects)[-1] is Note.NOBODY
    assert Tell() in effects


def test_pages_repeat_until_the_tier_is_over_and_then_the_next_is_paged_as_well() -> None:
    case, _ = raised()
    seen = []
    now = START
    while case.tier == 0:
        assert case.deadline is not None
        now = case.deadline
        case, effects = step(case, Due(LADDER), now)
        seen += pages(effects)
    assert seen == [(1,), (1,), (1,), (2, 3)]
    assert now == START + DEFAULT.tier_ms
    _, effects = step(case, Due(LADDER), now + DEFAULT.repeat_ms)
    assert pages(effects) == [(1, 2, 3)]


def test_a_tier_whose_pages_all_failed_is_left_at_once_and_recorded() -> None:
    case, effects = play(
        raised()[0], (PageFailed(1, LADDER), 400), (PageFailed(2, LADDER), 900), (PageFailed(3, LADDER), 950)
    )
    assert (case.status, case.tier) == (Status.PAGING, 2)
    assert pages(effects) == [(2, 3), (1, 2, 3, 4)]
    assert notes(effects) == [
        Note.PAGE_FAILED,
        Note.TIER_UNREACHABLE,
        Note.PAGED,
        Note.PAGE_FAILED,
        Note.PAGE_FAILED,
        Note.TIER_UNREACHABLE,
        Note.PAGED,
    ]


def test_one_failed_page_of_two_changes_nothing_but_the_record() -> None:
    case, effects = play(raised(((1, 2),))[0], (PageFailed(1, ((1, 2),)), 10))
    assert (case.status, case.tier, effects) == (
        Status.PAGING,
        0,
        [Record(Note.PAGE_FAILED, tier=0, contact=1)],
    )


def test_when_every_page_of_everyone_failed_the_person_is_told_the_truth() -> None:
    case, effects = play(raised(((1,),))[0], (PageFailed(1, ((1,),)), 10))
    assert case.status is Status.UNANSWERED
    assert Tell() in effects


def test_whoever_comes_on_duty_is_paged_within_a_minute_of_an_unanswered_case() -> None:
    case, _ = raised(((),))
    case, effects = step(case, Due(((9,),)), START + MINUTE_MS)
    assert (case.status, pages(effects)) == (Status.UNANSWERED, [(9,)])
    case, effects = step(case, Due(((9,),)), START + 2 * MINUTE_MS)
    assert pages(effects) == []
    case, effects = step(case, Due(((9, 10),)), START + 3 * MINUTE_MS)
    assert pages(effects) == [(10,)]
    _, effects = step(case, Due(((9, 10),)), START + 10 * MINUTE_MS)
    assert pages(effects) == [(9, 10)]


def test_an_unanswered_case_stops_paging_after_a_day_and_can_be_taken_for_a_week() -> None:
    case, _ = raised(((1,),))
    now, paged_last = START, 0
    while case.status is not Status.CLOSED:
        assert case.deadline is not None
        now = case.deadline
        if now < START + DEFAULT.give_up_ms:
            taken, _ = step(case, Acknowledge(ADA), now)
            assert taken.status is Status.ACKNOWLEDGED
        case, effects = step(case, Due(((1,),)), now)
        paged_last = now if pages(effects) else paged_last
    assert paged_last <= START + DEFAULT.try_for_ms
    assert (case.outcome, case.ended_at) == (Outcome.NOBODY_CAME, START + DEFAULT.give_up_ms)


# --- people ----------------------------------------------------------------------------------------------


def test_who_takes_it_ends_the_paging_and_the_survivor_is_told() -> None:
    case, effects = play(raised()[0], (Acknowledge(ADA), 5_000))
    assert (case.status, case.holder, case.help_is_coming) == (Status.ACKNOWLEDGED, ADA, True)
    assert StopPages() in effects
    assert Tell() in effects


def test_only_one_can_take_it_and_the_other_learns_who_did() -> None:
    case, _ = play(raised()[0], (Acknowledge(ADA), 1))
    with pytest.raises(Refused) as refused:
        step(case, Acknowledge(BEA), START + 2)
    assert refused.value.holder == ADA


def test_a_holder_who_opens_no_room_loses_it_and_the_ladder_begins_anew() -> None:
    case, effects = play(raised()[0], (Acknowledge(ADA), 0), (Due(LADDER), DEFAULT.first_word_ms))
    assert (case.status, case.tier, case.holder, pages(effects)) == (Status.PAGING, 0, None, [(1,)])
    assert Tell(person=ADA) in effects
    assert Note.HOLDER_SILENT in notes(effects)


def test_an_offer_leaves_the_case_with_its_holder_until_it_is_accepted() -> None:
    case, effects = play(raised()[0], (Acknowledge(ADA), 0), (Talk(ADA), 1), (Offer(ADA, BEA), 2))
    assert (case.holder, case.offered_to, PagePerson(BEA) in effects) == (ADA, BEA, True)
    with pytest.raises(Refused):
        step(case, Acknowledge(CLEO), START + 3)
    case, effects = play(case, (Acknowledge(BEA), 4))
    assert (case.status, case.holder, case.offered_to) == (Status.ACKNOWLEDGED, BEA, None)
    assert notes(effects) == [Note.HANDED_OVER]
    assert Tell(person=ADA) in effects


def test_a_talk_that_nobody_goes_on_with_is_reminded_of_and_lapses() -> None:
    case, _ = play(raised()[0], (Acknowledge(ADA), 0), (Talk(ADA), 0))
    reminded = 0
    while case.status is Status.TALKING:
        assert case.deadline is not None
        case, effects = step(case, Due(LADDER), case.deadline)
        reminded += PagePerson(ADA) in effects
    assert (reminded, case.outcome) == (6, Outcome.LAPSED)


def test_the_clocks_outcomes_are_not_for_people() -> None:
    case, _ = play(raised()[0], (Acknowledge(ADA), 0))
    for outcome in Outcome:
        if outcome in BY_HOLDER:
            assert step(case, Close(ADA, outcome), START)[0].outcome is outcome
        else:
            with pytest.raises(Refused):
                step(case, Close(ADA, outcome), START)


def test_what_came_true_already_changes_nothing() -> None:
    held, _ = play(raised()[0], (Acknowledge(ADA), 0))
    closed, _ = play(held, (Close(ADA, Outcome.TALKED), 1))
    gone, _ = play(held, (Withdraw(), 1))
    again: list[tuple[Snapshot, Event]] = [
        (held, Acknowledge(ADA)),
        (closed, Close(ADA, Outcome.TALKED)),
        (gone, Withdraw()),
        (held, Due(LADDER)),
        (closed, Due(LADDER)),
    ]
    for case, event in again:
        assert step(case, event, START + 2) == (case, ())


# --- clocks ------------------------------------------------------------------------------------------------


def test_a_clock_that_went_back_delays_nothing() -> None:
    case, _ = raised(now=START + 3_600_000)
    assert not is_due(case, START + 3_600_000 - SECOND_MS)
    assert is_due(case, START)
    case, effects = step(case, Due(LADDER), START)
    assert pages(effects)
    assert case.deadline is not None
    assert case.deadline <= START + DEFAULT.repeat_ms


def test_a_case_from_a_wrong_future_still_grows_old() -> None:
    case, _ = raised(((),), now=START + 10**12)
    case, _ = step(case, Due(((),)), START)
    assert case.raised_at == START


# --- every transition that the docs name, and no other ----------------------------------------------------


def documented() -> set[tuple[str, str]]:
    return set(re.findall(r"^\| `([a-z]+)` \| `([a-z]+)` \|", DOCS.read_text(), flags=re.MULTILINE))


def explored() -> set[tuple[str, str]]:
    """All transitions that any event, ladder and time brings, from a fresh case on."""
    ladders: tuple[Ladder, ...] = (((),), ((1,), (1, 2)))
    events: list[Event] = [Withdraw()]
    for ladder in ladders:
        events += [Due(ladder), PageFailed(1, ladder), PageFailed(2, ladder), Release(ADA, ladder)]
    for by in (ADA, BEA):
        events += [Acknowledge(by), Talk(by), Offer(by, ADA), Offer(by, BEA), Close(by, Outcome.TALKED)]
    found: set[tuple[str, str]] = set()
    seen: set[object] = set()
    queue = deque([(begin(START)[0], START)])
    while queue:
        case, now = queue.popleft()
        for event in events:
            for moment in (now, case.deadline or now):
                try:
                    after, effects = step(case, event, moment)
                except Refused:
                    continue
                changed = any(isinstance(one, Tell) for one in effects)
                if changed and (after.status, after.since) != (case.status, case.since):
                    found.add((case.status.value, after.status.value))
                elif after.status is not case.status:
                    pytest.fail("a status changed and nobody is told")
                elif changed and after.holder != case.holder:
                    found.add((case.status.value, after.status.value))
                # Ages are told apart by the day and up to a week, else every repeat would be a state of its own.
                days = [
                    min(7, (moment - start) // DEFAULT.remind_ms) for start in (after.raised_at, after.since)
                ]
                key = (after.status, after.tier, after.holder, after.offered_to, after.failed, *days)
                if key not in seen:
                    seen.add(key)
                    queue.append((after, moment))
    return found


def test_the_transitions_are_those_of_the_docs_and_no_others() -> None:
    assert explored() == documented()


# --- everything at once -----------------------------------------------------------------------------------

ladders = st.lists(st.lists(st.integers(1, 5), max_size=3, unique=True).map(tuple), max_size=3).map(tuple)
people = st.sampled_from(PEOPLE)


class Escalation(RuleBasedStateMachine):
    """Beside the machine runs a model that knows two things alone: who holds the case, and whether it is over."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.ladder: Ladder = ()
        self.holder: UUID | None = None
        self.offered: UUID | None = None
        self.over = False
        self.told: Status | None = None
        self.waiting_since: int | None = START
        self.case: Snapshot = begin(START)[0]

    @initialize(ladder=ladders)
    def is_raised(self, ladder: Ladder) -> None:
        self.ladder = ladder
        self.do(Due(ladder))

    def do(self, event: Event, *, allowed: bool = True) -> tuple[Effect, ...]:
        before = self.case
        try:
            self.case, effects = step(before, event, self.now)
        except Refused:
            assert not allowed, "a refusal that the model does not know"
            return ()
        assert allowed, "allowed what the model forbids"
        if self.case.status is not before.status:
            assert any(isinstance(one, Tell) for one in effects), "the status changed and nobody is told"
            assert any(isinstance(one, Record) for one in effects), "the status changed without a record"
        if self.case.holder != before.holder and before.holder is not None and self.case.status in OPEN:
            assert Tell(person=before.holder) in effects, "who held it was not told"
        for one in effects:
            if isinstance(one, Page):
                assert one.contacts
                assert set(one.contacts) <= {contact for tier in self.ladder for contact in tier}
                assert before.status not in ENDED
        if isinstance(event, Due):
            self.wait_over(before, effects)
        return effects

    def wait_over(self, before: Snapshot, effects: tuple[Effect, ...]) -> None:
        if is_due(before, self.now):
            assert self.case.deadline is None or self.case.deadline > self.now, (
                "due again at once: a busy loop"
            )
            assert effects or self.case.deadline is not None

    @property
    def free(self) -> bool:
        return self.holder is None and not self.over

    @rule(ladder=ladders)
    def the_rota_changes(self, ladder: Ladder) -> None:
        self.ladder = ladder

    @rule(ms=st.one_of(st.integers(1, 10 * MINUTE_MS), st.integers(1, 2 * DEFAULT.give_up_ms)))
    def time_passes(self, ms: int) -> None:
        self.now += ms

    @rule(ms=st.integers(1, 3_600_000))
    def the_clock_goes_back(self, ms: int) -> None:
        self.now -= ms

    @rule()
    def the_keeper_comes_by(self) -> None:
        self.do(Due(self.ladder))
        if self.case.status not in HELD and not self.over:
            self.holder = self.offered = None
        self.over = self.case.status in ENDED

    @precondition(lambda self: self.case.deadline is not None)
    @rule()
    def the_keeper_is_on_time(self) -> None:
        self.now = max(self.now, self.case.deadline or 0)
        self.the_keeper_comes_by()

    @rule(contact=st.integers(1, 6))
    def a_page_fails(self, contact: int) -> None:
        self.do(PageFailed(contact, self.ladder))

    @rule(by=people)
    def someone_takes_it(self, by: UUID) -> None:
        accepts = self.holder is not None and self.offered == by
        allowed = not self.over and (self.free or self.holder == by or accepts)
        self.do(Acknowledge(by), allowed=allowed)
        if allowed and self.holder != by:
            self.holder, self.offered = by, None

    @rule(by=people)
    def someone_talks(self, by: UUID) -> None:
        allowed = not self.over and self.holder == by
        self.do(Talk(by), allowed=allowed)
        assert not allowed or self.case.status is Status.TALKING

    @rule(by=people, to=people)
    def someone_offers_it(self, by: UUID, to: UUID) -> None:
        allowed = not self.over and self.holder == by and by != to
        self.do(Offer(by, to), allowed=allowed)
        self.offered = to if allowed else self.offered

    @rule(by=people)
    def someone_gives_it_back(self, by: UUID) -> None:
        allowed = not self.over and self.holder == by
        self.do(Release(by, self.ladder), allowed=allowed)
        if allowed:
            self.holder = self.offered = None

    @rule()
    def it_is_withdrawn(self) -> None:
        self.do(Withdraw(), allowed=self.case.status is not Status.CLOSED)
        self.over = True

    @rule(by=people, outcome=st.sampled_from(Outcome))
    def someone_closes_it(self, by: UUID, outcome: Outcome) -> None:
        same = self.case.status is Status.CLOSED and (self.case.holder, self.case.outcome) == (by, outcome)
        allowed = same or (not self.over and self.holder == by and outcome in BY_HOLDER)
        self.do(Close(by, outcome), allowed=allowed)
        self.over = self.over or allowed

    @invariant()
    def help_is_coming_only_with_a_person(self) -> None:
        assert self.case.help_is_coming == (self.holder is not None and not self.over)
        if not self.over:
            assert self.case.holder == self.holder
            assert self.case.offered_to == self.offered

    @invariant()
    def it_is_never_silent(self) -> None:
        assert (self.case.deadline is None) == (self.case.status in ENDED) == self.over

    @invariant()
    def nothing_ends_without_an_outcome(self) -> None:
        assert (self.case.outcome is not None) == (self.case.status is Status.CLOSED)
        assert (self.case.ended_at is not None) == self.over

    def teardown(self) -> None:
        """Left to the clock alone, with the rota as it is, it comes to a human or to the truth, and to an end."""
        case, now, steps = self.case, self.now, 0
        if case.status in (Status.RAISED, Status.PAGING):
            first = now
            while case.status in (Status.RAISED, Status.PAGING):
                now = now if is_due(case, now) else (case.deadline or now)
                case, _ = step(case, Due(self.ladder), now)
                steps += 1
                assert steps < 1_000
            longest = DEFAULT.longest_to_answer_ms(max(len(self.ladder), case.tier) + 1)
            assert case.status is Status.UNANSWERED
            assert now - first <= longest
        while case.status in OPEN:
            now = now if is_due(case, now) else (case.deadline or now)
            case, _ = step(case, Due(self.ladder), now)
            steps += 1
            assert steps < 5_000, "it never ends"


TestEscalation = Escalation.TestCase
TestEscalation.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
