"""Who may append which room log entry: the one table, read by both languages and printed into the docs.

It does not say who may be *certified* (two stewards, or one and the delay in genesis): see docs/protocol.md.
"""

from enum import StrEnum

from peerchat.protocol.signed import Action
from peerchat.protocol.types import WireModel


class Holder(StrEnum):
    """Who holds a power. A room leader is one only while the community certifies the account as leader."""

    CERTIFIED_LEADER = "certified-leader"
    ROOM_LEADER = "room-leader"
    SELF = "self"


class CommitRule(StrEnum):
    """Whether an entry lands with a commit in one transaction (crypto.md, group rule 4)."""

    NONE = "none"
    REQUIRED = "required"


class Power(WireModel):
    """One row. ``on_leader``: whether the target may itself be a leader of the room."""

    action: Action
    holder: Holder
    on_leader: bool
    commit: CommitRule
    meaning: str


POWER_MATRIX: tuple[Power, ...] = (
    Power(
        action=Action.CREATE,
        holder=Holder.CERTIFIED_LEADER,
        on_leader=False,
        commit=CommitRule.NONE,
        meaning="Open a room and lead it.",
    ),
    Power(
        action=Action.ADMIT,
        holder=Holder.ROOM_LEADER,
        on_leader=False,
        commit=CommitRule.NONE,
        meaning="Let a waiting person in; any member's client carries the addition out.",
    ),
    Power(
        action=Action.LEAVE,
        holder=Holder.SELF,
        on_leader=True,
        commit=CommitRule.NONE,
        meaning="Go. The next commit by any member removes the leaf.",
    ),
    Power(
        action=Action.REMOVE,
        holder=Holder.ROOM_LEADER,
        on_leader=False,
        commit=CommitRule.REQUIRED,
        meaning="Close the room to a person: delivery stops and the group re-keys at once.",
    ),
    Power(
        action=Action.GRANT,
        holder=Holder.ROOM_LEADER,
        on_leader=False,
        commit=CommitRule.NONE,
        meaning="Make a certified leader a co-leader of the room.",
    ),
    Power(
        action=Action.MUTE,
        holder=Holder.ROOM_LEADER,
        on_leader=False,
        commit=CommitRule.REQUIRED,
        meaning="A person reads and cannot write, until unmuted.",
    ),
    Power(
        action=Action.HIDE,
        holder=Holder.ROOM_LEADER,
        on_leader=True,
        commit=CommitRule.NONE,
        meaning="Fold a message away; its place says so, the reason goes to its author alone.",
    ),
    Power(
        action=Action.SETTINGS,
        holder=Holder.ROOM_LEADER,
        on_leader=False,
        commit=CommitRule.NONE,
        meaning="Change how long new messages stay.",
    ),
    Power(
        action=Action.LOCK,
        holder=Holder.ROOM_LEADER,
        on_leader=False,
        commit=CommitRule.NONE,
        meaning="Only leaders write and nobody is admitted, until unlocked.",
    ),
)

POWERS: dict[Action, Power] = {power.action: power for power in POWER_MATRIX}
