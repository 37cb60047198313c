"""The room log, pure: who is in a room, who leads it, and what leaders did (docs/protocol.md, "Room log").

No clock and no storage: the community's log and the accounts' logs are given. ``frontend/src/crypto/roomLog.ts``
holds the same rules, and tests/vectors/room_log.json holds both to the same answers. It does not know commits: that
``remove`` and ``mute`` land with one is the server's to see to (``append``) and every client's to check.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from peerchat.accounts.account_log import AccountState
from peerchat.errors import ErrorCode
from peerchat.protocol.power_matrix import POWERS, Holder
from peerchat.protocol.signed import (
    Action,
    AdmitBody,
    CreateBody,
    GrantBody,
    Head,
    HideBody,
    LeaveBody,
    LockBody,
    LogKind,
    MuteBody,
    RemoveBody,
    Role,
    RoomRole,
    SettingsBody,
    SignedEntry,
)
from peerchat.signed_log import Link, Place, Verify, check_link, check_signature, read_body, refuse

AccountLookup = Callable[[bytes], AccountState | None]
"""Returns an account's log as verified, or ``None`` for one that is unknown or did not verify."""


class Community(Protocol):
    """What a room's entries are judged by; ``accounts.community_log.CommunityState`` is one."""

    @property
    def root(self) -> bytes: ...

    @property
    def identity_keys(self) -> Mapping[bytes, bytes]:
        """The identity key of every account that was ever certified."""

    def holds(self, head: Head) -> bool:
        """Return whether ``head`` is an entry of the community's log."""

    def is_effective(self, account_id: bytes, role: Role, at: int, head_index: int | None = None) -> bool:
        """Return whether the role counts at ``at`` (UTC ms) by the log up to and with ``head_index``."""


@dataclass(frozen=True, slots=True)
class RoomMember:
    """``identity_key``: the one that was admitted, by which all later entries of the account are judged."""

    account_id: bytes
    identity_key: bytes
    role: RoomRole
    muted: bool


@dataclass(frozen=True, slots=True)
class RoomState:
    """What a room's log says up to ``place``."""

    room_id: bytes
    group_id: bytes
    members: Mapping[bytes, RoomMember]
    hidden: frozenset[bytes] = field(repr=False)
    locked: bool
    expiry_seconds: int
    place: Place


@dataclass(frozen=True, slots=True)
class _Judged:
    """A link whose author is known and signed it."""

    link: Link
    account: AccountState

    @property
    def community_index(self) -> int:
        return self.link.place.community_index


def apply(
    state: RoomState | None,
    signed: SignedEntry,
    *,
    room_id: bytes,
    community: Community,
    accounts: AccountLookup,
    verify: Verify,
) -> RoomState:
    """Return the state after ``signed``; ``state`` is ``None`` before ``create``.

    Raises what ``check_link`` does, ``log.bad_signature``, ``log.no_power`` (the author may not),
    ``log.bad_entry`` (it makes no sense here, or names a community head that is unknown) and ``room.locked``.
    """
    link = check_link(signed, log=LogKind.ROOM, log_id=room_id, place=None if state is None else state.place)
    if state is None:
        return _create(link, community=community, accounts=accounts, verify=verify)
    author_id = link.entry.author.account_id
    member = None if author_id is None else state.members.get(author_id)
    if member is None:
        refuse(ErrorCode.NO_POWER, "The author is no member.")
    judged = _judge_author(link, member.identity_key, community=community, accounts=accounts, verify=verify)
    power = POWERS.get(link.entry.action)
    if (
        power is not None
        and power.holder is Holder.ROOM_LEADER
        and not leads(
            state, member.account_id, community=community, at=link.entry.at, head=judged.community_index
        )
    ):
        refuse(ErrorCode.NO_POWER, "The author does not lead this room.")
    return replace(_effect(state, judged, community), place=link.place)


def replay(
    entries: Iterable[SignedEntry],
    *,
    room_id: bytes,
    community: Community,
    accounts: AccountLookup,
    verify: Verify,
) -> RoomState | None:
    """Return the state after ``entries``, or ``None`` for an empty log."""
    state: RoomState | None = None
    for signed in entries:
        state = apply(state, signed, room_id=room_id, community=community, accounts=accounts, verify=verify)
    return state


def leads(
    state: RoomState, account_id: bytes, *, community: Community, at: int, head: int | None = None
) -> bool:
    """Return whether the account leads at ``at`` (UTC ms), by this log and the community's up to index ``head``."""
    member = state.members.get(account_id)
    return (
        member is not None
        and member.role is RoomRole.LEADER
        and _is_certified(community, member.account_id, member.identity_key, at, head)
    )


def _is_certified(
    community: Community, account_id: bytes, identity_key: bytes, at: int, head: int | None
) -> bool:
    """Whether this very person is an effective leader: an id alone says nothing, whose log is the server's to show."""
    return community.identity_keys.get(account_id) == identity_key and community.is_effective(
        account_id, Role.LEADER, at, head
    )


