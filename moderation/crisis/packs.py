"""The source form of a lexicon pack: what reviewers read and correct. One JSON file for each language.

Patterns are lines of words: `word`, `stem*`, `(one|two words)`, `optional?`, `{slot}`, and `_3` for up to three words
of any kind. docs/lexicon.md explains them to a reviewer.
"""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from moderation.crisis.vocabulary import Category, Where

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
EntryId = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}\.[a-z0-9_.]+$", max_length=60)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=1500)]
Lines = Annotated[list[Line], Field(min_length=1)]
Gap = Annotated[int, Field(ge=0, le=4)]
Reach = Annotated[int, Field(ge=0, le=12)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Guard(_Model):
    """What speaks against a match. ``lower`` is taken off its severity; at 0 nothing is shown."""

    pattern: list[Line]
    where: Where
    reach: Reach = 0
    lower: Annotated[int, Field(ge=1, le=3)] = 3


class Requirement(_Model):
    """One of the wordings must stand within this many words of the match, on either side."""

    pattern: Lines
    within: Annotated[int, Field(ge=1, le=12)]


class Entry(_Model):
    """One thing that people say, in all its wordings."""

    id: EntryId
    category: Category
    severity: Annotated[int, Field(ge=1, le=3)]
    pattern: Lines
    max_gap: Gap = 0
    """Words of any kind that may stand between two words of a line."""
    subject: Name | None = None
    """A guard that turns away matches about somebody else; kept apart from the others, so that it is read first."""
    requires: list[Name] = []
    guards: list[Name] = []
    rationale: Line
    source: Line
    added_in: Annotated[int, Field(ge=1)]
    examples_pos: Lines
    examples_neg: list[Line]


class Change(_Model):
    """One line of the changelog."""

    version: Annotated[int, Field(ge=1)]
    date: date
    what: Line


class Roman(_Model):
    """How people write the language in Latin letters.

    ``letters`` spells the pack's own words; ``reduce`` makes different spellings of a word fall together, on both
    sides, one replacement after the other.
    """

    letters: dict[str, str] = {}
    reduce: list[tuple[str, str]]


class Pack(_Model):
    """A language's lexicon. ``reviewers`` is empty until a native speaker and a survivor have read it."""

    schema_version: Annotated[int, Field(ge=1, le=1)]
    pack_version: Annotated[int, Field(ge=1)]
    lang: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
    created: date
    reviewers: list[Line]
    changelog: Annotated[list[Change], Field(min_length=1)]
    slots: dict[Name, Lines]
    turns: list[Line] = []
    """Words that begin a new clause, as "but" does."""
    guards: dict[Name, Guard]
    requirements: dict[Name, Requirement]
    fuzzy: list[Line]
    """Words of five letters or more that count with one letter wrong."""
    deny: list[Line]
    """Words that are one letter from a fuzzy one and mean something else."""
    prefixes: list[Line] = []
    """Letters that are written together with the next word, as Arabic's "and"."""
    roman: Roman | None = None
    entries: Annotated[list[Entry], Field(min_length=1)]
