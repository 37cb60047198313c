"""A community with people in it, made through the real services with real keys: what server tests begin with.

``Village.found()`` needs the database. Everybody signs with seeds that the test holds, so that hostile
variants are easy to make.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from peerchat import sodium
from peerchat.accounts import community, invites, loading, sign_up
from peerchat.accounts.founding import Founded, found_community
from peerchat.accounts.models import Account, CommunityEntry, Device
from peerchat.accounts.new_account import NewAccount, claim_first, draft_sign_up, new_account, sign_statement
from peerchat.accounts.sessions import OpenedSession
from peerchat.clock import now, now_ms, to_ms
from peerchat.protocol.http_bodies import SignUpRequest
from peerchat.protocol.signed import (
    Action,
    Author,
    CertifyBody,
    InviteCertificate,
    InviteRole,
    Label,
    LogKind,
    RevokeBody,
    Role,
    SignedEntry,
    SignedStatement,
)
from peerchat.protocol.types import WireModel
from peerchat.signed_log import Place, make_entry, root_fingerprint


@dataclass(frozen=True)
class Person:
    """Someone with one device, whose keys the test holds."""

    name: str
    keys: NewAccount
    root: bytes
    opened: OpenedSession | None = None

    @property
    def account_id(self) -> UUID:
        return UUID(bytes=self.keys.account_id)

    @property
    def device_id(self) -> UUID:
        return UUID(bytes=self.keys.device_id)

    @property
    def account(self) -> Account:
        return Account.objects.get(id=self.account_id)

    @property
    def device(self) -> Device:
        return Device.objects.get(id=self.device_id)

    @property
    def author(self) -> Author:
        return Author(account_id=self.keys.account_id, device_id=self.keys.device_id)

    @property
    def token(self) -> str:
        """The token of the session that signing up opened."""
        assert self.opened is not None
        return self.opened.token

    def sign(self, label: Label, body: bytes) -> bytes:
        """Sign with the device's key."""
        return sodium.sign(seed=self.keys.device_seed, label=label, root=self.root, body=body)


def salt() -> bytes:
    return sodium.random_bytes(16)


@dataclass
class Village:
    """A community in the database. ``steward`` is the first one."""

    founded: Founded
    steward: Person
    people: list[Person] = field(default_factory=list)

    @property
    def root(self) -> bytes:
        return self.founded.root

    @classmethod
    def found(cls, *, demo: bool = False) -> Village:
        """Found a community, load it as ``community load`` does, and let the first steward claim it."""
        founded = found_community(name="Harbour", demo=demo, at=now_ms())
        if demo:
            community.load_genesis(genesis=founded.genesis, name=founded.name, languages=founded.languages)
            invites.keep_first_invite(invite_key=sodium.public_key(seed=founded.first_invite_seed))
        else:
            loading.load_community(genesis=founded.genesis, name=founded.name, languages=founded.languages)
        steward = Person(name="Stew", keys=new_account(), root=founded.root)
        opened = sign_up.sign_up(request=first_request(founded, steward))
        return cls(founded=founded, steward=Person(steward.name, steward.keys, steward.root, opened))

    def invite(
        self,
        *,
        role: InviteRole = InviteRole.MEMBER,
        room_id: UUID | None = None,
        inviter: Person | None = None,
        lifetime: timedelta = timedelta(days=1),
    ) -> bytes:
        """Make an invite; return its seed."""
        seed = sodium.random_bytes(32)
        who = inviter or self.steward
        certificate = self.certificate(seed=seed, inviter=who, role=role, room_id=room_id, lifetime=lifetime)
        invites.create_invite(inviter=who.device, certificate=certificate)
        return seed

    def certificate(
        self,
        *,
        seed: bytes,
        inviter: Person,
        role: InviteRole = InviteRole.MEMBER,
        room_id: UUID | None = None,
        lifetime: timedelta = timedelta(days=1),
    ) -> SignedStatement:
        """Return an invite's certificate as ``inviter`` signs it."""
        body = InviteCertificate(
            invite_key=sodium.public_key(seed=seed),
            role=role,
            room_id=None if room_id is None else room_id.bytes,
            inviter=inviter.author,
            expires_at=to_ms(now() + lifetime),
        )
        return sign_statement(body, label=Label.INVITE, root=self.root, seed=inviter.keys.device_seed)

    def request(self, person: Person, *, seed: bytes, at: int | None = None) -> SignUpRequest:
        """Return the sign-up of ``person`` with the invite of ``seed``."""
        return draft_sign_up(
            person.keys,
            root=self.root,
            invite_seed=seed,
            handle=person.name,
            language="en",
            community_head=community.head(),
            claim=None,
            at=now_ms() if at is None else at,
        )

    def join(
        self,
        name: str,
        *,
        role: InviteRole = InviteRole.MEMBER,
        room_id: UUID | None = None,
        certified: bool = True,
    ) -> Person:
        """Let someone come by an invite; certify them for its role unless told otherwise.

        In a community that is no demo a certification by the only steward counts after 24 hours.
        """
        seed = self.invite(role=role, room_id=room_id)
        person = Person(name=name, keys=new_account(), root=self.root)
        opened = sign_up.sign_up(request=self.request(person, seed=seed))
        person = Person(name, person.keys, self.root, opened)
        self.people.append(person)
        if certified and role is not InviteRole.MEMBER:
            self.certify(person, Role(role.value))
        return person

    def certify(self, person: Person, role: Role, *, by: Person | None = None) -> int:
        """Append a ``certify``; return its index."""
        body = CertifyBody(
            salt=salt(),
            account_id=person.keys.account_id,
            identity_key=person.keys.identity_key,
            role=role,
        )
        return self._append(Action.CERTIFY, body, by or self.steward)

    def revoke(self, person: Person, role: Role, *, by: Person | None = None) -> int:
        """Append a ``revoke``; return its index."""
        body = RevokeBody(salt=salt(), account_id=person.keys.account_id, role=role)
        return self._append(Action.REVOKE, body, by or self.steward)

    def entry(self, action: Action, body: WireModel, by: Person, *, at: int | None = None) -> SignedEntry:
        """Return the next community entry, signed by ``by``'s device."""
        newest = CommunityEntry.objects.order_by("-index")[0]
        return make_entry(
            log=LogKind.COMMUNITY,
            log_id=root_fingerprint(self.root),
            place=Place(head=community.head(), at=newest.at_ms, community_index=0),
            community_head=None,
            author=by.author,
            action=action,
            body=body,
            at=now_ms() if at is None else at,
            sign=by.sign,
        )

    def _append(self, action: Action, body: WireModel, by: Person) -> int:
        return community.append_community_entry(signed=self.entry(action, body, by), author=by.device)


def first_request(founded: Founded, steward: Person) -> SignUpRequest:
    """Return the first steward's sign-up, with its claim."""
    at = now_ms()
    place = Place(head=community.head(), at=at, community_index=0)
    claim = claim_first(
        steward.keys, root=founded.root, invite_seed=founded.first_invite_seed, genesis=place, at=at
    )
    return draft_sign_up(
        steward.keys,
        root=founded.root,
        invite_seed=founded.first_invite_seed,
        handle=steward.name,
        language="en",
        community_head=community.head(),
        claim=claim,
        at=at,
    )
