"""The words of an escalation: statuses, outcomes, times, what can happen to a case and what follows. Pure data.

All times are UTC milliseconds since 1970.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
CLOCK_SLACK_MS = 5 * SECOND_MS
"""How far the clocks of our own machines may differ before we say that one went back."""

Contact = int
"""A way to reach someone on call; what it is, only ``oncall`` knows."""
Ladder = tuple[tuple[Contact, ...], ...]
"""Contacts that can be tried now, tier by tier. A tier without any stays in its place, so that it is recorded."""


class Status(StrEnum):
    RAISED = "raised"
    """Stored, and nobody was paged yet: only while the rota cannot be read."""
    PAGING = "paging"
    ACKNOWLEDGED = "acknowledged"
    """A person took it. Only from here on may anybody say that help is coming."""
    UNANSWERED = "unanswered"
    """Everyone was tried. It is tried again, and can be taken, until ``give_up_ms`` have passed."""
    TALKING = "talking"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


HELD = frozenset({Status.ACKNOWLEDGED, Status.TALKING})
ENDED = frozenset({Status.CLOSED, Status.WITHDRAWN})
OPEN = frozenset(Status) - ENDED


class Outcome(StrEnum):
    """Why a case is over; closed, so that no words enter. The last two are the clock's, the others the holder's."""

    TALKED = "talked"
    REFERRED = "referred"
    EMERGENCY = "emergency"
    NOT_NEEDED = "not-needed"
    NOT_REACHED = "not-reached"
    NOBODY_CAME = "nobody-came"
    LAPSED = "lapsed"


BY_HOLDER = frozenset(Outcome) - {Outcome.NOBODY_CAME, Outcome.LAPSED}


@dataclass(frozen=True, slots=True)
class Policy:
    """How long each thing may take."""

    tier_ms: int = 2 * MINUTE_MS
    """How long one tier has before the next is paged as well."""
    repeat_ms: int = 30 * SECOND_MS
    """How often pages repeat while a tier has its time."""
    first_word_ms: int = 5 * MINUTE_MS
    """How long who took a case has until the private room is open; after it others are paged again."""
    look_again_ms: int = 1 * MINUTE_MS
    """How often an unanswered case looks whether anybody can be paged at all."""
    try_again_ms: int = 10 * MINUTE_MS
    """How often an unanswered case pages everyone."""
    try_for_ms: int = 1 * DAY_MS
    """How long after it was raised an unanswered case goes on paging."""
    give_up_ms: int = 7 * DAY_MS
    """How long after it was raised a case that nobody took stays open to be taken."""
    remind_ms: int = 1 * DAY_MS
    """How often who talks is reminded that the case is open."""
    lapse_ms: int = 7 * DAY_MS
    """How long a talk stays open after its holder last said that it goes on."""
    kept_ms: int = 7 * DAY_MS
    """How long the sealed part is kept after the end."""

    def longest_to_answer_ms(self, tiers: int) -> int:
        """Return how long a case with ``tiers`` that nobody takes stays in ``raised`` and ``paging`` at most."""
        return max(tiers, 1) * self.tier_ms


DEFAULT = Policy()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A case as it stands. ``deadline`` is ``None`` in ``ENDED`` alone; ``holder`` is set in ``HELD``, and stays
    afterwards.

    ``since``: when the status began (or a talk was last said to go on); ``set_at``: when the deadline was set.
    ``tier``: the index of the newest tier that was paged; ``failed``: contacts of whom a page failed since then;
    ``tier_until`` and ``page_at``: when the next tier is due, and the next repeat. ``known``: whom an unanswered case
    saw on the ladder.
    """

    status: Status
    raised_at: int
    since: int
    deadline: int | None
    set_at: int
    tier: int = -1
    tier_until: int = 0
    page_at: int = 0
    failed: frozenset[Contact] = frozenset()
    known: frozenset[Contact] = frozenset()
    holder: UUID | None = None
    offered_to: UUID | None = None
    outcome: Outcome | None = None
    ended_at: int | None = None

    @property
    def help_is_coming(self) -> bool:
        """Whether a person took it and nothing ended it."""
        return self.status in HELD


# --- Events --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Due:
    """The deadline may have passed; harmless when it has not."""

    ladder: Ladder


@dataclass(frozen=True, slots=True)
class PageFailed:
    """A page did not go out. It is tried again by the sender; the ladder does not wait for that."""

    contact: Contact
    ladder: Ladder


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """``by`` takes the case, or accepts it where it was offered to them."""

    by: UUID


@dataclass(frozen=True, slots=True)
class Talk:
    """The holder opened the private room; said again, that the talk goes on."""

    by: UUID


@dataclass(frozen=True, slots=True)
class Offer:
    """The holder asks ``to`` to take over. Until they do, the holder holds it."""

    by: UUID
    to: UUID


@dataclass(frozen=True, slots=True)
class Release:
    """The holder cannot go on and names nobody, or may not any more: others are paged anew."""

    by: UUID
    ladder: Ladder


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Who raised it takes it back."""


@dataclass(frozen=True, slots=True)
class Close:
    """The holder ends it."""

    by: UUID
    outcome: Outcome


Event = Due | PageFailed | Acknowledge | Talk | Offer | Release | Withdraw | Close


# --- Effects -------------------------------------------------------------------------------------------


class Note(StrEnum):
    """Every kind of log entry. What did not happen is recorded like what did."""

    RAISED = "raised"
    PAGED = "paged"
    PAGED_AGAIN = "paged-again"
    TIER_EMPTY = "tier-empty"
    TIER_UNREACHABLE = "tier-unreachable"
    TIER_SILENT = "tier-silent"
    PAGE_FAILED = "page-failed"
    NOBODY = "nobody"
    ACKNOWLEDGED = "acknowledged"
    HOLDER_SILENT = "holder-silent"
    TALKING = "talking"
    REMINDED = "reminded"
    OFFERED = "offered"
    HANDED_OVER = "handed-over"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Record:
    """Write this down, under the same transaction as the new snapshot."""

    note: Note
    tier: int | None = None
    contact: Contact | None = None
    person: UUID | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Page these contacts, each once however many tiers they stand in."""

    contacts: tuple[Contact, ...]


@dataclass(frozen=True, slots=True)
class PagePerson:
    """Page one person by whatever contacts they have: an offer, or a reminder."""

    person: UUID


@dataclass(frozen=True, slots=True)
class StopPages:
    """What was not sent yet is not sent any more."""


@dataclass(frozen=True, slots=True)
class Tell:
    """The status changed: let the raiser's and the holders' devices know. ``person``: someone who held it before."""

    person: UUID | None = None


Effect = Record | Page | PagePerson | StopPages | Tell


class Refused(Exception):
    """The event is not for a case in this status, or not for this person. Nothing changed."""

    def __init__(self, *, holder: UUID | None = None) -> None:
        super().__init__("not in this status, or not by this person")
        self.holder = holder
