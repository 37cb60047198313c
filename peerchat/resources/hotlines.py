"""The help lines that everyone may see before anything else, from one data file with a checked shape.

A number without a public source and the day it was looked up is refused: a wrong number can cost more than none.
The sources were read in stored copies, so somebody must call each line before a community shows it to people, and
again each half year.
"""

import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

DATA = Path(__file__).parent / "data" / "hotlines.json"
_Line = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^<>&\x00-\x1f]+$")]
_Marked = Annotated[str, StringConstraints(min_length=1, max_length=240, pattern=r"^[^\x00-\x1f]+$")]
_Number = Annotated[str, StringConstraints(min_length=3, max_length=20, pattern=r"^\+?[0-9][0-9 -]*[0-9]$")]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HelpLine(_Closed):
    """One line. ``call`` and ``text`` as people read them aloud; ``checked`` is when ``source`` said so.

    ``about`` may hold the little mark-up that ``sanitize`` lets through.
    """

    name: _Line
    call: _Number
    text: _Number | None = None
    text_word: _Line | None = None
    about: _Marked
    hours: _Line
    source: Annotated[str, StringConstraints(pattern=r"^https?://[^\s\"<>]+$")]
    checked: date

    @property
    def call_link(self) -> str:
        """The number as a ``tel:`` link has it."""
        return "tel:" + _digits(self.call)

    @property
    def text_link(self) -> str | None:
        """The number as an ``sms:`` link has it. The word is not put in: phones disagree on how."""
        return None if self.text is None else "sms:" + _digits(self.text)


class Region(_Closed):
    """Where these lines can be called from."""

    region: _Line
    lines: Annotated[list[HelpLine], Field(min_length=1)]


class Hotlines(_Closed):
    """The whole file, in the order in which it is shown."""

    regions: Annotated[list[Region], Field(min_length=1)]


def _digits(number: str) -> str:
    return re.sub(r"[^0-9+]", "", number)


@cache
def hotlines() -> Hotlines:
    """Return the help lines. Raises ``pydantic.ValidationError`` when the file is wrong: ``apps`` reads it at start."""
    return Hotlines.model_validate_json(DATA.read_bytes())
