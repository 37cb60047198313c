"""One way of cutting a message: its words, what the automaton found in them, and where clauses end."""

import re
from collections.abc import Sequence

from moderation.crisis.automaton import Automaton
from moderation.crisis.lexicon import BREAK, Words

_CLAUSE_END = re.compile(r'[,;:()\n"\[\]\u2014\u2013]|-{2,}| -|- ')


class Reading:
    """Words by number. ``spans`` and ``clauses`` are made only when something was found."""

    def __init__(
        self, words: Words, signatures: Sequence[int], spans: Sequence[tuple[int, int]], folded: str
    ) -> None:
        self.classes = [words.signatures[signature] for signature in signatures]
        self.spans = spans
        self.sentences: list[int] = []
        self.clauses: list[int] = []
        self._quoted = _quotations(folded)
        sentence = clause = 0
        last = 0
        for signature, (start, end) in zip(signatures, spans, strict=True):
            if signature == BREAK:
                sentence += 1
                clause += 1
            elif _CLAUSE_END.search(folded, last, start):
                clause += 1
            self.sentences.append(sentence)
            self.clauses.append(clause)
            last = end

    def begin_clauses(self, turns: Sequence[int]) -> None:
        """Let a clause begin at each of these words."""
        at = set(turns)
        more = 0
        for place in range(len(self.clauses)):
            more += place in at
            self.clauses[place] += more

    def is_quoted(self, start: int, end: int) -> bool:
        """Whether these words stand between quotation marks."""
        first, last = self.spans[start][0], self.spans[end][1]
        return any(opened < first and last <= closed for opened, closed in self._quoted)


def _quotations(folded: str) -> list[tuple[int, int]]:
    marks = [place for place, char in enumerate(folded) if char == '"']
    return list(zip(marks[::2], marks[1::2], strict=False))


def walk(automaton: Automaton, words: Words, signatures: Sequence[int]) -> list[tuple[int, int]]:
    """(item, number of its last word) of all that the automaton accepts, in the order of their ends."""
    hits: list[tuple[int, int]] = []
    state = 0
    rows, accepted = automaton.rows, automaton.accepted
    for place, signature in enumerate(signatures):
        after = rows[state].get(signature, -1)
        if after < 0:
            classes = words.signatures[signature]
            after = automaton.step(state, signature, classes or (), is_break=classes is None)
            # The step may have begun the table anew.
            rows, accepted = automaton.rows, automaton.accepted
        state = after
        if accepted[state]:
            hits += [(number, place) for number in accepted[state]]
    return hits
