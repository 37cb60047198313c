"""Frames the server sends, told apart by ``type``.

A push is only a hint that happens to carry its content: ``seq`` is the truth. A client that gets items whose
``after`` lies past what it holds pulls from what it holds; nothing is ever lost by a lost frame.
"""

from typing import Annotated, Literal

from pydantic import Field

from peerchat.errors import ErrorCode
from peerchat.protocol.signed import SignedEntry
from peerchat.protocol.types import Ciphertext, CommitBytes, Count, Id, Moment, WelcomeBytes, WireModel

RESERVED: dict[str, str] = {}


class RoomMark(WireModel):
    """Where a room stands: newest ``seq``, ``epoch`` of its group; below ``floor`` only entries are left."""

    room_id: Id
    last_seq: Count
    floor: Count
    epoch: Count


class Ready(WireModel):
    """The first frame. ``device_seq`` is the newest event of this device."""

    type: Literal["ready"]
    now: Moment
    device_seq: Count
    rooms: list[RoomMark]


class Ack(WireModel):
    """A message is stored and will be delivered. Sent after the commit, never before."""

    type: Literal["ack"]
    room_id: Id
    message_id: Id
    seq: Count
    at: Moment
    expires_at: Moment


class Refused(WireModel):
    """A frame was refused and changed nothing; the socket stays open. ``details`` as in ``errors.py``."""

    type: Literal["refused"]
    code: ErrorCode = Field(strict=False)
    room_id: Id | None
    message_id: Id | None
    details: dict[str, int]


class MessageItem(WireModel):
    """Who sent it stands inside the ciphertext alone."""

    kind: Literal["message"]
    seq: Count
    message_id: Id
    epoch: Count
    at: Moment
    expires_at: Moment
    ciphertext: Ciphertext


class CommitItem(WireModel):
    """The commit that leaves ``epoch``; after it the group is in ``epoch + 1``."""

    kind: Literal["commit"]
    seq: Count
    epoch: Count
    at: Moment
    commit: CommitBytes


class EntryItem(WireModel):
    """An entry of the room log. One that lands with a commit has the ``seq`` just before it."""

    kind: Literal["entry"]
    seq: Count
    entry: SignedEntry


Item = Annotated[MessageItem | CommitItem | EntryItem, Field(discriminator="kind")]


class Items(WireModel):
    """What happened in a room after ``after`` up to and with ``through``; seqs that are missing in between are
    erased.

    ``floor``: no message and no commit below it is left. ``pushed`` frames count against the credit window,
    answers do not.
    """

    type: Literal["items"]
    room_id: Id
    after: Count
    through: Count
    floor: Count
    pushed: bool
    items: list[Item]


class WelcomeEvent(WireModel):
    """This device was added; ``seq`` in the room of the commit that did it, ``epoch`` the one it joins."""

    kind: Literal["welcome"]
    seq: Count
    room_id: Id
    room_seq: Count
    epoch: Count
    welcome: WelcomeBytes


class RoomEvent(WireModel):
    """Something about a room that this person should know; the details are fetched by HTTP."""

    kind: Literal["room"]
    seq: Count
    room_id: Id
    what: Literal["admitted", "declined", "removed", "waiting"]


class CaseEvent(WireModel):
    """The status of a case changed, which this person raised, holds, was asked to take or held; fetched by HTTP."""

    kind: Literal["case"]
    seq: Count
    case_id: Id


DeviceItem = Annotated[WelcomeEvent | RoomEvent | CaseEvent, Field(discriminator="kind")]


class DeviceItems(WireModel):
    """Durable events of this device, in order; kept until the device pulls past them."""

    type: Literal["device_items"]
    after: Count
    through: Count
    pushed: bool
    items: list[DeviceItem]


class PresentMember(WireModel):
    account_id: Id
    mode: Literal["speaking", "listening"]


class PresenceUpdate(WireModel):
    """Who has the room open now. Held in memory for the length of a lease, never stored."""

    type: Literal["presence"]
    room_id: Id
    present: list[PresentMember]


class Notice(WireModel):
    """A nudge without content.

    ``commit_wanted``: this device is nominated until ``until`` to carry out pending adds and removes, and it may renew
    its keys. ``turn_queued``: its wish for a turn is known until ``until``. ``behind``: pushes of this room were held
    back, pull. ``refetch``: what HTTP shows about this room (or the community)
    changed. ``draining``: this process is going away, reconnect after ``until``.
    """

    type: Literal["notice"]
    notice: Literal["commit_wanted", "turn_queued", "behind", "refetch", "draining"]
    room_id: Id | None
    until: Moment | None


ServerFrame = Annotated[
    Ready | Ack | Refused | Items | DeviceItems | PresenceUpdate | Notice, Field(discriminator="type")
]
