"""The closed vocabularies of the packs."""

from enum import IntEnum, StrEnum


class Category(StrEnum):
    """What a match is about. The order decides between matches of the same severity: what is most urgent first."""

    DANGER = "danger"
    MEDICAL = "medical"
    TRAFFICKER = "trafficker"
    SUICIDE = "suicide"
    SELF_HARM = "self_harm"
    CHILD = "child"
    OTHER_AT_RISK = "other_at_risk"


class Severity(IntEnum):
    """The steps of the Columbia scale (C-SSRS, screener), carried over to the other categories."""

    NONE = 0
    WATCH = 1
    """A passive wish to be dead, or a reason to watch."""
    ACTIVE = 2
    """Active thoughts, self-harm, a threat, coercion."""
    IMMEDIATE = 3
    """A plan, means, an act under way, danger now."""


class Where(StrEnum):
    """Where a guard's words must stand for the guard to count."""

    BEFORE = "before"
    """Before the match, in the same clause, with at most ``reach`` words between."""
    AFTER = "after"
    """After the match, in the same clause, with at most ``reach`` words between."""
    CLAUSE = "clause"
    SENTENCE = "sentence"
    MESSAGE = "message"
    QUOTED = "quoted"
    """The match stands between quotation marks. Such a guard has no words."""


CATEGORIES = tuple(Category)
WHERES = tuple(Where)
