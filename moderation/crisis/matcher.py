"""From a message to what it may be about, each match with the entry that made it and the place in the text.

The steps: fold, cut into words, look the words up, walk the automaton, and only where something was found weigh it:
what it requires nearby, and what in its clause speaks against it. The work is linear in the text.
"""

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from moderation.crisis.automaton import Automaton
from moderation.crisis.compiling import FORMAT
from moderation.crisis.folding import fold, original_span
from moderation.crisis.lexicon import NOTHING, SHORTEST_GLUED, Words
from moderation.crisis.reading import Reading, walk
from moderation.crisis.vocabulary import CATEGORIES, WHERES, Category, Where
from moderation.crisis.words import JOINED, PLAIN, SUSPECT, is_break, is_spaced, join

COMPILED: Final = Path(__file__).parent / "compiled"

Spans = Mapping[int, list[tuple[int, int]]]


class PackUnreadable(Exception):
    """A compiled pack of another format, or none at all."""


@dataclass(frozen=True, order=True)
class Match:
    """``start`` and ``end`` count code points of the message as it was given; ``end`` is exclusive."""

    entry: str
    category: Category
    severity: int
    start: int
    end: int


class Matcher:
    """Loaded packs. Not safe for several threads at once: what it learns of words and steps is shared."""

    def __init__(self, packs: Iterable[dict[str, Any]]) -> None:
        self.words = Words()
        self.entries = Automaton()
        self.helpers = Automaton()
        """Guards, requirements and turns: walked only where an entry matched, since their words are everywhere."""
        self._turns: set[int] = set()
        for compiled in packs:
            self._load(compiled)

    def _load(self, compiled: dict[str, Any]) -> None:
        if compiled.get("format") != FORMAT:
            raise PackUnreadable("a pack of another format")
        first_class = self.words.add(compiled)
        numbers = [
            (self.entries if item[1] >= 0 else self.helpers).add(item, compiled["slots"], first_class)
            for item in compiled["items"]
        ]
        if compiled["turns"] >= 0:
            self._turns.add(numbers[compiled["turns"]])
        for number, item in zip(numbers, compiled["items"], strict=True):
            if item[1] < 0:
                continue
            entry = self.entries.items[number]
            for guard in (compiled["guards"][each] for each in item[5]):
                helper = numbers[guard[0]] if guard[0] >= 0 else -1
                entry.guards.append((helper, guard[1], guard[2], guard[3]))
            for helper, within in (compiled["requirements"][each] for each in item[6]):
                entry.requirements.append((numbers[helper], within))

    def find(self, text: str) -> list[Match]:
        """All matches, the gravest first; one for each entry, its gravest and earliest."""
        folded = fold(text)
        best: dict[str, Match] = {}
        cut = PLAIN.findall(folded)
        signatures = list(map(self.words.__getitem__, cut))
        if any(signature > NOTHING for signature in signatures):
            self._weigh(text, folded, signatures, None, best)
        suspect = SUSPECT.search(folded) is not None
        if suspect or self._has_glued(cut, signatures):
            joined, spans = self._cut_joined(folded, suspect=suspect)
            self._weigh(text, folded, joined, spans, best)
        return sorted(
            best.values(),
            key=lambda match: (-match.severity, CATEGORIES.index(match.category), match.start, match.entry),
        )

    @property
    def work(self) -> int:
        """Edges and look-ups so far, for what was not known before. The tests bound it."""
        return self.words.work + self.entries.work + self.helpers.work

    def _has_glued(self, cut: Sequence[str], signatures: Sequence[int]) -> bool:
        return NOTHING in signatures and any(
            signature == NOTHING and len(word) >= SHORTEST_GLUED and self.words.split(word)
            for word, signature in zip(cut, signatures, strict=True)
        )

    def _cut_joined(self, folded: str, *, suspect: bool) -> tuple[list[int], list[tuple[int, int]]]:
        signatures: list[int] = []
        spans: list[tuple[int, int]] = []
        for found in (JOINED if suspect else PLAIN).finditer(folded):
            word, shortest = found.group(), SHORTEST_GLUED
            if suspect and not is_break(word):
                shortest = 2 if is_spaced(word) and len(word) > 2 else shortest
                word = join(word) or word
            parts = self.words.split(word, shortest) if self.words[word] == NOTHING else ()
            for part in parts or (word,):
                signatures.append(self.words[part])
                spans.append(found.span())
        return signatures, spans

    def _weigh(
        self,
        text: str,
        folded: str,
        signatures: Sequence[int],
        spans: Sequence[tuple[int, int]] | None,
        best: dict[str, Match],
    ) -> None:
        hits = walk(self.entries, self.words, signatures)
        if not hits:
            return
        if spans is None:
            spans = [found.span() for found in PLAIN.finditer(folded)]
        reading = Reading(self.words, signatures, spans, folded)
        matched = _places(self.entries, hits, reading)
        helping = _places(self.helpers, walk(self.helpers, self.words, signatures), reading)
        reading.begin_clauses([start for number in self._turns for start, _ in helping.get(number, ())])
        for number, places in matched.items():
            self._keep_gravest(text, reading, number, places, helping, best)

    def _keep_gravest(
        self,
        text: str,
        reading: Reading,
        number: int,
        places: Sequence[tuple[int, int]],
        found: Spans,
        best: dict[str, Match],
    ) -> None:
        item = self.entries.items[number]
        known = best.get(item.identity)
        gravest, at = (known.severity if known else 0), (-1, -1)
        for start, end in places:
            if gravest == item.severity:
                break
            severity = self._severity(reading, number, start, end, found)
            if severity > gravest:
                gravest, at = severity, (start, end)
        if at[0] >= 0:
            first, last = original_span(text, reading.spans[at[0]][0], reading.spans[at[1]][1])
            best[item.identity] = Match(item.identity, CATEGORIES[item.category], gravest, first, last)

    def _severity(self, reading: Reading, number: int, start: int, end: int, found: Spans) -> int:
        item = self.entries.items[number]
        for helper, within in item.requirements:
            if not _stands_near(found.get(helper, ()), start, end, within):
                return 0
        severity = item.severity
        for helper, where, reach, lower in item.guards:
            if _speaks_against(reading, found.get(helper, ()), start, end, WHERES[where], reach):
                severity -= lower
        return max(severity, 0)


