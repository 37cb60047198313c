"""The community log, pure: who is steward, leader, counselor, from genesis on (docs/protocol.md, "Community log").

No clock and no storage: the accounts' logs are given as a lookup. ``frontend/src/crypto/communityLog.ts``
holds the same rules.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from peerchat.accounts.account_log import AccountState
from peerchat.errors import ErrorCode
from peerchat.protocol.signed import (
    Action,
    CertifyBody,
    ClaimBody,
    GenesisBody,
    Head,
    LogKind,
    RevokeBody,
    Role,
    SignedEntry,
)
from peerchat.signed_log import (
    Link,
    Place,
    Verify,
    check_link,
    check_signature,
    read_body,
    refuse,
    root_fingerprint,
)

HOUR_MS = 3_600_000
DELAY_HOURS_MIN = 24

AccountLookup = Callable[[bytes], AccountState | None]
"""Returns an account's log as verified, or ``None`` for one that is unknown or did not verify."""


@dataclass(frozen=True, slots=True)
class Certified:
    """One ``claim`` or ``certify``. Times are UTC ms; ``effective_at`` ``None``: it waits for a second steward."""

    account_id: bytes
    identity_key: bytes
    role: Role
    index: int
    by: bytes | None
    certified_at: int
    effective_at: int | None
    revoked_index: int | None
    revoked_at: int | None


@dataclass(frozen=True, slots=True)
class CommunityState:
    """What the community log says up to ``place``; ``hashes`` holds each entry's, by index."""

    root: bytes
    demo: bool
    delay_ms: int
    first_steward_invite: bytes
    identity_keys: Mapping[bytes, bytes]
    certified: tuple[Certified, ...]
    hashes: tuple[bytes, ...]
    place: Place

    def holds(self, head: Head) -> bool:
        """Return whether ``head`` is an entry of this log."""
        return head.index < len(self.hashes) and self.hashes[head.index] == head.hash

    def is_effective(self, account_id: bytes, role: Role, at: int, head_index: int | None = None) -> bool:
        """Return whether the role counts at ``at`` (UTC ms) by the log up to and with ``head_index`` (default: all)."""
        newest = self.place.head.index if head_index is None else head_index
        return any(
            one.account_id == account_id
            and one.role is role
            and one.index <= newest
            and one.effective_at is not None
            and one.effective_at <= at
            and (one.revoked_index is None or one.revoked_index > newest)
            for one in self.certified
        )

    def stewards_at(self, at: int) -> frozenset[bytes]:
        """Return the accounts that are effective stewards at ``at`` (UTC ms)."""
        accounts = {one.account_id for one in self.certified if one.role is Role.STEWARD}
        return frozenset(one for one in accounts if self.is_effective(one, Role.STEWARD, at))


def apply(
    state: CommunityState | None,
    signed: SignedEntry,
    *,
    root: bytes,
    accounts: AccountLookup,
    verify: Verify,
) -> CommunityState:
    """Return the state after ``signed``; ``state`` is ``None`` before genesis, ``root`` is the pinned one.

    Raises what ``check_link`` does, ``log.bad_signature``, ``log.no_power`` (the author may not) and
    ``log.bad_entry``.
    """
    place = None if state is None else state.place
    link = check_link(signed, log=LogKind.COMMUNITY, log_id=root_fingerprint(root), place=place)
    if state is None:
        return _genesis(link, root=root, verify=verify)
    if link.entry.action is Action.CLAIM:
        return _claim(state, link, verify=verify)
    by = _check_steward(state, link, accounts=accounts, verify=verify)
    match link.entry.action:
        case Action.CERTIFY:
            return _certify(state, link, by=by)
        case Action.REVOKE:
            return _revoke(state, link)
        case _:
            refuse(ErrorCode.BAD_ENTRY, "This is no action of the community's log.")


def replay_stored(entries: Iterable[SignedEntry], *, root: bytes) -> CommunityState | None:
    """Return the state after ``entries`` that this server checked when it stored them: no signature is checked again.

    A client must never use this: whoever can write the database could name a steward.
    """
    state: CommunityState | None = None
    for signed in entries:
        place = None if state is None else state.place
        link = check_link(signed, log=LogKind.COMMUNITY, log_id=root_fingerprint(root), place=place)
        if state is None:
            state = _genesis(link, root=root, verify=_believe)
        elif link.entry.action is Action.CLAIM:
            state = _claim(state, link, verify=_believe)
        elif link.entry.action is Action.CERTIFY:
            state = _certify(state, link, by=link.entry.author.account_id or b"")
        else:
            state = _revoke(state, link)
    return state


def _believe(*, key: bytes, label: str, root: bytes, body: bytes, signature: bytes) -> bool:
    return True


