"""People at a running server, through its real interfaces alone: a community, a room, members whose MLS is
opaque bytes.

The server never reads commits, Welcomes and messages, so tests of delivery need no MLS: random bytes stand
for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from unittest import mock

from peerchat.client import crypto
from peerchat.client.client import Client
from peerchat.protocol import http_bodies as bodies
from peerchat.protocol import limits
from peerchat.protocol.signed import InviteRole, Role

PHRASE = "six words that nobody would guess"


def key_packages(count: int = 4) -> bodies.KeyPackagesRequest:
    """Return opaque key packages."""
    return bodies.KeyPackagesRequest(
        one_time=[crypto.random_bytes(300) for _ in range(count)], last_resort=crypto.random_bytes(300)
    )


class Deployment(Protocol):
    """What a community needs of the server, or servers, that it lives on."""

    @property
    def url(self) -> str: ...
    def manage(self, *arguments: str) -> str: ...


@dataclass
class LiveRoom:
    """A room and the epoch that its group is in by the tests' own count."""

    room_id: bytes
    leader: Client
    members: list[Client] = field(default_factory=list)
    epoch: int = 0

    @property
    def everyone(self) -> list[Client]:
        return [self.leader, *self.members]


@dataclass
class LiveCommunity:
    """A steward and a leader; ``stack`` closes every client at the end."""

    server: Deployment
    stack: AsyncExitStack
    steward: Client
    leader: Client

    async def join(self, invite: object, handle: str) -> Client:
        """Sign somebody up by ``invite``."""
        client = await Client.sign_up(str(invite), handle=handle, phrase=PHRASE, key_packages=key_packages())
        self.stack.push_async_callback(client.close)
        return client

    async def open_room(self, *, members: int, expiry_seconds: int = limits.EXPIRY_MIN_SECONDS) -> LiveRoom:
        """Open a room and let ``members`` new people in, with one commit."""
        room_id = crypto.new_id()
        await self.leader.create_room("Evening", room_id=room_id, expiry_seconds=expiry_seconds)
        room = LiveRoom(room_id=room_id, leader=self.leader)
        await self.let_in(room, members=members)
        return room

    async def let_in(self, room: LiveRoom, *, members: int) -> list[Client]:
        """Let more new people in, with one commit."""
        people = []
        for number in range(len(room.members), len(room.members) + members):
            person = await self.invite_in(room, f"member {number}")
            await self.admit(room, person)
            people.append(person)
        if people:
            await self.commit_pending(room)
            room.members += people
        return people

    async def invite_in(self, room: LiveRoom, handle: str) -> Client:
        """Sign somebody up who then knocks at the room."""
        invite = await self.leader.make_invite(role=InviteRole.MEMBER, room_id=room.room_id)
        person = await self.join(invite, f"{handle} {room.room_id.hex()[:4]}")
        await person.ask_to_join(room.room_id)
        return person

    async def admit(self, room: LiveRoom, person: Client) -> None:
        """Let a waiting person in; a commit must follow."""
        await self.leader.admit(
            room.room_id,
            account_id=person.identity.account_id,
            identity_key=person.identity.identity_key,
        )

    async def commit_pending(self, room: LiveRoom, *, by: Client | None = None) -> bodies.CommitAnswer:
        """Carry out what is pending with one commit by ``by`` (the leader)."""
        committer = by or room.leader
        pending = await committer.pending(room.room_id)
        answer = await committer.commit(room.room_id, await self.bundle(room, committer, pending))
        room.epoch = answer.epoch
        return answer

    async def bundle(
        self,
        room: LiveRoom,
        committer: Client,
        pending: bodies.PendingAnswer,
        *,
        with_entry: bool = False,
    ) -> bodies.CommitBundle:
        """Return an opaque commit that does what is pending, under both heads; ``with_entry``: one lands with it."""
        adds = [device.device_id for device in pending.adds]
        return bodies.CommitBundle(
            epoch=pending.epoch,
            commit=crypto.random_bytes(600),
            welcome=crypto.random_bytes(1_000) if adds else None,
            adds=adds,
            removes=[device.device_id for device in pending.removes],
            community_head=(await committer.community_head()).index,
            room_head=(await committer.room_head(room.room_id)).index + with_entry,
        )


@contextmanager
def cheap_phrases() -> Iterator[None]:
    """Let no phrase cost Argon2id's 0.2 s and 32 MiB: nobody here comes back by a phrase."""

    def random_keys(*, phrase: str, root: bytes, handle: str) -> crypto.PhraseKeys:
        return crypto.PhraseKeys(*(crypto.random_bytes(32) for _ in range(3)))

    with mock.patch.object(crypto, "phrase_keys", random_keys):
        yield


@asynccontextmanager
async def live_community(server: Deployment, tmp_path: Path) -> AsyncIterator[LiveCommunity]:
    """Found a demo community at ``server``, with a steward and an effective leader, over HTTP."""
    file = tmp_path / "community.json"
    founding = ("community", "create", "--demo", "--name", "Test", "--out", str(file), "--origin", server.url)
    # In a thread: the way to the database may lead through a proxy in this loop.
    printed = await asyncio.to_thread(server.manage, *founding)
    await asyncio.to_thread(server.manage, "community", "load", str(file))
    (link,) = [word for word in printed.split() if "/join#" in word]
    async with AsyncExitStack() as stack:
        stack.enter_context(cheap_phrases())
        steward = await Client.sign_up(link, handle="steward", phrase=PHRASE)
        stack.push_async_callback(steward.close)
        invite = await steward.make_invite(role=InviteRole.LEADER)
        leader = await Client.sign_up(
            str(invite), handle="leader", phrase=PHRASE, key_packages=key_packages()
        )
        stack.push_async_callback(leader.close)
        await steward.certify(
            account_id=leader.identity.account_id,
            identity_key=leader.identity.identity_key,
            role=Role.LEADER,
        )
        certified_at = steward.server_now()
        # Each client's idea of the server's clock is off by some milliseconds: a leader must not act before it is one.
        while leader.server_now() <= certified_at:
            await leader.me()
        yield LiveCommunity(server=server, stack=stack, steward=steward, leader=leader)
