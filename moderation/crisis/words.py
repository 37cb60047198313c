"""Cutting folded text into words, and the readings that a hidden word could have.

Two ways of cutting: the plain one, and one that joins what may have been pulled apart (`s.u.i.c.i.d.e`, `k i l l`).
Rejoined and respelt words stand beside the plain ones and never replace them.
"""

import re
from collections.abc import Iterator
from typing import Final

from moderation.crisis import tables

LONGEST_WORD: Final = 40
"""Letters. What is longer is no word; only its beginning and its collapsed form are looked at."""


def _class_of(ranges: tuple[tuple[int, int], ...]) -> str:
    return "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in ranges)


_WORD = f"[{_class_of(tables.WORD_RANGES)}]"
_NO_WORD = f"[^{_class_of(tables.WORD_RANGES)}]"
_HAN = f"[{_class_of(tables.HAN_RANGES)}]"
_SIGNS = "@$!|+*#"
_BREAK = f"[.!?]+(?!{_WORD})"

PLAIN: Final = re.compile(f"{_HAN}|{_WORD}+(?:'{_WORD}+)*|{_BREAK}")
"""Words, and the ends of sentences."""

_SPACED = f"{_WORD}([ .\\-_*/]{{1,2}}){_WORD}(?!{_WORD})(?:\\1{_WORD}(?!{_WORD}))+"
_JOINED_WORD = f"[@$]?{_WORD}+(?:[{re.escape(_SIGNS)}._'\\-]{{1,3}}{_WORD}+)*"
JOINED: Final = re.compile(f"{_SPACED}|{_HAN}|{_JOINED_WORD}|{_BREAK}")
"""The same, but letters with single signs between them are one word."""

SUSPECT: Final = re.compile(
    f"(?:^|{_NO_WORD}){_SPACED}|[@$]{_WORD}|{_WORD}[{re.escape(_SIGNS)}._\\-]{{1,3}}{_WORD}"
)
"""Whether joining can give anything new."""

_NEIGHBOURS = re.compile(f"{_WORD}{_WORD}")
_JOINTS = str.maketrans("", "", " ._'-/#")
_THREE = re.compile(r"(.)\1{2,}", re.DOTALL)
_TWO = re.compile(r"(.)\1+", re.DOTALL)
_SIGN = re.compile(r"[0-9@$!|+]")
_LATIN = re.compile("[a-z]")
_CYRILLIC = re.compile("[\u0430-\u045f\u0450-\u052f]")
_GREEK = re.compile("[\u03b1-\u03c9]")


def is_break(word: str) -> bool:
    """Whether this is the end of a sentence, not a word."""
    return word[0] in ".!?"


def join(word: str) -> str:
    """A word of the joined cut without what stood between its letters; masking stars stay."""
    joined = word.translate(_JOINTS)
    return joined.replace("*", "") if is_spaced(word) else joined


def is_spaced(word: str) -> bool:
    """Whether these are single letters with something between each two."""
    return not _NEIGHBOURS.search(word)


def respell(word: str) -> list[str]:
    """The word and the words it may stand for; at most a dozen, each no longer than the word."""
    word = word.replace("'", "")
    if len(word) > LONGEST_WORD:
        shorter = _TWO.sub(r"\1", word)
        return [shorter] if len(shorter) <= LONGEST_WORD else [shorter[:LONGEST_WORD]]
    spellings = [word]
    if _SIGN.search(word):
        spellings += [each for each in _unleet(word) if each not in spellings]
    if not word.isascii():
        spellings += [each for each in _unmix(spellings) if each not in spellings]
    for each in list(spellings):
        for shorter in _unstretch(each):
            if shorter not in spellings:
                spellings.append(shorter)
    return spellings


def _unleet(word: str) -> Iterator[str]:
    latin, cyrillic = _LATIN.search(word), _CYRILLIC.search(word)
    if latin:
        yield from _read_signs(word, tables.LEET_LATIN)
    if cyrillic:
        yield from _read_signs(word, tables.LEET_CYRILLIC)


def _read_signs(word: str, table: dict[str, str]) -> Iterator[str]:
    """Two readings: every sign by its first letter, every sign by its second. Mixed ones are not tried."""
    for place in (0, 1):
        read = "".join(
            table[char][min(place, len(table[char]) - 1)] if char in table else char for char in word
        )
        if read != word:
            yield read


def _unmix(spellings: list[str]) -> Iterator[str]:
    for word in list(spellings):
        latin, cyrillic, greek = _LATIN.search(word), _CYRILLIC.search(word), _GREEK.search(word)
        if latin and cyrillic:
            yield "".join(tables.CYRILLIC_AS_LATIN.get(char, char) for char in word)
            yield "".join(tables.LATIN_AS_CYRILLIC.get(char, char) for char in word)
        if latin and greek:
            yield "".join(tables.GREEK_AS_LATIN.get(char, char) for char in word)


def _unstretch(word: str) -> Iterator[str]:
    if _THREE.search(word):
        yield _THREE.sub(r"\1\1", word)
        yield _TWO.sub(r"\1", word)
    elif len(word) > 5 and len(_TWO.findall(word)) > 2:
        yield _TWO.sub(r"\1", word)


def within_one(word: str, other: str) -> bool:
    """Whether one letter more, less or other, or two exchanged neighbours, make one the other."""
    if len(word) > len(other):
        word, other = other, word
    if len(other) - len(word) > 1:
        return False
    head = 0
    while head < len(word) and word[head] == other[head]:
        head += 1
    if len(word) == len(other):
        exchanged = word[head + 1 : head + 2] + word[head : head + 1] + word[head + 2 :]
        return word[head + 1 :] == other[head + 1 :] or (len(word) > head + 1 and exchanged == other[head:])
    return word[head:] == other[head + 1 :]


def one_less(word: str) -> set[str]:
    """The word, and the word with each one of its letters left out: two words within one share one of these."""
    return {word, *(word[:place] + word[place + 1 :] for place in range(len(word)))}
