"""What the tests of moderation begin with: the same room as those of rooms."""

from tests.rooms.conftest import amal, binta, clock, leader, other_room, room, village

__all__ = ["amal", "binta", "clock", "leader", "other_room", "room", "village"]
