"""A room with people in it, made through the real services: signed entries, and commits as the server sees them.

A commit's bytes are random here: the server reads no MLS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from peerchat import sodium
from peerchat.accounts import community, key_packages
from peerchat.accounts.new_account import sign_statement
from peerchat.clock import now_ms
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.codec import decode_canonical
from peerchat.protocol.http_bodies import (
    CommitAnswer,
    CommitBundle,
    RoomCreateRequest,
    RoomEntryAnswer,
    RoomEntryRequest,
)
from peerchat.protocol.signed import (
    Action,
    AdmitBody,
    Author,
    CreateBody,
    GrantBody,
    Head,
    HideBody,
    InviteAcceptance,
    InviteRole,
    Label,
    LeaveBody,
    LockBody,
    LogEntry,
    LogKind,
    MuteBody,
    Reason,
    RemoveBody,
    RoomRole,
    SettingsBody,
    SignedEntry,
    SignedStatement,
)
from peerchat.protocol.types import WireModel
from peerchat.signed_log import Place, make_entry
from rooms import access, append, commits, memberships, messages, opening
from rooms.messages import PendingSend, Posted
from rooms.models import Room
from tests.support.people import Person, Village, salt


def code_of(result: object) -> ErrorCode | None:
    """Return the code of a refusal, ``None`` for anything else."""
    return result.code if isinstance(result, PeerChatError) else None


def refusal(act: Callable[..., object], *args: Any, **kwargs: Any) -> PeerChatError:
    """Return what ``act(*args, **kwargs)`` is refused with; it must be."""
    with pytest.raises(PeerChatError) as caught:
        act(*args, **kwargs)
    return caught.value


def code(act: Callable[..., object], *args: Any, **kwargs: Any) -> ErrorCode:
    """Return the code that ``act(*args, **kwargs)`` is refused with; it must be."""
    return refusal(act, *args, **kwargs).code


@dataclass
class OpenRoom:
    """A room in the database, and its leader."""

    village: Village
    leader: Person
    room_id: UUID

    @classmethod
    def open(
        cls, village: Village, leader: Person, *, room_id: bytes | None = None, expiry_seconds: int = 86_400
    ) -> OpenRoom:
        """Open a room as the leader's app does."""
        request = create_request(leader, room_id=room_id, expiry_seconds=expiry_seconds)
        opening.open_room(device=leader.device, request=request)
        return cls(village, leader, UUID(bytes=room_id or _log_id(request)))

    @property
    def row(self) -> Room:
        """The room as the database has it now."""
        return access.rooms_named([self.room_id])[self.room_id]

    # --- people -------------------------------------------------------------------------------------

    def newcomer(self, name: str, *, packages: int = 2) -> Person:
        """Let someone sign up with an invite to this room; they wait for nothing yet."""
        person = self.village.join(name, room_id=self.room_id)
        self.bring_packages(person, packages)
        return person

    def bring_packages(self, person: Person, count: int = 2) -> None:
        key_packages.upload_key_packages(
            device=person.device,
            one_time=[sodium.random_bytes(300) for _ in range(count)],
            last_resort=None,
        )

    def asks(self, person: Person, *, acceptance: SignedStatement | None = None) -> None:
        memberships.request_to_join(device=person.device, room_id=self.room_id, acceptance=acceptance)

    def admits(self, person: Person, *, by: Person | None = None) -> RoomEntryAnswer:
        return self.append(Action.ADMIT, admit(person), by=by)

    def member(self, name: str) -> Person:
        """Let someone come all the way in: asked, admitted, added."""
        person = self.newcomer(name)
        self.asks(person)
        self.admits(person)
        self.commit(adds=[person])
        return person

    def co_leader(self, name: str) -> Person:
        """Let a certified leader come in and lead too."""
        person = self.village.join(name, role=InviteRole.LEADER, room_id=self.room_id)
        self.asks(person)
        self.admits(person)
        self.commit(adds=[person])
        self.append(
            Action.GRANT,
            GrantBody(salt=salt(), account_id=person.keys.account_id, room_role=RoomRole.LEADER),
        )
        return person

    def acceptance(self, person: Person, *, seed: bytes) -> SignedStatement:
        """Return the proof that ``person`` holds the link of ``seed``."""
        body = InviteAcceptance(
            invite_key=sodium.public_key(seed=seed),
            account_id=person.keys.account_id,
            identity_key=person.keys.identity_key,
        )
        return sign_statement(body, label=Label.INVITE_ACCEPTANCE, root=self.village.root, seed=seed)

    # --- the log and the group ----------------------------------------------------------------------

    def entry(
        self,
        action: Action,
        body: WireModel,
        *,
        by: Person | None = None,
        at: int | None = None,
        author: Author | None = None,
        community_head: Head | None = None,
        place: Place | None = None,
        log_id: bytes | None = None,
    ) -> SignedEntry:
        """Return the next entry as ``by`` (the leader) signs it."""
        room, who = self.row, by or self.leader
        return make_entry(
            log=LogKind.ROOM,
            log_id=log_id or room.id.bytes,
            place=place
            or Place(
                head=Head(index=room.log_index, hash=bytes(room.log_hash)),
                at=room.log_at_ms,
                community_index=room.community_index,
            ),
            community_head=community_head or community.head(),
            author=author or who.author,
            action=action,
            body=body,
            at=now_ms() if at is None else at,
            sign=who.sign,
        )

    def append(
        self,
        action: Action,
        body: WireModel,
        *,
        by: Person | None = None,
        commit: CommitBundle | None = None,
        **other: Any,
    ) -> RoomEntryAnswer:
        signed = self.entry(action, body, by=by, **other)
        return self.send_entry(signed, by=by, commit=commit)

    def send_entry(
        self, signed: SignedEntry, *, by: Person | None = None, commit: CommitBundle | None = None
    ) -> RoomEntryAnswer:
        return append.append_entry(
            device=(by or self.leader).device,
            room_id=self.room_id,
            request=RoomEntryRequest(entry=signed, commit=commit),
        )

    def bundle(
        self,
        *,
        adds: list[Person] | None = None,
        removes: list[Person] | None = None,
        with_entry: bool = False,
        **changed: Any,
    ) -> CommitBundle:
        """Return a commit for the epoch and heads that stand now; ``with_entry``: after the next entry."""
        room = self.row
        fields: dict[str, Any] = {
            "epoch": room.epoch,
            "commit": sodium.random_bytes(200),
            "welcome": sodium.random_bytes(400) if adds else None,
            "adds": [one.keys.device_id for one in adds or []],
            "removes": [one.keys.device_id for one in removes or []],
            "community_head": community.head().index,
            "room_head": room.log_index + (1 if with_entry else 0),
        }
        return CommitBundle(**{**fields, **changed})

    def commit(
        self,
        bundle: CommitBundle | None = None,
        *,
        by: Person | None = None,
        adds: list[Person] | None = None,
        removes: list[Person] | None = None,
    ) -> CommitAnswer:
        return commits.land_commit(
            device=(by or self.leader).device,
            room_id=self.room_id,
            bundle=bundle or self.bundle(adds=adds, removes=removes),
        )

    def remove(self, person: Person, *, by: Person | None = None) -> RoomEntryAnswer:
        return self.append(
            Action.REMOVE,
            remove(person),
            by=by,
            commit=self.bundle(removes=[person], with_entry=True),
        )

    def mute(self, person: Person, muted: bool = True, *, by: Person | None = None) -> RoomEntryAnswer:
        return self.append(Action.MUTE, mute(person, muted), by=by, commit=self.bundle(with_entry=True))

    # --- messages -------------------------------------------------------------------------------------

    def pending(
        self,
        person: Person,
        ciphertext: bytes = b"sealed",
        *,
        message_id: UUID | None = None,
        epoch: int | None = None,
    ) -> PendingSend:
        return PendingSend(
            device_id=person.device_id,
            room_id=self.room_id,
            message_id=message_id or UUID(bytes=sodium.random_bytes(16)),
            epoch=self.row.epoch if epoch is None else epoch,
            ciphertext=ciphertext,
        )

    def post(self, person: Person, ciphertext: bytes = b"sealed", **other: Any) -> Posted | PeerChatError:
        (result,) = messages.post_messages([self.pending(person, ciphertext, **other)])
        return result

    def says(self, person: Person, ciphertext: bytes = b"sealed") -> Posted:
        """Post what must be taken."""
        result = self.post(person, ciphertext)
        assert isinstance(result, Posted), result
        return result

    def read(self, after: int = 0, limit: int = 200) -> list[bytes]:
        """Return the ciphertexts that a pull gives."""
        items = messages.items_after(self.row, after, limit).items
        return [item.ciphertext for item in items if item.kind == "message"]


