"""What the tests of rooms begin with: a demo community, a certified leader, a room with two members."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from peerchat.protocol.signed import InviteRole
from tests.support.people import Person, Village
from tests.support.rooms import OpenRoom
from tests.support.time import HandClock


@pytest.fixture
def clock() -> Iterator[HandClock]:
    """Time that moves only when the test says so."""
    with HandClock().running() as hand:
        yield hand


@pytest.fixture
def village(db: None, clock: HandClock) -> Village:
    return Village.found(demo=True)


@pytest.fixture
def leader(village: Village) -> Person:
    return village.join("Lee", role=InviteRole.LEADER)


@pytest.fixture
def room(village: Village, leader: Person) -> OpenRoom:
    return OpenRoom.open(village, leader)


@pytest.fixture
def amal(room: OpenRoom) -> Person:
    return room.member("Amal")


@pytest.fixture
def binta(room: OpenRoom) -> Person:
    return room.member("Binta")


@pytest.fixture
def other_room(village: Village) -> OpenRoom:
    """A room that the others have nothing to do with."""
    return OpenRoom.open(village, village.join("Otherleader", role=InviteRole.LEADER))
