"""Shapes, as compiled packs hold them, and the automata without loops that they become when a pack is loaded.

A shape is a number or a list. 0 and more: a word of that class. Below 0: up to that many words of any kind. A list
begins with its kind: a sequence, a choice, an optional part, or a slot, which stands for a shape that many share.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Shape = Any
"""``int | list[Shape]``: recursive, as JSON gives it."""

SEQUENCE: Final = 0
CHOICE: Final = 1
OPTIONAL: Final = 2
SLOT: Final = 3

ANY: Final = -1
"""The label of an edge that any word passes, but no end of a sentence."""
MOST_STATES: Final = 8000


class ShapeWrong(Exception):
    """A shape that can match nothing at all, or has too many ways."""


@dataclass
class Ways:
    """State 0 is the start. An edge is (from, label, to); a label is a class or ``ANY``."""

    edges: set[tuple[int, int, int]] = field(default_factory=set)
    accepting: set[int] = field(default_factory=set)


class _Building:
    """States with empty steps between them, as shapes are laid out one after the other."""

    def __init__(self, slots: Sequence[Shape]) -> None:
        self.slots = slots
        self.empty: dict[int, set[int]] = {0: set()}
        self.steps: list[tuple[int, int, int]] = []

    def state(self) -> int:
        number = len(self.empty)
        if number > MOST_STATES:
            raise ShapeWrong("one entry's lines have too many ways; make it two entries")
        self.empty[number] = set()
        return number

    def add(self, shape: Shape, before: int, gap: int = 0) -> int:
        """Lay the shape out behind a state. Returns the state behind it."""
        if isinstance(shape, int):
            return self.word(shape, before) if shape >= 0 else self.gap(-shape, before)
        kind, parts = shape[0], shape[1:]
        if kind == SEQUENCE:
            for place, part in enumerate(parts):
                before = self.add(part, self.gap(gap, before) if place and gap else before)
            return before
        if kind == SLOT:
            return self.add(self.slots[parts[0]], before)
        after = self.state()
        if kind == OPTIONAL:
            self.empty[before].add(after)
        for part in parts:
            self.empty[self.add(part, before)].add(after)
        return after

    def word(self, label: int, before: int) -> int:
        after = self.state()
        self.steps.append((before, label, after))
        return after

    def gap(self, count: int, before: int) -> int:
        after = self.state()
        self.empty[before].add(after)
        for _ in range(count):
            before = self.word(ANY, before)
            self.empty[before].add(after)
        return after


def build(shapes: Sequence[Shape], *, max_gap: int, slots: Sequence[Shape]) -> Ways:
    """The automaton of an entry: any of its lines. Empty steps are gone; states that go on alike are one."""
    building = _Building(slots)
    ends = {building.add(shape, 0, max_gap) for shape in shapes}
    return _without_empty_steps(building.empty, building.steps, ends)


def _without_empty_steps(
    empty: Mapping[int, set[int]], steps: Sequence[tuple[int, int, int]], ends: set[int]
) -> Ways:
    leaving: dict[int, list[tuple[int, int]]] = {}
    for before, label, after in steps:
        leaving.setdefault(before, []).append((label, after))
    alike: dict[tuple[frozenset[tuple[int, int]], bool], int] = {}
    named: dict[int, int] = {}
    ways = Ways()

    def reached_from(start: int) -> set[int]:
        reached, open_ = {start}, [start]
        while open_:
            fresh = empty[open_.pop()] - reached
            reached |= fresh
            open_ += fresh
        return reached

    def name(number: int) -> int:
        if number in named:
            return named[number]
        reached = reached_from(number)
        outgoing = frozenset(
            (label, name(after)) for inner in reached for label, after in leaving.get(inner, ())
        )
        accepts = not ends.isdisjoint(reached)
        found = alike.setdefault((outgoing, accepts), len(alike) + 1)
        ways.edges.update((found, label, after) for label, after in outgoing)
        if accepts:
            ways.accepting.add(found)
        named[number] = found
        return found

    start = name(0)
    if start in ways.accepting:
        raise ShapeWrong("a line can match nothing at all")
    ways.edges = {(0 if before == start else before, label, after) for before, label, after in ways.edges}
    return ways
