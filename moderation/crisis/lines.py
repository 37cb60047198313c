"""JSON lines in, JSON lines out: what `peerchat crisis-match` does."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from moderation.crisis.matcher import Matcher


class LineWrong(Exception):
    """A line that is no message. The text gives its number and never its words."""


def match_lines(matcher: Matcher, lines: Iterable[str], *, explain: bool = False) -> Iterator[str]:
    """One answer for each line ``{"id","text"}``: ``{"id","crisis","category","severity"}``.

    With ``explain``, also ``matches``: entry, category, severity and the span in code points. Errors: ``LineWrong``.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            message = json.loads(line)
            identity, text = message["id"], message["text"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise LineWrong(f"line {number} is not a message") from None
        if not isinstance(identity, str) or not isinstance(text, str):
            raise LineWrong(f"line {number} is not a message")
        yield json.dumps(answer(matcher, identity, text, explain=explain))


def answer(matcher: Matcher, identity: str, text: str, *, explain: bool) -> dict[str, Any]:
    """The answer for one message: the gravest match decides."""
    matches = matcher.find(text)
    gravest = matches[0] if matches else None
    found: dict[str, Any] = {
        "id": identity,
        "crisis": gravest is not None,
        "category": gravest.category.value if gravest else None,
        "severity": gravest.severity if gravest else 0,
    }
    if explain:
        found["matches"] = [
            {
                "entry": each.entry,
                "category": each.category.value,
                "severity": each.severity,
                "span": [each.start, each.end],
            }
            for each in matches
        ]
    return found
