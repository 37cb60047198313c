"""The pattern language, as people write it: a line of words becomes a shape, which clients build automata from.

`word  stem*  (one|two words)  optional?  {slot}  _3`. Between two words of a line as many words may stand as the
entry's `max_gap` says; within brackets and slots none. No pattern repeats, so a match has a longest length and
every step a bounded cost.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from moderation.crisis.folding import fold
from moderation.crisis.shapes import CHOICE, OPTIONAL, SEQUENCE, SLOT, Shape
from moderation.crisis.words import PLAIN, is_break

_TOKEN = re.compile(r"\{(?P<slot>[a-z0-9_]+)\}|_(?P<gap>[1-9])|(?P<sign>[()|?])|(?P<word>[^\s(){}|?]+)")


class PatternWrong(Exception):
    """A pattern line that cannot be read. The text names the line."""


@dataclass(frozen=True)
class Fragment:
    """Words that follow each other, choices between such, a gap, or a slot by its name."""

    kind: str
    parts: tuple["Fragment", ...] = ()
    words: frozenset[str] = frozenset()
    count: int = 0
    slot: str = ""


def normalise_word(word: str) -> list[str]:
    """A pattern's word as the words that the text would be cut into; a trailing star means every ending."""
    stem = word.endswith("*")
    folded = fold(word[:-1] if stem else word)
    found = [each.replace("'", "") for each in PLAIN.findall(folded) if not is_break(each)]
    if not found:
        raise PatternWrong(f"{word!r} is no word")
    return [*found[:-1], f"{found[-1]}*"] if stem else found


def parse(line: str, slots: Mapping[str, Sequence[str]], within: tuple[str, ...] = ()) -> Fragment:
    """Read one line. Slots may use other slots, but not themselves."""
    found, place = [], 0
    for token in _TOKEN.finditer(line):
        if line[place : token.start()].strip():
            raise PatternWrong(f"{line!r}: cannot read {line[place : token.start()]!r}")
        found.append(token)
        place = token.end()
    if line[place:].strip():
        raise PatternWrong(f"{line!r}: cannot read {line[place:]!r}")
    reader = _Reader(line, found, slots, within)
    fragment = reader.choices()
    if reader.place != len(found):
        raise PatternWrong(f"{line!r}: a bracket too many")
    return fragment


class _Reader:
    def __init__(
        self,
        line: str,
        tokens: Sequence[re.Match[str]],
        slots: Mapping[str, Sequence[str]],
        within: tuple[str, ...],
    ) -> None:
        self.line, self.tokens, self.slots, self.within, self.place = line, tokens, slots, within, 0

    def _sign(self) -> str | None:
        return self.tokens[self.place]["sign"] if self.place < len(self.tokens) else None

    def choices(self) -> Fragment:
        branches = [self._sequence()]
        while self._sign() == "|":
            self.place += 1
            branches.append(self._sequence())
        return choose(branches)

    def _sequence(self) -> Fragment:
        parts: list[Fragment] = []
        while self.place < len(self.tokens) and self._sign() not in ("|", ")"):
            part = self._one()
            if self._sign() == "?":
                self.place += 1
                part = Fragment("optional", (part,))
            parts.append(part)
        if not parts:
            raise PatternWrong(f"{self.line!r}: nothing where words should be")
        return parts[0] if len(parts) == 1 else Fragment("sequence", tuple(parts))

    def _one(self) -> Fragment:
        token = self.tokens[self.place]
        self.place += 1
        if token["slot"] is not None:
            return self._slot(token["slot"])
        if token["gap"] is not None:
            return Fragment("gap", count=int(token["gap"]))
        if token["word"] is not None:
            words = normalise_word(token["word"])
            parts = tuple(Fragment("word", words=frozenset((word,))) for word in words)
            return parts[0] if len(parts) == 1 else Fragment("sequence", parts)
        if token["sign"] != "(":
            raise PatternWrong(f"{self.line!r}: {token['sign']!r} stands in the wrong place")
        inner = self.choices()
        if self._sign() != ")":
            raise PatternWrong(f"{self.line!r}: a bracket is not closed")
        self.place += 1
        return inner

    def _slot(self, name: str) -> Fragment:
        if name not in self.slots:
            raise PatternWrong(f"{self.line!r}: no slot is called {name!r}")
        if name in self.within:
            raise PatternWrong(f"{self.line!r}: slot {name!r} holds itself")
        for line in self.slots[name]:
            # Read only to see that it can be: what is sent names the slot.
            parse(line, self.slots, (*self.within, name))
        return Fragment("slot", slot=name)


def choose(branches: Sequence[Fragment]) -> Fragment:
    """One of these. Choices between single words become one class of words."""
    flat: list[Fragment] = []
    for branch in branches:
        flat += branch.parts if branch.kind == "choice" else (branch,)
    words = frozenset().union(*(each.words for each in flat if each.kind == "word"))
    rest = [each for each in flat if each.kind != "word"]
    merged = [*([Fragment("word", words=words)] if words else []), *rest]
    return merged[0] if len(merged) == 1 else Fragment("choice", tuple(merged))


def without_tail(line: Fragment) -> Fragment:
    """A line without what may be left out at its end: it matches as soon as what must be there is there."""
    parts = line.parts if line.kind == "sequence" else (line,)
    while len(parts) > 1 and parts[-1].kind in ("optional", "gap"):
        parts = parts[:-1]
    return parts[0] if len(parts) == 1 else Fragment("sequence", parts)


class Classes:
    """Numbers for sets of words."""

    def __init__(self) -> None:
        self.numbers: dict[frozenset[str], int] = {}

    def number(self, words: frozenset[str]) -> int:
        return self.numbers.setdefault(words, len(self.numbers))


def shape_of(fragment: Fragment, *, classes: Classes, slots: Mapping[str, int]) -> Shape:
    """The fragment in numbers, for moderation/crisis/shapes.py and its twin."""
    if fragment.kind == "word":
        return classes.number(fragment.words)
    if fragment.kind == "gap":
        return -fragment.count
    if fragment.kind == "slot":
        return [SLOT, slots[fragment.slot]]
    kind = {"sequence": SEQUENCE, "choice": CHOICE, "optional": OPTIONAL}[fragment.kind]
    return [kind, *(shape_of(part, classes=classes, slots=slots) for part in fragment.parts)]
