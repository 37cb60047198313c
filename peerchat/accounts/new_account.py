"""What a client makes to sign up, made here: for the demo's steward, and for tests. The server itself never needs it.

Pure: seeds come in, signed bytes come out; the same as ``frontend/src/crypto/statements.ts``.
"""

from dataclasses import dataclass, field

from peerchat import signed_log, sodium
from peerchat.protocol.codec import encode_canonical
from peerchat.protocol.http_bodies import KeyPackagesRequest, SignUpRequest
from peerchat.protocol.signed import (
    Action,
    Author,
    ClaimBody,
    DeviceAddBody,
    DeviceCertificate,
    Head,
    InviteAcceptance,
    Label,
    LogKind,
    OpenBody,
    Profile,
    SignedEntry,
    SignedStatement,
)
from peerchat.protocol.types import WireModel
from peerchat.signed_log import Place, make_entry


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Who signs up: random ids and two seeds."""

    account_id: bytes
    device_id: bytes
    identity_seed: bytes = field(repr=False)
    device_seed: bytes = field(repr=False)

    @property
    def identity_key(self) -> bytes:
        return sodium.public_key(seed=self.identity_seed)

    @property
    def device_key(self) -> bytes:
        return sodium.public_key(seed=self.device_seed)


def new_account() -> NewAccount:
    """Return fresh ids and seeds."""
    random = sodium.random_bytes
    return NewAccount(
        account_id=random(16), device_id=random(16), identity_seed=random(32), device_seed=random(32)
    )


def sign_statement(value: WireModel, *, label: Label, root: bytes, seed: bytes) -> SignedStatement:
    """Return ``value`` encoded and signed under ``label``."""
    body = encode_canonical(value)
    return SignedStatement(body=body, signature=sodium.sign(seed=seed, label=label, root=root, body=body))


def open_account(account: NewAccount, *, root: bytes, community_head: Head, at: int) -> list[SignedEntry]:
    """Return the account's first two entries, ``open`` and ``device-add``."""
    certificate = sign_statement(
        DeviceCertificate(
            account_id=account.account_id,
            device_id=account.device_id,
            identity_key=account.identity_key,
            device_key=account.device_key,
            replaces=None,
            at=at,
        ),
        label=Label.DEVICE,
        root=root,
        seed=account.identity_seed,
    )
    opened = OpenBody(
        salt=sodium.random_bytes(16), account_id=account.account_id, identity_key=account.identity_key
    )
    added = DeviceAddBody(salt=sodium.random_bytes(16), certificate=certificate)
    entries: list[SignedEntry] = []
    place: Place | None = None
    for action, body in ((Action.OPEN, opened), (Action.DEVICE_ADD, added)):
        entry = make_entry(
            log=LogKind.ACCOUNT,
            log_id=account.account_id,
            place=place,
            community_head=community_head,
            author=Author(account_id=account.account_id, device_id=None),
            action=action,
            body=body,
            at=at,
            sign=lambda label, data: sodium.sign(
                seed=account.identity_seed, label=label, root=root, body=data
            ),
        )
        head = Head(index=len(entries), hash=signed_log.entry_hash(entry.entry, entry.signature))
        place = Place(head=head, at=at, community_index=community_head.index)
        entries.append(entry)
    return entries


def claim_first(
    account: NewAccount, *, root: bytes, invite_seed: bytes, genesis: Place, at: int
) -> SignedEntry:
    """Return the ``claim`` of the first steward, signed by the invite that genesis names."""
    return make_entry(
        log=LogKind.COMMUNITY,
        log_id=signed_log.root_fingerprint(root),
        place=genesis,
        community_head=None,
        author=Author(account_id=account.account_id, device_id=None),
        action=Action.CLAIM,
        body=ClaimBody(
            salt=sodium.random_bytes(16),
            account_id=account.account_id,
            identity_key=account.identity_key,
        ),
        at=at,
        sign=lambda label, data: sodium.sign(seed=invite_seed, label=label, root=root, body=data),
    )


def draft_sign_up(
    account: NewAccount,
    *,
    root: bytes,
    invite_seed: bytes,
    handle: str,
    language: str,
    community_head: Head,
    claim: SignedEntry | None,
    at: int,
) -> SignUpRequest:
    """Return the request that turns the invite of ``invite_seed`` into ``account``; nobody knows its phrase."""
    acceptance = InviteAcceptance(
        invite_key=sodium.public_key(seed=invite_seed),
        account_id=account.account_id,
        identity_key=account.identity_key,
    )
    profile = Profile(account_id=account.account_id, handle=handle, language=language, at=at)
    return SignUpRequest(
        account_id=account.account_id,
        acceptance=sign_statement(acceptance, label=Label.INVITE_ACCEPTANCE, root=root, seed=invite_seed),
        profile=sign_statement(profile, label=Label.PROFILE, root=root, seed=account.identity_seed),
        account_entries=open_account(account, root=root, community_head=community_head, at=at),
        claim=claim,
        sign_in_verifier=sodium.random_bytes(32),
        backup=sodium.random_bytes(200),
        key_packages=KeyPackagesRequest(one_time=[], last_resort=None),
    )