def _judge_author(
    link: Link, identity_key: bytes, *, community: Community, accounts: AccountLookup, verify: Verify
) -> _Judged:
    author, at, head = link.entry.author, link.entry.at, link.entry.community_head
    account = None if author.account_id is None else accounts(author.account_id)
    if account is None:
        refuse(ErrorCode.NO_POWER, "The author is unknown.")
    if account.identity_key != identity_key:
        refuse(ErrorCode.NO_POWER, "The author's account is of another identity.")
    key = account.device_key_at(author.device_id, at)
    if key is None:
        refuse(ErrorCode.NO_POWER, "The author's device is not live.")
    check_signature(link, key=key, root=community.root, verify=verify)
    if head is None or not community.holds(head):
        refuse(ErrorCode.BAD_ENTRY, "The community's head is unknown.")
    return _Judged(link, account)


def _create(link: Link, *, community: Community, accounts: AccountLookup, verify: Verify) -> RoomState:
    if link.entry.action is not Action.CREATE:
        refuse(ErrorCode.BAD_ENTRY, "A room begins with create.")
    body = read_body(link, CreateBody)
    judged = _judge_author(link, body.identity_key, community=community, accounts=accounts, verify=verify)
    founder = RoomMember(
        account_id=judged.account.account_id,
        identity_key=body.identity_key,
        role=RoomRole.LEADER,
        muted=False,
    )
    if not _is_certified(
        community, founder.account_id, founder.identity_key, link.entry.at, judged.community_index
    ):
        refuse(ErrorCode.NO_POWER, "The author is no certified leader.")
    return RoomState(
        room_id=link.entry.log_id,
        group_id=body.group_id,
        members={founder.account_id: founder},
        hidden=frozenset(),
        locked=False,
        expiry_seconds=body.expiry_seconds,
        place=link.place,
    )


def _effect(state: RoomState, judged: _Judged, community: Community) -> RoomState:
    link = judged.link
    match link.entry.action:
        case Action.ADMIT:
            return _admit(state, link)
        case Action.LEAVE:
            read_body(link, LeaveBody)
            if _is_only_leader(state, judged.account.account_id):
                refuse(ErrorCode.BAD_ENTRY, "The only leader stays.")
            return _without(state, judged.account.account_id)
        case Action.REMOVE:
            return _without(state, _target(state, link, read_body(link, RemoveBody).account_id).account_id)
        case Action.GRANT:
            return _grant(state, judged, community)
        case Action.MUTE:
            mute = read_body(link, MuteBody)
            return _with(state, replace(_target(state, link, mute.account_id), muted=mute.muted))
        case Action.HIDE:
            return replace(state, hidden=state.hidden | {read_body(link, HideBody).message_id})
        case Action.SETTINGS:
            return replace(state, expiry_seconds=read_body(link, SettingsBody).expiry_seconds)
        case Action.LOCK:
            return replace(state, locked=read_body(link, LockBody).locked)
        case _:
            refuse(ErrorCode.BAD_ENTRY, "This is no action of a room's log.")


def _admit(state: RoomState, link: Link) -> RoomState:
    body = read_body(link, AdmitBody)
    if body.account_id in state.members:
        refuse(ErrorCode.BAD_ENTRY, "The account is a member already.")
    if state.locked:
        refuse(ErrorCode.ROOM_LOCKED, "Nobody is admitted while the room is locked.")
    return _with(
        state,
        RoomMember(
            account_id=body.account_id, identity_key=body.identity_key, role=RoomRole.MEMBER, muted=False
        ),
    )


def _grant(state: RoomState, judged: _Judged, community: Community) -> RoomState:
    body = read_body(judged.link, GrantBody)
    target = _member(state, body.account_id)
    if body.room_role is RoomRole.LEADER:
        if not _is_certified(
            community,
            target.account_id,
            target.identity_key,
            judged.link.entry.at,
            judged.community_index,
        ):
            refuse(ErrorCode.NO_POWER, "Only a certified leader can lead a room.")
    elif _is_only_leader(state, target.account_id):
        refuse(ErrorCode.BAD_ENTRY, "The only leader stays one.")
    # A leader is never muted, and one who was a leader starts afresh.
    return _with(state, replace(target, role=body.room_role, muted=False))


def _member(state: RoomState, account_id: bytes) -> RoomMember:
    member = state.members.get(account_id)
    if member is None:
        refuse(ErrorCode.BAD_ENTRY, "The account is no member.")
    return member


def _target(state: RoomState, link: Link, account_id: bytes) -> RoomMember:
    member = _member(state, account_id)
    if member.role is RoomRole.LEADER and not POWERS[link.entry.action].on_leader:
        refuse(ErrorCode.NO_POWER, "This cannot be done to a leader.")
    return member


def _is_only_leader(state: RoomState, account_id: bytes) -> bool:
    return [one.account_id for one in state.members.values() if one.role is RoomRole.LEADER] == [account_id]


def _with(state: RoomState, member: RoomMember) -> RoomState:
    return replace(state, members={**state.members, member.account_id: member})


def _without(state: RoomState, account_id: bytes) -> RoomState:
    return replace(state, members={key: one for key, one in state.members.items() if key != account_id})
