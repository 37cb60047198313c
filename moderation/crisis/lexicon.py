"""What the loaded packs know of single words: their classes, in every spelling."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, Final

from moderation.crisis.words import LONGEST_WORD, is_break, one_less, respell, within_one

MOST_WORDS: Final = 50_000
"""Words remembered before all are forgotten."""
BREAK: Final = 0
NOTHING: Final = 1
SHORTEST_STEM: Final = 2
_LONGEST_FUZZY: Final = 24
SHORTEST_GLUED: Final = 8


class Roman:
    """A language in Latin letters: different spellings of a word have one key."""

    def __init__(self, compiled: dict[str, Any]) -> None:
        self._letters = str.maketrans(compiled["letters"])
        self._reduce: list[tuple[str, str]] = [(old, new) for old, new in compiled["reduce"]]

    def key_of_own(self, word: str) -> str:
        """The key of a word of the pack, in the language's own letters or in Latin ones."""
        return self.key(word.translate(self._letters))

    def key(self, word: str) -> str:
        """The key of a word in Latin letters."""
        for old, new in self._reduce:
            word = word.replace(old, new)
        return word


class Words(dict[str, int]):
    """From a word as cut to its signature: a number for a set of classes. Filled as words are met."""

    def __init__(self) -> None:
        super().__init__()
        self.signatures: list[frozenset[int] | None] = [None, frozenset()]
        """By signature: the classes, or ``None`` for a sentence's end."""
        self.work = 0
        """Look-ups made for words not met before; the tests bound it."""
        self._numbers: dict[frozenset[int], int] = {frozenset(): NOTHING}
        self._exact: dict[str, set[int]] = {}
        self._stems: dict[str, set[int]] = {}
        self._romans: list[tuple[Roman, dict[str, set[int]], dict[str, set[int]]]] = []
        self._fuzzy: dict[str, set[str]] = {}
        self._deny: set[str] = set()
        self._by_shape: dict[tuple[int, str], set[str]] = {}
        self._prefixes: list[str] = []
        self._longest_stem = 0
        self._stem_heads: set[str] = set()
        self._classes = 0
        self._split: dict[str, tuple[str, ...]] = {}

    def add(self, compiled: dict[str, Any]) -> int:
        """Take a pack's words in. Returns the number that its class 0 has here."""
        first = self._classes
        roman = Roman(compiled["roman"]) if compiled["roman"] else None
        keys: dict[str, set[int]] = {}
        key_stems: dict[str, set[int]] = {}
        for number, steps in enumerate(compiled["classes"], first):
            for word in (compiled["words"][place] for place in accumulate(steps)):
                stem, plain = word.endswith("*"), word.removesuffix("*")
                (self._stems if stem else self._exact).setdefault(plain, set()).add(number)
                if not stem:
                    self._by_shape.setdefault((len(plain), plain[0]), set()).add(plain)
                if roman:
                    (key_stems if stem else keys).setdefault(roman.key_of_own(plain), set()).add(number)
        if roman:
            self._romans.append((roman, keys, key_stems))
        self._classes += len(compiled["classes"])
        for word in compiled["fuzzy"]:
            for part in one_less(word):
                self._fuzzy.setdefault(part, set()).add(word)
        self._deny.update(compiled["deny"])
        self._prefixes += [each for each in compiled["prefixes"] if each not in self._prefixes]
        all_stems = [*self._stems, *(each for _, _, stems in self._romans for each in stems)]
        self._longest_stem = max(map(len, all_stems), default=0)
        self._stem_heads = {each[:SHORTEST_STEM] for each in all_stems}
        self.clear()
        self._split.clear()
        return first

    def __missing__(self, word: str) -> int:
        if is_break(word):
            return BREAK
        signature = self._number(self._classes_of(word))
        if len(word) <= LONGEST_WORD:
            if len(self) >= MOST_WORDS:
                self.clear()
            self[word] = signature
        return signature

    def _number(self, classes: Iterable[int]) -> int:
        wanted = frozenset(classes)
        number = self._numbers.get(wanted)
        if number is None:
            number = self._numbers[wanted] = len(self.signatures)
            self.signatures.append(wanted)
        return number

    def _classes_of(self, word: str) -> set[int]:
        found: set[int] = set()
        spellings = respell(word)
        for spelling in spellings:
            found |= self._spelt(spelling)
            for prefix in self._prefixes:
                rest = spelling.removeprefix(prefix)
                self.work += 1
                if rest != spelling and len(rest) > 2:
                    found |= self._spelt(rest)
        if not any(spelling in self._exact for spelling in spellings):
            found |= self._nearly(spellings)
            if "*" in word:
                found |= self._masked(word)
        return found

    def _spelt(self, word: str) -> set[int]:
        self.work += 1
        found = set(self._exact.get(word, ()))
        self._add_stems(word, self._stems, found)
        if self._romans and word.isascii():
            for roman, keys, stems in self._romans:
                key = roman.key(word)
                self.work += 1
                found |= keys.get(key, set())
                self._add_stems(key, stems, found)
        return found

    def _add_stems(self, word: str, stems: dict[str, set[int]], found: set[int]) -> None:
        # Few words begin as any stem does.
        if word[:SHORTEST_STEM] not in self._stem_heads:
            return
        for length in range(SHORTEST_STEM, min(len(word), self._longest_stem) + 1):
            self.work += 1
            numbers = stems.get(word[:length])
            if numbers:
                found |= numbers

    def _nearly(self, spellings: Sequence[str]) -> set[int]:
        """Classes of the fuzzy words that are one letter away, or masked by stars."""
        found: set[int] = set()
        for word in spellings:
            if not 4 < len(word) <= _LONGEST_FUZZY or word in self._deny:
                continue
            for part in one_less(word):
                self.work += 1
                for fuzzy in self._fuzzy.get(part, ()):
                    self.work += 1
                    if within_one(word, fuzzy):
                        found |= self._spelt(fuzzy)
        return found

    def _masked(self, word: str) -> set[int]:
        """Classes of the words that this one could be where stars hide letters: at most half of them, not the first."""
        found: set[int] = set()
        if not 2 < len(word) <= _LONGEST_FUZZY or word[0] == "*" or 2 * word.count("*") > len(word):
            return found
        for known in self._by_shape.get((len(word), word[0]), ()):
            self.work += 1
            if all(hidden in ("*", letter) for hidden, letter in zip(word, known, strict=True)):
                found |= self._exact[known]
        return found

    def split(self, word: str, shortest: int = SHORTEST_GLUED) -> tuple[str, ...]:
        """The known words that this unknown one is glued of, as few as possible; none where it is not."""
        if not shortest <= len(word) <= LONGEST_WORD or word in self._deny:
            return ()
        known = self._split.get(word)
        if known is None:
            if len(self._split) >= MOST_WORDS:
                self._split.clear()
            known = self._split[word] = self._cut_glued(word)
        return known

    def _cut_glued(self, word: str) -> tuple[str, ...]:
        best: list[tuple[str, ...] | None] = [(), *([None] * len(word))]
        for end in range(1, len(word) + 1):
            for start in range(max(0, end - _LONGEST_FUZZY), end):
                self.work += 1
                before = best[start]
                if before is None or word[start:end] not in self._exact:
                    continue
                here = best[end]
                if here is None or len(before) + 1 < len(here):
                    best[end] = (*before, word[start:end])
        return best[-1] or ()
