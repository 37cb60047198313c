"""What clients saw, and whether it could be: the checker of the fault tests. Pure.

A history holds what each sender tried and was told, and what each reader was given, in the order in which it
came. It is right when every acknowledged message was delivered to every reader exactly once, all readers saw
one order, and nothing was delivered that nobody sent. A message that was never acknowledged may be there or
not, but for all alike.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum

from peerchat.protocol.codec import encode_canonical
from peerchat.protocol.server_frames import Item


class Fault(StrEnum):
    """What can be wrong with a history."""

    LOST = "an acknowledged message is missing"
    DOUBLED = "something was delivered twice"
    REORDERED = "a reader was given a later seq before an earlier one"
    TWO_ORDERS = "two readers saw different things under one seq"
    UNEQUAL = "a reader misses what another one has"
    INVENTED = "something was delivered that nobody sent"
    TWO_ACKS = "one message was acknowledged under two seqs"
    MOVED = "a message was delivered under another seq than the acknowledged one"


@dataclass(frozen=True, slots=True)
class Delivered:
    """One item as a reader got it. ``key`` names it, ``digest`` is what it held."""

    seq: int
    key: str
    digest: str
    is_message: bool


def digest_of(content: bytes) -> str:
    """Return a short name for ``content``."""
    return hashlib.sha256(content).hexdigest()[:16]


def delivered(item: Item) -> Delivered:
    """Return ``item`` as a history keeps it."""
    match item.kind:
        case "message":
            return Delivered(item.seq, item.message_id.hex(), digest_of(item.ciphertext), True)
        case "commit":
            return Delivered(item.seq, f"commit {item.epoch}", digest_of(item.commit), False)
        case "entry":
            whole = digest_of(encode_canonical(item.entry))
            return Delivered(item.seq, f"entry {whole}", whole, False)


@dataclass
class History:
    """``sent``: per message id all contents that were tried; ``acked``: per message id every seq that was
    told.
    """

    sent: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    acked: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    readers: dict[str, list[Delivered]] = field(default_factory=lambda: defaultdict(list))


def faults_in(history: History) -> list[tuple[Fault, str]]:
    """Return every fault in a history that has come to rest, with whom or what it concerns."""
    return [
        *_acknowledgements(history),
        *(fault for name, items in history.readers.items() for fault in _reader(history, name, items)),
        *_readers_together(history),
    ]


def _acknowledgements(history: History) -> list[tuple[Fault, str]]:
    return [(Fault.TWO_ACKS, key) for key, seqs in history.acked.items() if len(set(seqs)) > 1]


def _reader(history: History, name: str, items: list[Delivered]) -> list[tuple[Fault, str]]:
    found: list[tuple[Fault, str]] = []
    keys: set[str] = set()
    seqs: set[int] = set()
    last = 0
    for item in items:
        where = f"{name}: {item.key} at {item.seq}"
        if item.key in keys or item.seq in seqs:
            found.append((Fault.DOUBLED, where))
        elif item.seq < last:
            found.append((Fault.REORDERED, where))
        if item.is_message and item.digest not in history.sent.get(item.key, ()):
            found.append((Fault.INVENTED, where))
        if item.seq not in history.acked.get(item.key, [item.seq]):
            found.append((Fault.MOVED, where))
        keys.add(item.key)
        seqs.add(item.seq)
        last = max(last, item.seq)
    found += [(Fault.LOST, f"{name}: {key}") for key in history.acked if key not in keys]
    return found


def _readers_together(history: History) -> list[tuple[Fault, str]]:
    found: list[tuple[Fault, str]] = []
    at: dict[int, tuple[str, str]] = {}
    for name, items in history.readers.items():
        for item in items:
            if at.setdefault(item.seq, (item.key, item.digest)) != (item.key, item.digest):
                found.append((Fault.TWO_ORDERS, f"{name}: {item.key} at {item.seq}"))
    everything = set(at)
    for name, items in history.readers.items():
        missing = everything - {item.seq for item in items}
        found += [(Fault.UNEQUAL, f"{name}: seq {seq}") for seq in sorted(missing)]
    return found
