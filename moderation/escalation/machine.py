"""The life of one escalation, pure: ``step(snapshot, event, now) -> (snapshot, effects)``.

No clock, no storage, no sending. All times are UTC milliseconds since 1970. Who is on call comes with each event that
may need it (``ladder``): tiers in the order in which they are paged, the last of them everyone.

What it promises, and tests/moderation/escalation/test_machine.py holds it to:

* It is never silent: in every status that is not an end there is a deadline, and passing it does something.
* It ends in a human or in ``unanswered``, within ``longest_to_answer_ms``; ``unanswered`` can still be taken.
* "Help is coming" is true only while a person holds the case.
* A page that failed moves the ladder on, and never stops it.
* Nothing ends without an outcome.

It deliberately does not know who may do what beyond "holds the case", nor what a case is about.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from uuid import UUID

from moderation.escalation.terms import (
    BY_HOLDER,
    CLOCK_SLACK_MS,
    DEFAULT,
    HELD,
    Acknowledge,
    Close,
    Contact,
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
    Policy,
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


@dataclass(slots=True)
class _Next:
    """The snapshot under construction, and what is to be done."""

    case: Snapshot
    now: int
    policy: Policy
    effects: list[Effect] = field(default_factory=list)

    def note(self, note: Note, **about: UUID | int | None) -> None:
        self.effects.append(Record(note, **about))  # type: ignore[arg-type]  # the fields of Record

    def wait(self, deadline: int | None, **changes: object) -> None:
        self.case = replace(self.case, deadline=deadline, set_at=self.now, **changes)  # type: ignore[arg-type]  # fields of Snapshot

    def enter(self, status: Status, *, deadline: int | None, **changes: object) -> None:
        before = self.case
        self.wait(deadline, status=status, since=self.now, **changes)
        # Who held it must hear that they do not any more; who holds it now hears by the new snapshot.
        gone = before.holder if before.holder != self.case.holder else None
        self.effects.append(Tell(person=gone))


def begin(now: int) -> tuple[Snapshot, tuple[Effect, ...]]:
    """Return a case that was raised just now and is due at once."""
    fresh = Snapshot(status=Status.RAISED, raised_at=now, since=now, deadline=now, set_at=now)
    return fresh, (Record(Note.RAISED),)


def step(
    snapshot: Snapshot, event: Event, now: int, *, policy: Policy = DEFAULT
) -> tuple[Snapshot, tuple[Effect, ...]]:
    """Return the case after ``event`` and what is to be done about it, in order. Raises ``Refused``.

    An event that already came true changes nothing and has no effects.
    """
    after = _Next(case=snapshot, now=now, policy=policy)
    match event:
        case Due(ladder):
            if is_due(snapshot, now):
                _due(after, ladder)
        case PageFailed(contact, ladder):
            _page_failed(after, contact, ladder)
        case Acknowledge(by):
            _acknowledge(after, by)
        case Talk(by):
            _talk(after, by)
        case Offer(by, to):
            _offer(after, by, to)
        case Release(by, ladder):
            _only(snapshot, by)
            after.note(Note.RELEASED, person=by)
            _page_anew(after, ladder)
        case Withdraw():
            _withdraw(after)
        case Close(by, outcome):
            _close(after, by, outcome)
    return after.case, tuple(after.effects)


def is_due(snapshot: Snapshot, now: int) -> bool:
    """Return whether ``Due`` would do something.

    A deadline that was set in the future means that the clock went back: it is due too, since a clock that was
    corrected must not silence a call for help.
    """
    if snapshot.deadline is None:
        return False
    return snapshot.deadline <= now or snapshot.set_at > now + CLOCK_SLACK_MS


# --- What the clock does -------------------------------------------------------------------------------


def _due(after: _Next, ladder: Ladder) -> None:
    now, policy = after.now, after.policy
    # Ages are counted from here; a start in the future, left by a wrong clock, would never grow old.
    after.case = case = replace(
        after.case, raised_at=min(after.case.raised_at, now), since=min(after.case.since, now)
    )
    match case.status:
        case Status.RAISED:
            _climb(after, ladder)
        case Status.PAGING:
            if case.tier_until <= now or case.tier_until > now + policy.tier_ms:
                after.note(Note.TIER_SILENT, tier=case.tier)
                _climb(after, ladder)
            else:
                _repeat(after, ladder)
        case Status.ACKNOWLEDGED:
            after.note(Note.HOLDER_SILENT, person=case.holder)
            _page_anew(after, ladder)
        case Status.UNANSWERED:
            _try_again(after, ladder)
        case Status.TALKING:
            if now - case.since >= policy.lapse_ms:
                _end(after, Status.CLOSED, Outcome.LAPSED)
            elif case.holder is not None:
                after.note(Note.REMINDED, person=case.holder)
                after.effects.append(PagePerson(case.holder))
                after.wait(now + policy.remind_ms)


def _climb(after: _Next, ladder: Ladder) -> None:
    """Page the next tier that has someone in it, or find that there is none."""
    for tier in range(after.case.tier + 1, len(ladder)):
        if not ladder[tier]:
            after.note(Note.TIER_EMPTY, tier=tier)
            continue
        after.note(Note.PAGED, tier=tier)
        after.effects.append(Page(ladder[tier]))
        _wait_for(after, tier=tier)
        return
    _nobody(after, ladder)


def _wait_for(after: _Next, *, tier: int) -> None:
    now, policy = after.now, after.policy
    until, again = now + policy.tier_ms, now + policy.repeat_ms
    deadline = min(until, again)
    changes = {"tier": tier, "tier_until": until, "page_at": again, "failed": frozenset[Contact]()}
    if after.case.status is Status.PAGING:
        after.wait(deadline, **changes)
    else:
        after.enter(Status.PAGING, deadline=deadline, holder=None, offered_to=None, **changes)


def _repeat(after: _Next, ladder: Ladder) -> None:
    """Page everyone again who was paged so far and can be reached now: the rota may have changed meanwhile."""
    case, now = after.case, after.now
    again = _everyone(ladder[: case.tier + 1])
    if not again:
        # Whoever was paged is off the rota now: nobody is left to wait for.
        after.note(Note.TIER_EMPTY, tier=case.tier)
        _climb(after, ladder)
        return
    after.note(Note.PAGED_AGAIN, tier=case.tier)
    after.effects.append(Page(again))
    page_at = now + after.policy.repeat_ms
    after.wait(min(page_at, case.tier_until), page_at=page_at)


def _nobody(after: _Next, ladder: Ladder) -> None:
    after.note(Note.NOBODY)
    after.enter(
        Status.UNANSWERED,
        deadline=after.now + after.policy.look_again_ms,
        holder=None,
        offered_to=None,
        page_at=after.now + after.policy.try_again_ms,
        known=frozenset(_everyone(ladder)),
        failed=frozenset(),
    )


def _try_again(after: _Next, ladder: Ladder) -> None:
    """Go on for as long as promised; whoever comes on duty meanwhile is paged within ``look_again_ms``."""
    case, now, policy = after.case, after.now, after.policy
    age = now - case.raised_at
    if age >= policy.give_up_ms:
        _end(after, Status.CLOSED, Outcome.NOBODY_CAME)
        return
    if age >= policy.try_for_ms:
        after.effects.append(StopPages())
        after.wait(case.raised_at + policy.give_up_ms)
        return
    everyone, page_at = _everyone(ladder), case.page_at
    if page_at <= now or page_at > now + policy.try_again_ms:
        page_at, paged = now + policy.try_again_ms, everyone
    else:
        paged = tuple(one for one in everyone if one not in case.known)
    if paged:
        after.note(Note.PAGED_AGAIN)
        after.effects.append(Page(paged))
    # Not added up: whoever goes off duty and comes back is paged at once again.
    after.wait(now + policy.look_again_ms, page_at=page_at, known=frozenset(everyone))


def _page_anew(after: _Next, ladder: Ladder) -> None:
    """Begin the ladder again from its foot, without a holder."""
    after.case = replace(after.case, tier=-1)
    _climb(after, ladder)


def _page_failed(after: _Next, contact: Contact, ladder: Ladder) -> None:
    """Move on at once when nobody of the tier is left whom a page may have reached."""
    case = after.case
    after.note(Note.PAGE_FAILED, tier=case.tier if case.tier >= 0 else None, contact=contact)
    if case.status is not Status.PAGING or not case.tier >= 0:
        return
    failed = case.failed | {contact}
    after.case = replace(case, failed=failed)
    paged = set(ladder[case.tier]) if case.tier < len(ladder) else set()
    if paged and paged <= failed:
        after.note(Note.TIER_UNREACHABLE, tier=case.tier)
        _climb(after, ladder)


def _everyone(tiers: Iterable[tuple[Contact, ...]]) -> tuple[Contact, ...]:
    return tuple(dict.fromkeys(contact for tier in tiers for contact in tier))


# --- What people do ------------------------------------------------------------------------------------


def _only(case: Snapshot, by: UUID) -> None:
    if case.status not in HELD or case.holder != by:
        raise Refused(holder=case.holder)


def _acknowledge(after: _Next, by: UUID) -> None:
    case = after.case
    if case.status in HELD and case.holder == by:
        return
    offered = case.status in HELD and case.offered_to == by
    if case.status not in (Status.RAISED, Status.PAGING, Status.UNANSWERED) and not offered:
        raise Refused(holder=case.holder)
    after.note(Note.HANDED_OVER if offered else Note.ACKNOWLEDGED, person=by)
    after.effects.append(StopPages())
    after.enter(
        Status.ACKNOWLEDGED,
        deadline=after.now + after.policy.first_word_ms,
        holder=by,
        offered_to=None,
    )


def _talk(after: _Next, by: UUID) -> None:
    case = after.case
    _only(case, by)
    deadline = after.now + after.policy.remind_ms
    if case.status is Status.ACKNOWLEDGED:
        after.note(Note.TALKING, person=by)
        after.enter(Status.TALKING, deadline=deadline)
    else:
        after.wait(deadline, since=after.now)


def _offer(after: _Next, by: UUID, to: UUID) -> None:
    case = after.case
    _only(case, by)
    if to == by:
        raise Refused(holder=by)
    if case.offered_to == to:
        return
    after.note(Note.OFFERED, person=to)
    after.effects.append(PagePerson(to))
    after.effects.append(Tell(person=to))
    after.case = replace(case, offered_to=to)


def _withdraw(after: _Next) -> None:
    if after.case.status is Status.WITHDRAWN:
        return
    if after.case.status is Status.CLOSED:
        raise Refused
    _end(after, Status.WITHDRAWN, None)


def _close(after: _Next, by: UUID, outcome: Outcome) -> None:
    case = after.case
    if case.status is Status.CLOSED and (case.holder, case.outcome) == (by, outcome):
        return
    _only(case, by)
    if outcome not in BY_HOLDER:
        raise Refused(holder=case.holder)
    _end(after, Status.CLOSED, outcome)


def _end(after: _Next, status: Status, outcome: Outcome | None) -> None:
    after.note(Note.CLOSED if status is Status.CLOSED else Note.WITHDRAWN, person=after.case.holder)
    after.effects.append(StopPages())
    # The holder stays named: who asks again with the same words gets the same answer.
    after.enter(status, deadline=None, offered_to=None, outcome=outcome, ended_at=after.now)
