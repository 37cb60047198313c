"""Frames a client sends over its one WebSocket (subprotocol ``peerchat.1``), told apart by ``type``.

A retired type or field is kept in ``RESERVED`` with the reason and never used again.
"""

from typing import Annotated, Literal

from pydantic import Field

from peerchat.protocol import limits
from peerchat.protocol.types import Ciphertext, Count, Id, WireModel

SUBPROTOCOL = "peerchat.1"
RESERVED: dict[str, str] = {}


class Send(WireModel):
    """One application message. Sending the same ``message_id`` again returns the same ``seq`` and stores nothing."""

    type: Literal["send"]
    room_id: Id
    message_id: Id
    epoch: Count
    ciphertext: Ciphertext


class Pull(WireModel):
    """Ask for a room's items with ``seq > after``, oldest first."""

    type: Literal["pull"]
    room_id: Id
    after: Count
    limit: Annotated[int, Field(ge=1, le=limits.PULL_MAX_ITEMS)]


class PullDevice(WireModel):
    """Ask for this device's own events (welcomes, admissions) with ``seq > after``, and drop those up to it."""

    type: Literal["pull_device"]
    after: Count


class Credit(WireModel):
    """How many pushed frames (``items`` and ``device_items``) were taken in, counted since connecting."""

    type: Literal["credit"]
    frames: Count


class RoomPresence(WireModel):
    room_id: Id
    mode: Literal["speaking", "listening"]


class Presence(WireModel):
    """The rooms that are open on this device's screen. A lease: renewed every ``PRESENCE_RENEW_MS``, else it ends."""

    type: Literal["presence"]
    rooms: Annotated[list[RoomPresence], Field(max_length=limits.PRESENCE_MAX_ROOMS)]


class Turn(WireModel):
    """Ask for a turn to commit, which this device needs to renew its keys; repeated every ``TURN_RENEW_MS`` until it
    came. ``urgent``: its person waits for it, with a message that cannot go before.
    """

    type: Literal["turn"]
    room_id: Id
    urgent: bool


ClientFrame = Annotated[Send | Pull | PullDevice | Credit | Presence | Turn, Field(discriminator="type")]