def _log_id(request: RoomCreateRequest) -> bytes:
    return decode_canonical(LogEntry, request.entry.entry).log_id


def create_request(
    leader: Person,
    *,
    room_id: bytes | None = None,
    group_id: bytes | None = None,
    name: str = "Tuesday",
    expiry_seconds: int = 86_400,
    at: int | None = None,
) -> RoomCreateRequest:
    """Return what a leader's app sends to open a room."""
    body = CreateBody(
        salt=salt(),
        group_id=group_id or sodium.random_bytes(16),
        identity_key=leader.keys.identity_key,
        expiry_seconds=expiry_seconds,
    )
    entry = make_entry(
        log=LogKind.ROOM,
        log_id=room_id or sodium.random_bytes(16),
        place=None,
        community_head=community.head(),
        author=leader.author,
        action=Action.CREATE,
        body=body,
        at=now_ms() if at is None else at,
        sign=leader.sign,
    )
    return RoomCreateRequest(name=name, entry=entry)


def admit(person: Person, *, identity_key: bytes | None = None) -> AdmitBody:
    return AdmitBody(
        salt=salt(),
        account_id=person.keys.account_id,
        identity_key=identity_key or person.keys.identity_key,
    )


def remove(person: Person) -> RemoveBody:
    return RemoveBody(salt=salt(), account_id=person.keys.account_id, reason=Reason.SAFETY)


def mute(person: Person, muted: bool) -> MuteBody:
    return MuteBody(salt=salt(), account_id=person.keys.account_id, muted=muted, reason=Reason.AGREEMENT)


def hide(message_id: UUID) -> HideBody:
    return HideBody(salt=salt(), message_id=message_id.bytes, reason=Reason.ASKED)


def lock(locked: bool) -> LockBody:
    return LockBody(salt=salt(), locked=locked)


def settings(expiry_seconds: int) -> SettingsBody:
    return SettingsBody(salt=salt(), expiry_seconds=expiry_seconds)


def leave() -> LeaveBody:
    return LeaveBody(salt=salt())
