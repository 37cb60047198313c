"""Fills an empty deployment with rooms and people for load tools: real keys, through the real services.

Only MLS is missing: commits and Welcomes are random bytes, which the server cannot tell from real ones. Rooms above
``ROOM_MEMBERS_MAX`` exist for measuring alone: those past the limit get their places in membership and group without
an ``admit`` in the log, so a client that checks the log does not count them. Never in a real deployment: the seeds of
everyone's keys leave the server in a file.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from peerchat import sodium
from peerchat.accounts import community, invites, loading, sign_up
from peerchat.accounts.founding import found_community
from peerchat.accounts.models import Community, Device
from peerchat.accounts.new_account import NewAccount, claim_first, draft_sign_up, new_account, sign_statement
from peerchat.clock import now, now_ms, to_ms
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol import limits
from peerchat.protocol.http_bodies import CommitBundle, RoomCreateRequest, RoomEntryRequest
from peerchat.protocol.signed import (
    Action,
    AdmitBody,
    Author,
    CertifyBody,
    CreateBody,
    Head,
    InviteCertificate,
    InviteRole,
    Label,
    LogKind,
    Role,
    RoomRole,
    SignedEntry,
)
from peerchat.protocol.types import WireModel
from peerchat.signed_log import Place, entry_hash, make_entry, root_fingerprint
from rooms import append, commits, memberships, opening
from rooms.models import GroupLeaf, LeafState, Membership, Standing

NAME = "Load test"
COMMIT_BYTES = 600
WELCOME_BYTES = 2_000


@dataclass(frozen=True, slots=True)
class SeededPerson:
    """Someone with one device, signed in by ``token``."""

    keys: NewAccount = field(repr=False)
    token: str = field(repr=False)

    @property
    def author(self) -> Author:
        return Author(account_id=self.keys.account_id, device_id=self.keys.device_id)

    @property
    def device(self) -> Device:
        return Device.objects.select_related("account").get(id=UUID(bytes=self.keys.device_id))


@dataclass(frozen=True, slots=True)
class SeededRoom:
    """A room whose group has everyone in it, at ``epoch``; the first of ``people`` leads it."""

    room_id: bytes
    epoch: int
    last_seq: int
    people: list[SeededPerson]


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was made."""

    root: bytes
    steward: SeededPerson
    rooms: list[SeededRoom]


def seed(*, rooms: int, members: int) -> Seeded:
    """Make a community with ``rooms`` rooms of ``members`` people each, the leader counted. All of it or nothing.

    Raises ``session.not_allowed`` outside debug mode, ``request.conflict`` where there is a community already.
    """
    if not settings.PEERCHAT.debug:
        raise PeerChatError(ErrorCode.NOT_ALLOWED, "Seeding needs PEERCHAT_DEBUG=1.", http_status=403)
    if Community.objects.exists():
        raise PeerChatError(
            ErrorCode.CONFLICT, "There is a community here; seeding needs an empty database.", http_status=409
        )
    with transaction.atomic():
        seeder = _Seeder()
        made = [seeder.room(number, members=members) for number in range(rooms)]
        return Seeded(root=seeder.root, steward=seeder.steward, rooms=made)