def _genesis(link: Link, *, root: bytes, verify: Verify) -> CommunityState:
    entry = link.entry
    if entry.action is not Action.GENESIS:
        refuse(ErrorCode.BAD_ENTRY, "A community begins with genesis.")
    if entry.author.account_id is not None or entry.author.device_id is not None:
        refuse(ErrorCode.BAD_ENTRY, "Genesis has no author.")
    body = read_body(link, GenesisBody)
    if body.root != root:
        refuse(ErrorCode.BAD_ENTRY, "Genesis names another root.")
    if not body.demo and body.certify_delay_hours < DELAY_HOURS_MIN:
        refuse(ErrorCode.BAD_ENTRY, "Only a demo may certify without a delay of a day.")
    check_signature(link, key=root, root=root, verify=verify)
    return CommunityState(
        root=root,
        demo=body.demo,
        delay_ms=body.certify_delay_hours * HOUR_MS,
        first_steward_invite=body.first_steward_invite,
        identity_keys={},
        certified=(),
        hashes=(link.head.hash,),
        place=link.place,
    )


def _advance(state: CommunityState, link: Link) -> CommunityState:
    return replace(state, hashes=(*state.hashes, link.head.hash), place=link.place)


def _claim(state: CommunityState, link: Link, *, verify: Verify) -> CommunityState:
    entry = link.entry
    body = read_body(link, ClaimBody)
    if entry.index != 1:
        refuse(ErrorCode.BAD_ENTRY, "A claim stands at index 1 alone.")
    if entry.author.account_id != body.account_id or entry.author.device_id is not None:
        refuse(ErrorCode.BAD_ENTRY, "A claim is signed for oneself.")
    check_signature(link, key=state.first_steward_invite, root=state.root, verify=verify)
    first = Certified(
        account_id=body.account_id,
        identity_key=body.identity_key,
        role=Role.STEWARD,
        index=entry.index,
        by=None,
        certified_at=entry.at,
        effective_at=entry.at,
        revoked_index=None,
        revoked_at=None,
    )
    return replace(
        _advance(state, link), identity_keys={body.account_id: body.identity_key}, certified=(first,)
    )


def _check_steward(state: CommunityState, link: Link, *, accounts: AccountLookup, verify: Verify) -> bytes:
    """Return the account that signed; refuse unless a live device of an effective steward did."""
    author, at = link.entry.author, link.entry.at
    account = None if author.account_id is None else accounts(author.account_id)
    if account is None or state.identity_keys.get(account.account_id) != account.identity_key:
        refuse(ErrorCode.NO_POWER, "The author is unknown.")
    key = account.device_key_at(author.device_id, at)
    if key is None:
        refuse(ErrorCode.NO_POWER, "The author's device is not live.")
    check_signature(link, key=key, root=state.root, verify=verify)
    if not state.is_effective(account.account_id, Role.STEWARD, at):
        refuse(ErrorCode.NO_POWER, "The author is no steward.")
    return account.account_id


def _certify(state: CommunityState, link: Link, *, by: bytes) -> CommunityState:
    at = link.entry.at
    body = read_body(link, CertifyBody)
    if state.identity_keys.get(body.account_id, body.identity_key) != body.identity_key:
        refuse(ErrorCode.BAD_ENTRY, "This account is known under another identity.")
    stewards = state.stewards_at(at)
    seconded = any(
        one.account_id == body.account_id
        and one.role is body.role
        and one.revoked_index is None
        and one.by != by
        and one.by in stewards
        for one in state.certified
    )
    effective_at: int | None = None
    if state.demo or seconded:
        effective_at = at
    elif len(stewards) == 1:
        effective_at = at + state.delay_ms
    one = Certified(
        account_id=body.account_id,
        identity_key=body.identity_key,
        role=body.role,
        index=link.entry.index,
        by=by,
        certified_at=at,
        effective_at=effective_at,
        revoked_index=None,
        revoked_at=None,
    )
    return replace(
        _advance(state, link),
        identity_keys={**state.identity_keys, body.account_id: body.identity_key},
        certified=(*state.certified, one),
    )


def _revoke(state: CommunityState, link: Link) -> CommunityState:
    index, at = link.entry.index, link.entry.at
    body = read_body(link, RevokeBody)

    def ends(one: Certified) -> bool:
        return one.account_id == body.account_id and one.role is body.role and one.revoked_index is None

    if not any(ends(one) for one in state.certified):
        refuse(ErrorCode.BAD_ENTRY, "There is no such role to end.")
    if body.role is Role.STEWARD and state.stewards_at(at) == {body.account_id}:
        refuse(ErrorCode.BAD_ENTRY, "The last steward stays.")
    return replace(
        _advance(state, link),
        certified=tuple(
            replace(one, revoked_index=index, revoked_at=at) if ends(one) else one for one in state.certified
        ),
    )
