"""One long random walk of a room of both implementations: adds, removes, rotations, messages, lost races.

After each commit every member exports the same secret; every message is read by every other member; whoever was
removed learns it and cannot read on. ``python -m tests.interop.walk --steps 500`` prints its seed; the same seed makes
the same choices (the keys stay random).
"""

from __future__ import annotations

import argparse
import random
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.interop.peers import MadeCommit, NodeHost, OurPeer, Peer, RustPeer

SMALLEST, LARGEST = 2, 9
GROUP_ID = b"interop-room"


class WalkError(AssertionError):
    """The two implementations no longer agree."""


@dataclass
class Walk:
    """State of a walk. ``count`` tells what was done: a walk that tried nothing must not pass for one that did."""

    choice: random.Random
    host: NodeHost
    room: list[Peer] = field(default_factory=list)
    gone: list[Peer] = field(default_factory=list)
    made: int = 0
    count: Counter[str] = field(default_factory=Counter)

    def new_peer(self) -> Peer:
        self.made += 1
        if self.choice.random() < 0.5:
            return OurPeer(f"ours-{self.made}", self.host)
        return RustPeer(f"rust-{self.made}")

    def pick(self, among: list[Peer] | None = None) -> Peer:
        return self.choice.choice(self.room if among is None else among)


def kind_of(peer: Peer) -> str:
    return "ours" if isinstance(peer, OurPeer) else "rust"


def begin(walk: Walk) -> None:
    """The first two are of one kind each; which of them founds the room is left to chance."""
    walk.made = 2
    pair: list[Peer] = [OurPeer("ours-1", walk.host), RustPeer("rust-2")]
    walk.choice.shuffle(pair)
    founder, second = pair
    founder.found(GROUP_ID)
    walk.room = [founder]
    land(walk, founder, founder.make_commit([second.key_package()], []), [second])
    for peer in walk.room:
        speak(walk, peer)


def land(walk: Walk, committer: Peer, made: MadeCommit, joiners: list[Peer]) -> None:
    """The server takes this commit: its maker applies its own, everyone else receives it, the joiners join."""
    for peer in [peer for peer in walk.room if peer is not committer]:
        if peer.receive(made.commit):
            walk.room.remove(peer)
            walk.gone.append(peer)
            walk.count[f"{kind_of(peer)} learned its removal"] += 1
    committer.win()
    for joiner in joiners:
        if made.welcome is None:
            raise WalkError("no Welcome")
        joiner.join(made.welcome)
        walk.room.append(joiner)
        walk.count[f"{kind_of(joiner)} joined a tree of {kind_of(committer)}"] += 1
    walk.count[f"{kind_of(committer)} committed"] += 1
    check_agreement(walk)


def check_agreement(walk: Walk) -> None:
    views = [(peer, peer.look()) for peer in walk.room]
    if len({view.secret for _, view in views}) != 1:
        raise WalkError("members of one epoch export different secrets")
    names = frozenset(peer.name for peer in walk.room)
    for peer, view in views:
        if view.names and view.names != names:
            raise WalkError(f"{peer.name} sees other members")


def speak(walk: Walk, sender: Peer) -> None:
    text = f"{sender.name} says {walk.choice.randbytes(walk.choice.randrange(40)).hex()}"
    message = sender.seal(text)
    for reader in walk.room:
        if reader is not sender and reader.open(message) != text:
            raise WalkError("a message was read wrongly")
    for removed in walk.gone[-2:]:
        try:
            removed.open(message)
        except Exception:
            walk.count["kept out of a message"] += 1
        else:
            raise WalkError(f"{removed.name} was removed and reads on")
    walk.count[f"{kind_of(sender)} spoke"] += 1


def step_add(walk: Walk) -> None:
    if len(walk.room) >= LARGEST:
        return step_remove(walk)
    joiners = [
        walk.new_peer() for _ in range(min(walk.choice.choice([1, 1, 1, 2]), LARGEST - len(walk.room)))
    ]
    committer = walk.pick()
    made = committer.make_commit([joiner.key_package() for joiner in joiners], [])
    land(walk, committer, made, joiners)
    for joiner in joiners:
        speak(walk, joiner)
    return None


def step_remove(walk: Walk) -> None:
    pairs = [
        (remover, victim)
        for remover in walk.room
        for victim in walk.room
        if remover is not victim and remover.can_remove(victim.name)
    ]
    if len(walk.room) <= SMALLEST or not pairs:
        return step_add(walk)
    remover, victim = walk.choice.choice(pairs)
    land(walk, remover, remover.make_commit([], [victim.name]), [])
    if victim in walk.room:
        raise WalkError(f"{victim.name} did not learn its removal")
    walk.count["removed"] += 1
    return None


def step_rotate(walk: Walk) -> None:
    committer = walk.pick()
    land(walk, committer, committer.make_commit([], []), [])


def step_message(walk: Walk) -> None:
    speak(walk, walk.pick())


def step_race(walk: Walk) -> None:
    """Two make a commit on the same epoch; one is taken, and the other one's maker goes on without harm."""
    first, second = walk.choice.sample(walk.room, 2)
    kept = first.make_commit([], [])
    second.make_commit([], [])
    land(walk, first, kept, [])
    walk.count[f"{kind_of(second)} lost a race to {kind_of(first)}"] += 1
    speak(walk, second)


STEPS: list[tuple[Callable[[Walk], None], int]] = [
    (step_add, 20),
    (step_remove, 15),
    (step_rotate, 20),
    (step_message, 30),
    (step_race, 15),
]


def take_walk(*, steps: int, seed: int) -> Counter[str]:
    """Take the walk and return what was done. Raises ``WalkError`` with the seed and the step."""
    host = NodeHost()
    walk = Walk(choice=random.Random(seed), host=host)
    deeds, weights = [deed for deed, _ in STEPS], [weight for _, weight in STEPS]
    taken = 0
    try:
        begin(walk)
        while taken < steps:
            walk.choice.choices(deeds, weights)[0](walk)
            taken += 1
    except Exception as error:  # mls-rs raises its own: whatever went wrong, the seed must be told
        raise WalkError(f"seed {seed}, step {taken + 1}: {error!r}") from error
    finally:
        host.close()
    return walk.count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    seed = secrets.randbelow(1 << 32) if given.seed is None else given.seed
    print(f"interop walk: {given.steps} steps from seed {seed}", flush=True)
    began = time.monotonic()
    count = take_walk(steps=given.steps, seed=seed)
    for what, times in sorted(count.items()):
        print(f"  {times:5}  {what}")
    print(f"both implementations agreed at every step ({time.monotonic() - began:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