class _Seeder:
    """Founds the community; then each person comes by an invite, as they would."""

    def __init__(self) -> None:
        founded = found_community(name=NAME, demo=True, at=now_ms())
        loading.load_community(genesis=founded.genesis, name=founded.name, languages=founded.languages)
        self.root = founded.root
        keys, at = new_account(), now_ms()
        genesis = Place(head=community.head(), at=at, community_index=0)
        claim = claim_first(
            keys, root=self.root, invite_seed=founded.first_invite_seed, genesis=genesis, at=at
        )
        self.steward = self._sign_up(keys, founded.first_invite_seed, handle="steward", claim=claim)

    def room(self, number: int, *, members: int) -> SeededRoom:
        """Open one room and let everybody in, with as few commits as may be."""
        leader = self._newcomer(f"leader {number}", role=InviteRole.LEADER, room_id=None, by=self.steward)
        self._certify(leader)
        device, room_id = leader.device, sodium.random_bytes(16)
        log = _RoomLog(self.root, room_id, leader)
        create = CreateBody(
            salt=sodium.random_bytes(16),
            group_id=sodium.random_bytes(16),
            identity_key=leader.keys.identity_key,
            expiry_seconds=limits.EXPIRY_MIN_SECONDS,
        )
        opening.open_room(
            device=device,
            request=RoomCreateRequest(name=f"Room {number}", entry=log.next(Action.CREATE, create)),
        )
        people = [leader]
        for one in range(1, members):
            person = self._newcomer(
                f"person {number} {one}", role=InviteRole.MEMBER, room_id=room_id, by=leader
            )
            if one < limits.ROOM_MEMBERS_MAX:
                self._admit(log, person)
            people.append(person)
        self._commit(log, people)
        _place_past_the_limit(UUID(bytes=room_id), people[limits.ROOM_MEMBERS_MAX :])
        mark = next(mark for mark in memberships.rooms_of(device) if mark.room_id == room_id)
        return SeededRoom(room_id=room_id, epoch=mark.epoch, last_seq=mark.last_seq, people=people)

    def _newcomer(
        self, handle: str, *, role: InviteRole, room_id: bytes | None, by: SeededPerson
    ) -> SeededPerson:
        invite_seed = sodium.random_bytes(32)
        certificate = sign_statement(
            InviteCertificate(
                invite_key=sodium.public_key(seed=invite_seed),
                role=role,
                room_id=room_id,
                inviter=by.author,
                expires_at=to_ms(now() + timedelta(hours=1)),
            ),
            label=Label.INVITE,
            root=self.root,
            seed=by.keys.device_seed,
        )
        invites.create_invite(inviter=by.device, certificate=certificate)
        return self._sign_up(new_account(), invite_seed, handle=handle, claim=None)

    def _sign_up(
        self, keys: NewAccount, invite_seed: bytes, *, handle: str, claim: SignedEntry | None
    ) -> SeededPerson:
        request = draft_sign_up(
            keys,
            root=self.root,
            invite_seed=invite_seed,
            handle=handle,
            language="en",
            community_head=community.head(),
            claim=claim,
            at=now_ms(),
        )
        return SeededPerson(keys=keys, token=sign_up.sign_up(request=request).token)

    def _certify(self, person: SeededPerson) -> None:
        body = CertifyBody(
            salt=sodium.random_bytes(16),
            account_id=person.keys.account_id,
            identity_key=person.keys.identity_key,
            role=Role.LEADER,
        )
        at = now_ms()
        entry = make_entry(
            log=LogKind.COMMUNITY,
            log_id=root_fingerprint(self.root),
            place=Place(head=community.head(), at=at, community_index=0),
            community_head=None,
            author=self.steward.author,
            action=Action.CERTIFY,
            body=body,
            at=at,
            sign=lambda label, data: sodium.sign(
                seed=self.steward.keys.device_seed, label=label, root=self.root, body=data
            ),
        )
        community.append_community_entry(signed=entry, author=self.steward.device)

    def _admit(self, log: "_RoomLog", person: SeededPerson) -> None:
        room_id = UUID(bytes=log.room_id)
        memberships.request_to_join(device=person.device, room_id=room_id, acceptance=None)
        body = AdmitBody(
            salt=sodium.random_bytes(16),
            account_id=person.keys.account_id,
            identity_key=person.keys.identity_key,
        )
        append.append_entry(
            device=log.leader.device,
            room_id=room_id,
            request=RoomEntryRequest(entry=log.next(Action.ADMIT, body), commit=None),
        )

    def _commit(self, log: "_RoomLog", people: list[SeededPerson]) -> None:
        device = log.leader.device
        adds = [person.keys.device_id for person in people[1 : limits.ROOM_MEMBERS_MAX]]
        for epoch, first in enumerate(range(0, len(adds), limits.CLAIM_MAX_DEVICES)):
            bundle = CommitBundle(
                epoch=epoch,
                commit=sodium.random_bytes(COMMIT_BYTES),
                welcome=sodium.random_bytes(WELCOME_BYTES),
                adds=adds[first : first + limits.CLAIM_MAX_DEVICES],
                removes=[],
                community_head=community.head().index,
                room_head=log.index,
            )
            commits.land_commit(device=device, room_id=UUID(bytes=log.room_id), bundle=bundle)


class _RoomLog:
    """Makes a room's entries one after another."""

    def __init__(self, root: bytes, room_id: bytes, leader: SeededPerson) -> None:
        self.root = root
        self.room_id = room_id
        self.leader = leader
        self.index = -1
        self._place: Place | None = None

    def next(self, action: Action, body: WireModel) -> SignedEntry:
        """Return the next entry, signed by the leader."""
        at, head = now_ms(), community.head()
        entry = make_entry(
            log=LogKind.ROOM,
            log_id=self.room_id,
            place=self._place,
            community_head=head,
            author=self.leader.author,
            action=action,
            body=body,
            at=at,
            sign=lambda label, data: sodium.sign(
                seed=self.leader.keys.device_seed, label=label, root=self.root, body=data
            ),
        )
        self.index += 1
        hash_ = entry_hash(entry.entry, entry.signature)
        self._place = Place(head=Head(index=self.index, hash=hash_), at=at, community_index=head.index)
        return entry


def _place_past_the_limit(room_id: UUID, people: list[SeededPerson]) -> None:
    Membership.objects.bulk_create(
        Membership(
            room_id=room_id,
            account_id=UUID(bytes=person.keys.account_id),
            standing=Standing.MEMBER,
            role=RoomRole.MEMBER.value,
            identity_key=person.keys.identity_key,
        )
        for person in people
    )
    GroupLeaf.objects.bulk_create(
        GroupLeaf(room_id=room_id, device_id=UUID(bytes=person.keys.device_id), state=LeafState.IN_GROUP)
        for person in people
    )


def as_json(seeded: Seeded, *, origin: str) -> dict[str, object]:
    """Return what the file holds (docs/seed-format.md)."""
    return {
        "version": 1,
        "origin": origin,
        "root": seeded.root.hex(),
        "steward": _person(seeded.steward),
        "rooms": [
            {
                "room_id": room.room_id.hex(),
                "epoch": room.epoch,
                "last_seq": room.last_seq,
                "members": list(_people(room.people)),
            }
            for room in seeded.rooms
        ],
    }


def _people(people: list[SeededPerson]) -> Iterator[dict[str, str]]:
    return (_person(person) for person in people)


def _person(person: SeededPerson) -> dict[str, str]:
    return {
        "account_id": person.keys.account_id.hex(),
        "device_id": person.keys.device_id.hex(),
        "identity_seed": person.keys.identity_seed.hex(),
        "device_seed": person.keys.device_seed.hex(),
        "session": person.token,
    }
