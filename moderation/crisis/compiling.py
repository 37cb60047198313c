"""From a pack's source to its compiled form: what a client loads, in Python and in TypeScript alike.

The compiled form is JSON without a choice in it: the same source gives the same bytes.

    format, lang, version, reviewed
    words       all words; `stem*` is every word that begins so
    classes     each a set of words: the first one's place in `words`, then how much further on each next one is
    fuzzy, deny, prefixes, roman    as in the source, folded
    slots       shapes that others name by number (moderation/crisis/shapes.py)
    items       [id, category or -1 for a helper, severity, largest gap, [shape, ...], guards, requirements]
    guards      [item or -1 for quotation marks, where, reach, lower], of the entry that names them by number
    requirements    [item, within], likewise
    turns       the item that begins a new clause, or -1
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from moderation.crisis.folding import fold
from moderation.crisis.packs import Entry, Pack
from moderation.crisis.patterns import Classes, PatternWrong, choose, parse, shape_of, without_tail
from moderation.crisis.shapes import ShapeWrong, build
from moderation.crisis.vocabulary import CATEGORIES, WHERES

FORMAT: Final = 1
SHORTEST_FUZZY: Final = 5
"""Letters. In a shorter word one wrong letter makes too many other words."""


def compile_pack(pack: Pack) -> dict[str, Any]:
    """The compiled form. Errors: ``PatternWrong`` names the line or the name that is wrong."""
    classes = Classes()
    items: list[list[Any]] = []
    slot_numbers = {name: place for place, name in enumerate(pack.slots)}
    slots = [
        shape_of(
            choose([parse(line, pack.slots, (name,)) for line in lines]), classes=classes, slots=slot_numbers
        )
        for name, lines in pack.slots.items()
    ]

    def add(identity: str, lines: Sequence[str], category: int, severity: int, max_gap: int = 0) -> int:
        try:
            shapes = [
                shape_of(without_tail(parse(line, pack.slots)), classes=classes, slots=slot_numbers)
                for line in lines
            ]
            build(shapes, max_gap=max_gap, slots=slots)
        except (PatternWrong, ShapeWrong) as error:
            raise PatternWrong(f"{pack.lang}: {identity}: {error}") from error
        items.append([identity, category, severity, max_gap, shapes, [], []])
        return len(items) - 1

    turns = add("turns", pack.turns, -1, 0) if pack.turns else -1
    guard_names = {name: place for place, name in enumerate(pack.guards)}
    guards = [
        [
            add(f"guard.{name}", guard.pattern, -1, 0) if guard.pattern else -1,
            WHERES.index(guard.where),
            guard.reach,
            guard.lower,
        ]
        for name, guard in pack.guards.items()
    ]
    requirement_names = {name: place for place, name in enumerate(pack.requirements)}
    requirements = [
        [add(f"requirement.{name}", each.pattern, -1, 0), each.within]
        for name, each in pack.requirements.items()
    ]
    for entry in pack.entries:
        category = CATEGORIES.index(entry.category)
        place = add(entry.id, entry.pattern, category, entry.severity, entry.max_gap)
        items[place][5] = [_number(pack, entry, name, guard_names) for name in _guards_of(entry)]
        items[place][6] = [_number(pack, entry, name, requirement_names) for name in entry.requires]
    vocabulary = sorted(frozenset().union(*classes.numbers))
    places = {word: place for place, word in enumerate(vocabulary)}
    return {
        "format": FORMAT,
        "lang": pack.lang,
        "version": pack.pack_version,
        "reviewed": bool(pack.reviewers),
        "words": vocabulary,
        "classes": [_steps([places[word] for word in words]) for words in classes.numbers],
        "fuzzy": sorted({_fuzzy_word(pack, word) for word in pack.fuzzy}),
        "deny": sorted({_plain(word) for word in pack.deny}),
        "prefixes": sorted({_plain(word) for word in pack.prefixes}, key=lambda word: (-len(word), word)),
        "roman": {"letters": pack.roman.letters, "reduce": pack.roman.reduce} if pack.roman else None,
        "slots": slots,
        "turns": turns,
        "guards": guards,
        "requirements": requirements,
        "items": items,
    }


def encode_compiled(compiled: dict[str, Any]) -> bytes:
    """The bytes that are shipped, signed and hashed."""
    return json.dumps(compiled, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _guards_of(entry: Entry) -> list[str]:
    return [*([entry.subject] if entry.subject else []), *entry.guards]


def _number(pack: Pack, entry: Entry, name: str, names: dict[str, int]) -> int:
    if name not in names:
        raise PatternWrong(f"{pack.lang}: {entry.id}: nothing is called {name!r}")
    return names[name]


def _steps(numbers: Sequence[int]) -> list[int]:
    ordered = sorted(numbers)
    return [number - before for before, number in zip([0, *ordered], ordered, strict=False)]


def _plain(word: str) -> str:
    return fold(word).replace("'", "").strip()


def _fuzzy_word(pack: Pack, word: str) -> str:
    plain = _plain(word)
    if len(plain) < SHORTEST_FUZZY:
        raise PatternWrong(f"{pack.lang}: fuzzy word {word!r} is too short")
    return plain
