"""All items of all loaded packs as one automaton over words, made deterministic as it is used.

A step costs one look-up once it is known. A new step is bounded by the number of the packs' edges, and the table of
known steps is thrown away when it is full: hostile text costs time in proportion to its words, and no more memory
than the table.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from moderation.crisis.shapes import ANY, Shape, build

MOST_STATES: Final = 20_000
"""Known states before all are forgotten; each is a few hundred bytes."""


class Item:
    """One compiled item, with its edges turned round, to find where a match began."""

    __slots__ = ("accepting", "backwards", "category", "guards", "identity", "requirements", "severity")

    def __init__(self, identity: str, category: int, severity: int) -> None:
        self.identity, self.category, self.severity = identity, category, severity
        self.backwards: dict[int, list[tuple[int, int]]] = {}
        self.accepting: tuple[int, ...] = ()
        self.guards: list[tuple[int, int, int, int]] = []
        self.requirements: list[tuple[int, int]] = []


class Automaton:
    """Steps from state to state by the classes of each word. State 0 is where nothing has begun."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self._starts: dict[int, list[int]] = {}
        self._edges: list[dict[int, list[int]]] = []
        self._accepts: list[int] = []
        self.work = 0
        """Edges looked at while making new steps; the tests bound it."""
        self._forget()

    def _forget(self) -> None:
        self.rows: list[dict[int, int]] = [{}]
        self.accepted: list[tuple[int, ...]] = [()]
        self._known: dict[frozenset[int], int] = {frozenset(): 0}
        self._members: list[frozenset[int]] = [frozenset()]

    def add(self, compiled: Sequence[Any], slots: Sequence[Shape], first_class: int) -> int:
        """Add a compiled item, whose class numbers begin at ``first_class`` here. Returns its number."""
        identity, category, severity, max_gap, shapes = compiled[:5]
        ways = build(shapes, max_gap=max_gap, slots=slots)
        number = len(self.items)
        item = Item(identity, category, severity)
        item.accepting = tuple(sorted(ways.accepting))
        offset = len(self._edges) - 1
        states = max(after for _, _, after in ways.edges)
        states = max(states, *(before for before, _, _ in ways.edges))
        self._edges += [{} for _ in range(states)]
        self._accepts += [-1] * states
        for before, local, after in ways.edges:
            label = ANY if local == ANY else local + first_class
            item.backwards.setdefault(after, []).append((label, before))
            edges = self._edges[before + offset] if before else self._starts
            edges.setdefault(label, []).append(after + offset)
        for state in ways.accepting:
            self._accepts[state + offset] = number
        self.items.append(item)
        self._forget()
        return number

    def step(self, state: int, signature: int, classes: Iterable[int], *, is_break: bool) -> int:
        """The state after a word of these classes, made and remembered."""
        if len(self._members) >= MOST_STATES:
            members = self._members[state]
            self._forget()
            state = self._intern(members)
        reached: set[int] = set()
        if not is_break:
            present = frozenset(classes)
            self.work += len(present) + 1
            for label in self._starts.keys() & present:
                reached.update(self._starts[label])
            for member in self._members[state]:
                edges = self._edges[member]
                self.work += min(len(edges), len(present)) + 1
                if ANY in edges:
                    reached.update(edges[ANY])
                for label in edges.keys() & present:
                    reached.update(edges[label])
        after = self._intern(frozenset(reached))
        self.rows[state][signature] = after
        return after

    def _intern(self, members: frozenset[int]) -> int:
        known = self._known.get(members)
        if known is None:
            known = self._known[members] = len(self._members)
            self._members.append(members)
            self.rows.append({})
            self.accepted.append(tuple(sorted({self._accepts[each] for each in members} - {-1})))
        return known

    def start_of(self, number: int, end: int, classes: Sequence[frozenset[int] | None]) -> int:
        """Where the shortest match of the item that ends with word ``end`` began. ``None`` marks a sentence's end."""
        item = self.items[number]
        frontier = set(item.accepting)
        place = end
        while frontier:
            here = classes[place]
            before: set[int] = set()
            if here is not None:
                for state in frontier:
                    for label, earlier in item.backwards.get(state, ()):
                        self.work += 1
                        if label == ANY or label in here:
                            before.add(earlier)
            if 0 in before or place == 0:
                return place
            frontier = before
            place -= 1
        return end
