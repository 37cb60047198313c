"""Our MLS core and an independent implementation stay one group, whoever acts. `make interop` takes the long walk."""

import platform
import secrets
import sys

import pytest

# Said of the platform and not of the import: where the package exists, its absence must fail.
if sys.platform != "linux" or platform.machine() != "x86_64":
    pytest.skip("the independent implementation exists for x86-64 Linux alone", allow_module_level=True)

from tests.interop.peers import NodeHost, OurPeer, PeerFailedError, RustPeer
from tests.interop.walk import take_walk

# Enough that each kind of step happens but with a chance of about one in ten thousand.
STEPS = 70


def test_both_implementations_agree_at_every_step_of_a_random_walk() -> None:
    seed = secrets.randbelow(1 << 32)
    print(f"interop walk: {STEPS} steps from seed {seed}")
    count = take_walk(steps=STEPS, seed=seed)
    assert count["ours committed"] > 0
    assert count["rust committed"] > 0
    assert count["removed"] > 0
    assert count["kept out of a message"] > 0


def test_a_walk_notices_a_member_that_missed_a_commit() -> None:
    host = NodeHost()
    try:
        ours, rust = OurPeer("ours", host), RustPeer("rust")
        ours.found(b"room")
        made = ours.make_commit([rust.key_package()], [])
        ours.win()
        assert made.welcome is not None
        rust.join(made.welcome)
        assert ours.look().secret == rust.look().secret
        ours.make_commit([], [])
        ours.win()
        assert ours.look().secret != rust.look().secret
        with pytest.raises(PeerFailedError, match=r"future-epoch|old-epoch"):
            ours.open(rust.seal("rust says hello"))
    finally:
        host.close()
