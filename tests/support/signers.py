"""People who sign, for tests and vectors: keys from a word, and logs that grow as real clients grow them.

Everything follows from the words, so that vectors come out the same each time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from peerchat import sodium
from peerchat.accounts import account_log, community_log
from peerchat.accounts.account_log import AccountState
from peerchat.accounts.community_log import CommunityState
from peerchat.protocol.codec import decode_canonical, encode_canonical
from peerchat.protocol.signed import (
    Action,
    AdmitBody,
    Author,
    CertifyBody,
    ClaimBody,
    CreateBody,
    DeviceAddBody,
    DeviceCertificate,
    DeviceRevokeBody,
    GenesisBody,
    GrantBody,
    Head,
    HideBody,
    Label,
    LeaveBody,
    LockBody,
    LogEntry,
    LogKind,
    MuteBody,
    OpenBody,
    Reason,
    RemoveBody,
    RevokeBody,
    Role,
    RoomRole,
    SettingsBody,
    SignedEntry,
    SignedStatement,
)
from peerchat.protocol.types import WireModel
from peerchat.signed_log import Place, entry_hash, make_entry, root_fingerprint

START_MS = 1_800_000_000_000


def fixed(label: str, length: int = 32) -> bytes:
    """Return bytes that follow from ``label``."""
    return hashlib.shake_256(label.encode()).digest(length)


def signer(seed: bytes, root: bytes) -> Callable[[Label, bytes], bytes]:
    """Return what signs as ``seed`` in the community of ``root``."""
    return lambda label, body: sodium.sign(seed=seed, label=label, root=root, body=body)


def place_after(signed: SignedEntry | None) -> Place | None:
    """Return where the entry after ``signed`` goes."""
    if signed is None:
        return None
    entry = decode_canonical(LogEntry, signed.entry)
    return Place(
        head=Head(index=entry.index, hash=entry_hash(signed.entry, signed.signature)),
        at=entry.at,
        community_index=0 if entry.community_head is None else entry.community_head.index,
    )


def head_of(entries: list[SignedEntry], index: int = -1) -> Head:
    """Return the head that an entry of ``entries`` makes; the newest by default."""
    place = place_after(entries[index])
    assert place is not None
    return place.head


@dataclass
class SigningDevice:
    word: str
    device_id: bytes
    seed: bytes = field(repr=False)

    @property
    def key(self) -> bytes:
        return sodium.public_key(seed=self.seed)


@dataclass
class Signer:
    """A person: an identity, devices, an account log. ``identity_word`` differs where a server forges an account."""

    word: str
    root: bytes
    community_head: Head
    identity_word: str | None = None
    entries: list[SignedEntry] = field(default_factory=list)
    devices: list[SigningDevice] = field(default_factory=list)

    @property
    def account_id(self) -> bytes:
        return fixed(f"account {self.word}", 16)

    @property
    def identity_seed(self) -> bytes:
        return fixed(f"identity {self.identity_word or self.word}")

    @property
    def identity_key(self) -> bytes:
        return sodium.public_key(seed=self.identity_seed)

    @property
    def device(self) -> SigningDevice:
        return self.devices[0]

    def author(self, device: SigningDevice | None = None) -> Author:
        return Author(account_id=self.account_id, device_id=(device or self.device).device_id)

    def open(self, *, at: int = START_MS) -> Signer:
        body = OpenBody(
            salt=fixed(f"open {self.word}", 16), account_id=self.account_id, identity_key=self.identity_key
        )
        self._append(Action.OPEN, body, at)
        self.add_device(at=at)
        return self

    def add_device(self, *, at: int = START_MS) -> SigningDevice:
        word = f"{self.identity_word or self.word} {len(self.devices)}"
        device = SigningDevice(word, fixed(f"device {word}", 16), fixed(f"device seed {word}"))
        certificate = DeviceCertificate(
            account_id=self.account_id,
            device_id=device.device_id,
            identity_key=self.identity_key,
            device_key=device.key,
            replaces=None,
            at=at,
        )
        statement = self.sign_statement(Label.DEVICE, certificate)
        self._append(
            Action.DEVICE_ADD, DeviceAddBody(salt=fixed(f"add {word}", 16), certificate=statement), at
        )
        self.devices.append(device)
        return device

    def revoke_device(self, device: SigningDevice, *, at: int) -> None:
        body = DeviceRevokeBody(salt=fixed(f"revoke {device.word}", 16), device_id=device.device_id)
        self._append(Action.DEVICE_REVOKE, body, at)

    def sign_statement(
        self, label: Label, statement: WireModel, *, seed: bytes | None = None
    ) -> SignedStatement:
        body = encode_canonical(statement)
        return SignedStatement(
            body=body, signature=signer(seed or self.identity_seed, self.root)(label, body)
        )

    def state(self) -> AccountState:
        state = account_log.replay(
            self.entries, root=self.root, account_id=self.account_id, verify=sodium.verify
        )
        assert state is not None
        return state

    def _append(self, action: Action, body: WireModel, at: int) -> None:
        self.entries.append(
            make_entry(
                log=LogKind.ACCOUNT,
                log_id=self.account_id,
                place=place_after(self.entries[-1] if self.entries else None),
                community_head=self.community_head,
                author=Author(account_id=self.account_id, device_id=None),
                action=action,
                body=body,
                at=at,
                sign=signer(self.identity_seed, self.root),
            )
        )


class SignedCommunity:
    """A community with its root, its log, and the people in it."""

    def __init__(self, word: str = "community", *, demo: bool = True) -> None:
        self.word = word
        self.root_seed = fixed(f"root {word}")
        self.root = sodium.public_key(seed=self.root_seed)
        self.first_invite_seed = fixed(f"first invite {word}")
        self.entries: list[SignedEntry] = []
        self.people: dict[bytes, Signer] = {}
        body = GenesisBody(
            salt=fixed("genesis", 16),
            root=self.root,
            first_steward_invite=sodium.public_key(seed=self.first_invite_seed),
            demo=demo,
            certify_delay_hours=0 if demo else 24,
        )
        self._append(Action.GENESIS, body, Author(account_id=None, device_id=None), self.root_seed, START_MS)

    def person(self, word: str, *, at: int = START_MS) -> Signer:
        """Return a new person with an account log and one device."""
        one = Signer(f"{self.word} {word}", self.root, head_of(self.entries)).open(at=at)
        self.people[one.account_id] = one
        return one

    def claim(self, steward: Signer, *, at: int = START_MS) -> None:
        body = ClaimBody(
            salt=fixed("claim", 16), account_id=steward.account_id, identity_key=steward.identity_key
        )
        author = Author(account_id=steward.account_id, device_id=None)
        self._append(Action.CLAIM, body, author, self.first_invite_seed, at)

    def certify(self, person: Signer, role: Role, *, by: Signer, at: int = START_MS) -> SignedEntry:
        body = CertifyBody(
            salt=fixed(f"certify {person.word} {role.value} {len(self.entries)}", 16),
            account_id=person.account_id,
            identity_key=person.identity_key,
            role=role,
        )
        return self._append(Action.CERTIFY, body, by.author(), by.device.seed, at)

    def revoke(self, person: Signer, role: Role, *, by: Signer, at: int = START_MS) -> SignedEntry:
        body = RevokeBody(
            salt=fixed(f"revoke {person.word} {len(self.entries)}", 16),
            account_id=person.account_id,
            role=role,
        )
        return self._append(Action.REVOKE, body, by.author(), by.device.seed, at)

    def account(self, account_id: bytes) -> AccountState | None:
        person = self.people.get(account_id)
        return None if person is None else person.state()

    def state(self, known: int | None = None) -> CommunityState:
        """Return what the first ``known`` entries say; all of them by default."""
        state: CommunityState | None = None
        for signed in self.entries[:known]:
            state = community_log.apply(
                state, signed, root=self.root, accounts=self.account, verify=sodium.verify
            )
        assert state is not None
        return state

    def _append(self, action: Action, body: WireModel, author: Author, seed: bytes, at: int) -> SignedEntry:
        signed = make_entry(
            log=LogKind.COMMUNITY,
            log_id=root_fingerprint(self.root),
            place=place_after(self.entries[-1] if self.entries else None),
            community_head=None,
            author=author,
            action=action,
            body=body,
            at=at,
            sign=signer(seed, self.root),
        )
        self.entries.append(signed)
        return signed


class RoomEntries:
    """A room's log, one entry longer with each call; ``at`` moves on by a second unless it is given."""

    def __init__(
        self, community: SignedCommunity, word: str = "room", *, entries: Iterable[SignedEntry] = ()
    ) -> None:
        self.community = community
        self.word = word
        self.room_id = fixed(f"room {word}", 16)
        self.group_id = fixed(f"group {word}", 16)
        self.entries = list(entries)

    def fork(self, length: int) -> RoomEntries:
        """Return a log that goes on from the first ``length`` entries."""
        return RoomEntries(self.community, self.word, entries=self.entries[:length])

    def append(
        self,
        action: Action,
        body: WireModel,
        by: Signer,
        *,
        device: SigningDevice | None = None,
        author: Author | None = None,
        seed: bytes | None = None,
        at: int | None = None,
        head: Head | None = None,
        place: Place | None = None,
        log_id: bytes | None = None,
        root: bytes | None = None,
        log: LogKind = LogKind.ROOM,
    ) -> SignedEntry:
        """Append what ``by`` signs; the rest is for entries that must be refused."""
        follows = place or place_after(self.entries[-1] if self.entries else None)
        used = device or by.device
        signed = make_entry(
            log=log,
            log_id=log_id or self.room_id,
            place=follows,
            community_head=head or head_of(self.community.entries),
            author=author or by.author(used),
            action=action,
            body=body,
            at=at if at is not None else (START_MS if follows is None else follows.at) + 1000,
            sign=signer(seed or used.seed, root or self.community.root),
        )
        self.entries.append(signed)
        return signed

    def _salt(self) -> bytes:
        return fixed(f"{self.word} salt {len(self.entries)}", 16)

    def create(self, by: Signer, *, expiry_seconds: int = 86_400, **other: Any) -> SignedEntry:
        body = CreateBody(
            salt=self._salt(),
            group_id=self.group_id,
            identity_key=by.identity_key,
            expiry_seconds=expiry_seconds,
        )
        return self.append(Action.CREATE, body, by, **other)

    def admit(
        self, who: Signer, *, by: Signer, identity_key: bytes | None = None, **other: Any
    ) -> SignedEntry:
        body = AdmitBody(
            salt=self._salt(), account_id=who.account_id, identity_key=identity_key or who.identity_key
        )
        return self.append(Action.ADMIT, body, by, **other)

    def leave(self, by: Signer, **other: Any) -> SignedEntry:
        return self.append(Action.LEAVE, LeaveBody(salt=self._salt()), by, **other)

    def remove(self, who: Signer, *, by: Signer, **other: Any) -> SignedEntry:
        body = RemoveBody(salt=self._salt(), account_id=who.account_id, reason=Reason.SAFETY)
        return self.append(Action.REMOVE, body, by, **other)

    def grant(self, who: Signer, role: RoomRole, *, by: Signer, **other: Any) -> SignedEntry:
        body = GrantBody(salt=self._salt(), account_id=who.account_id, room_role=role)
        return self.append(Action.GRANT, body, by, **other)

    def mute(self, who: Signer, muted: bool, *, by: Signer, **other: Any) -> SignedEntry:
        body = MuteBody(salt=self._salt(), account_id=who.account_id, muted=muted, reason=Reason.AGREEMENT)
        return self.append(Action.MUTE, body, by, **other)

    def hide(self, message_id: bytes, *, by: Signer, **other: Any) -> SignedEntry:
        body = HideBody(salt=self._salt(), message_id=message_id, reason=Reason.ASKED)
        return self.append(Action.HIDE, body, by, **other)

    def settings(self, expiry_seconds: int, *, by: Signer, **other: Any) -> SignedEntry:
        body = SettingsBody(salt=self._salt(), expiry_seconds=expiry_seconds)
        return self.append(Action.SETTINGS, body, by, **other)

    def lock(self, locked: bool, *, by: Signer, **other: Any) -> SignedEntry:
        return self.append(Action.LOCK, LockBody(salt=self._salt(), locked=locked), by, **other)