def _places(
    automaton: Automaton, hits: Sequence[tuple[int, int]], reading: Reading
) -> dict[int, list[tuple[int, int]]]:
    """By item: first and last word of each of its matches, in the order of their ends."""
    places: dict[int, list[tuple[int, int]]] = {}
    for number, end in hits:
        places.setdefault(number, []).append((automaton.start_of(number, end, reading.classes), end))
    return places


def _stands_near(places: Sequence[tuple[int, int]], start: int, end: int, within: int) -> bool:
    """Whether one of the places, sorted by their ends, is at most ``within`` words away."""
    first = bisect_left(places, start - within, key=lambda place: place[1])
    return first < len(places) and places[first][0] <= end + within


def _speaks_against(
    reading: Reading, places: Sequence[tuple[int, int]], start: int, end: int, where: Where, reach: int
) -> bool:
    if where is Where.QUOTED:
        return reading.is_quoted(start, end)
    if not places:
        return False
    if where is Where.MESSAGE:
        return True
    # Sorted by their ends: the last that ends before the match, and the first that ends after its beginning.
    at = bisect_left(places, start, key=lambda place: place[1])
    clauses, sentences = reading.clauses, reading.sentences
    if where is Where.BEFORE:
        return (
            at > 0 and start - places[at - 1][1] - 1 <= reach and clauses[places[at - 1][1]] == clauses[start]
        )
    following = bisect_left(places, end + 1, key=lambda place: place[1])
    after = next((place for place in places[following : following + 4] if place[0] > end), None)
    if where is Where.AFTER:
        return after is not None and after[0] - end - 1 <= reach and clauses[after[0]] == clauses[end]
    parts = clauses if where is Where.CLAUSE else sentences
    if at > 0 and parts[places[at - 1][1]] == parts[start]:
        return True
    return after is not None and parts[after[0]] == parts[end]


def load_compiled(languages: Iterable[str] | None = None, folder: Path = COMPILED) -> list[dict[str, Any]]:
    """The compiled packs that are shipped, all or those of the languages."""
    wanted = sorted(path.stem for path in folder.glob("*.json")) if languages is None else list(languages)
    return [json.loads((folder / f"{lang}.json").read_text("utf-8")) for lang in wanted]
