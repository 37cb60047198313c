"""The community's log as this server keeps it: checked, stored, projected into ``Certification`` rows."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from peerchat import signed_log, sodium
from peerchat.accounts import account_log, community_log, seams
from peerchat.accounts.account_log import AccountState
from peerchat.accounts.community_log import CommunityState
from peerchat.accounts.models import Account, AccountEntry, Certification, Community, CommunityEntry, Device
from peerchat.clock import from_ms, now_ms
from peerchat.errors import ErrorCode, PeerChatError, not_found
from peerchat.protocol.codec import decode_canonical
from peerchat.protocol.signed import Action, CertifyBody, GenesisBody, Head, LogEntry, SignedEntry


def the_community(*, lock: bool = False) -> Community:
    """Return the community; ``lock`` takes its row's lock, which guards the log. Raises ``request.not_found``."""
    query = Community.objects.select_for_update() if lock else Community.objects.all()
    community = query.first()
    if community is None:
        raise not_found()
    return community


def entries_after(index: int) -> list[SignedEntry]:
    """Return the entries from ``index`` on, oldest first."""
    rows = CommunityEntry.objects.filter(index__gte=index).order_by("index")
    return [_signed(row) for row in rows]


def head() -> Head:
    """Return the newest entry's head."""
    row = CommunityEntry.objects.order_by("-index").only("index", "hash").first()
    if row is None:
        raise not_found()
    return Head(index=row.index, hash=bytes(row.hash))


def holds(head: Head) -> bool:
    """Return whether ``head`` is an entry of the log."""
    return CommunityEntry.objects.filter(index=head.index, hash=head.hash).exists()


def load_genesis(*, genesis: SignedEntry, name: str, languages: Iterable[str]) -> Community:
    """Make the community of ``genesis``. Raises ``request.conflict`` when there is one already, ``log.*``."""
    body = _genesis_body(genesis)
    state = community_log.apply(None, genesis, root=body.root, accounts=lambda _: None, verify=sodium.verify)
    with transaction.atomic():
        if Community.objects.exists():
            raise PeerChatError(
                ErrorCode.CONFLICT, "This deployment has a community already.", http_status=409
            )
        community = Community.objects.create(
            root=body.root, name=name, demo=body.demo, languages=sorted(languages)
        )
        _store(genesis, state)
    return community


def append_community_entry(*, signed: SignedEntry, author: Device | None) -> int:
    """Check, store and project the next entry; return its index. The same bytes again give the same index.

    ``author``: the signed-in device, which must be the one that signed; ``None`` for the first steward's
    ``claim`` alone. Locks the community's row. Raises ``log.*``.
    """
    entry = decode_canonical(LogEntry, signed.entry)
    with transaction.atomic():
        community = the_community(lock=True)
        if CommunityEntry.objects.filter(
            index=entry.index, hash=signed_log.entry_hash(signed.entry, signed.signature)
        ).exists():
            return entry.index
        _check_author(entry, author)
        signed_log.check_clock(entry.at, now=now_ms())
        root = bytes(community.root)
        before = community_log.replay_stored(entries_after(0), root=root)
        state = community_log.apply(before, signed, root=root, accounts=account_state, verify=sodium.verify)
        if entry.action is Action.CERTIFY:
            _check_certified_account(signed)
        _store(signed, state)
        _project(state)
        seams.rooms().community_changed()
    return entry.index


def account_state(account_id: bytes) -> AccountState | None:
    """Return what the log of an account says; it was checked when it was stored."""
    community = the_community()
    rows = AccountEntry.objects.filter(account_id=UUID(bytes=account_id)).order_by("index")
    entries = [
        SignedEntry(
            entry=bytes(row.entry),
            body=None if row.body is None else bytes(row.body),
            signature=bytes(row.signature),
        )
        for row in rows
    ]
    return account_log.replay(
        entries, root=bytes(community.root), account_id=account_id, verify=sodium.verify
    )


def named_accounts() -> list[UUID]:
    """Return every account that the log names: who was ever certified (every author was)."""
    return sorted(set(Certification.objects.values_list("account_id", flat=True)))


def _genesis_body(genesis: SignedEntry) -> GenesisBody:
    if genesis.body is None:
        signed_log.refuse(ErrorCode.BAD_ENTRY, "Genesis without its body names no root.")
    return decode_canonical(GenesisBody, genesis.body)


def _check_author(entry: LogEntry, author: Device | None) -> None:
    wanted = (None, None) if author is None else (author.account_id.bytes, author.id.bytes)
    if entry.action is Action.CLAIM and author is None:
        return
    if author is None or (entry.author.account_id, entry.author.device_id) != wanted:
        signed_log.refuse(ErrorCode.NO_POWER, "The author is not the device that is signed in.")


def _check_certified_account(signed: SignedEntry) -> None:
    """Refuse to certify an account that is not here under this very identity key: it could never act."""
    if signed.body is None:
        signed_log.refuse(ErrorCode.BAD_ENTRY, "The body that this rule needs is missing.")
    body = decode_canonical(CertifyBody, signed.body)
    if not Account.objects.filter(
        id=UUID(bytes=body.account_id), identity_key=body.identity_key, forgotten_at__isnull=True
    ).exists():
        signed_log.refuse(ErrorCode.BAD_ENTRY, "There is no such account under this identity.")


def _store(signed: SignedEntry, state: CommunityState) -> None:
    entry = decode_canonical(LogEntry, signed.entry)
    CommunityEntry.objects.create(
        index=entry.index,
        action=entry.action.value,
        entry=signed.entry,
        body=signed.body,
        signature=signed.signature,
        hash=state.place.head.hash,
        at_ms=entry.at,
    )


def _project(state: CommunityState) -> None:
    """Bring the rows in line with the state: one new row at most, or the ends that a revoke brought."""
    index = state.place.head.index
    for one in state.certified:
        if one.index == index:
            Certification.objects.create(
                account_id=UUID(bytes=one.account_id),
                identity_key=one.identity_key,
                role=one.role.value,
                certified_at=from_ms(one.certified_at),
                effective_at=None if one.effective_at is None else from_ms(one.effective_at),
                entry_index=one.index,
            )
        elif one.revoked_index == index and one.revoked_at is not None:
            Certification.objects.filter(entry_index=one.index).update(
                revoked_at=from_ms(one.revoked_at), revoked_index=index
            )


def _signed(row: CommunityEntry) -> SignedEntry:
    return SignedEntry(
        entry=bytes(row.entry),
        body=None if row.body is None else bytes(row.body),
        signature=bytes(row.signature),
    )
