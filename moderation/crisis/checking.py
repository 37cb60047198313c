"""Whether a pack does what its examples say."""

from pathlib import Path
from typing import Any

from moderation.crisis.matcher import Matcher
from moderation.crisis.packs import Pack


def read_pack(path: Path) -> Pack:
    """A source pack. Errors: pydantic's ``ValidationError``, which names the field."""
    return Pack.model_validate_json(path.read_text("utf-8"))


def check_pack(pack: Pack, compiled: dict[str, Any]) -> list[str]:
    """A sentence for each example that goes wrong; none where all is well.

    A positive example must be found by its own entry. A negative one must be found by no entry of the pack.
    """
    matcher = Matcher([compiled])
    problems: list[str] = []
    identities = [entry.id for entry in pack.entries]
    problems += [
        f"{pack.lang}: {each} is there twice"
        for each in {each for each in identities if identities.count(each) > 1}
    ]
    for entry in pack.entries:
        if not entry.id.startswith(f"{pack.lang}."):
            problems.append(f"{entry.id}: an id begins with its language")
        for example in entry.examples_pos:
            if entry.id not in {match.entry for match in matcher.find(example)}:
                problems.append(f"{entry.id} misses its own example: {example}")
        for example in entry.examples_neg:
            for match in matcher.find(example):
                problems.append(f"{match.entry} finds what it must not ({entry.id}): {example}")
    if pack.changelog[-1].version != pack.pack_version:
        problems.append(f"{pack.lang}: the changelog's last line is not about version {pack.pack_version}")
    return problems
