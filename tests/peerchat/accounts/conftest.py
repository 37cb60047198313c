"""What the tests of accounts begin with."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from peerchat.accounts import seams
from peerchat.accounts.seams import NoRooms
from tests.support.people import Village


@pytest.fixture
def village(db: None) -> Village:
    """A demo community, where a certification counts at once, with its first steward."""
    return Village.found(demo=True)


@pytest.fixture
def slow_village(db: None) -> Village:
    """A real community: a lone steward's word counts after a day."""
    return Village.found()


class Rooms(NoRooms):
    """Rooms as a test wishes them to be; it keeps what it was told."""

    def __init__(self) -> None:
        self.led: set[tuple[UUID, UUID]] = set()
        self.shared: set[frozenset[UUID]] = set()
        self.names: dict[UUID, str] = {}
        self.changes = 0
        self.ended: list[UUID] = []

    def leads(self, *, account_id: UUID, room_id: UUID) -> bool:
        return (account_id, room_id) in self.led

    def room_name(self, *, room_id: UUID) -> str | None:
        return self.names.get(room_id)

    def sharing_a_room(self, *, account_id: UUID, others: object) -> set[UUID]:
        assert isinstance(others, set)
        return {other for other in others if frozenset({account_id, other}) in self.shared}

    def community_changed(self) -> None:
        self.changes += 1

    def session_ended(self, *, device_ids: object) -> None:
        assert isinstance(device_ids, list)
        self.ended += device_ids


@pytest.fixture
def rooms() -> Iterator[Rooms]:
    """Stands in for rooms, which accounts does not know."""
    mine = Rooms()
    before = seams.register_rooms(mine)
    yield mine
    seams.register_rooms(before)
