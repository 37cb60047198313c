"""Folding: every spelling of a letter becomes one, code point by code point, so that places can be traced back.

Each code point folds alone, whatever stands beside it. That gives up nothing (marks are dropped, so their order does
not matter) and makes the way back to the original text a simple walk, done only when something matched.
"""

import unicodedata

from moderation.crisis import tables

_LAST_ASCII = 0x7F


def _in_ranges(point: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= point <= last for first, last in ranges)


def fold_point(char: str) -> str:
    """What one code point folds to: nothing, one character or a few. The result is lower case."""
    replaced = tables.REPLACED.get(char)
    if replaced is not None:
        return replaced
    if _in_ranges(ord(char), tables.DROPPED):
        return ""
    if _in_ranges(ord(char), tables.UNFOLDED):
        return char
    parts = []
    for part in unicodedata.normalize("NFKD", char):
        again = tables.REPLACED.get(part, part)
        if not (len(again) == 1 and _in_ranges(ord(again), tables.DROPPED)):
            # A capital may fold to a letter and a mark, as the dotted I does; the mark goes.
            parts += [low for low in again.lower() if not _in_ranges(ord(low), tables.DROPPED)]
    return "".join(parts)


class _Folds(dict[int, str]):
    """What ``str.translate`` asks: code point to folded text. It grows by code points, never by text."""

    def __missing__(self, point: int) -> str:
        folded = self[point] = fold_point(chr(point))
        return folded


_FOLDS = _Folds()


def fold(text: str) -> str:
    """The text as patterns see it."""
    # The backtick is the one ASCII character whose fold is not its lower case.
    return text.lower().replace("`", "'") if text.isascii() else text.translate(_FOLDS)


def original_span(text: str, start: int, end: int) -> tuple[int, int]:
    """The code points of ``text`` that folded to ``fold(text)[start:end]``. Linear in ``text``."""
    place = 0
    first = last = -1
    for index, char in enumerate(text):
        after = place + len(_FOLDS[ord(char)])
        if first < 0 and after > start:
            first = index
        if place < end:
            if after > place:
                last = index
        else:
            break
        place = after
    return max(first, 0), last + 1
