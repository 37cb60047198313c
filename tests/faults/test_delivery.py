"""What devices meet through a real server when people come, go, speak and are removed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

import pytest

from peerchat.client import crypto
from peerchat.client.client import Client
from peerchat.client.http import Unreachable
from peerchat.client.socket import Socket, SocketClosed
from peerchat.errors import CloseCode, ErrorCode, PeerChatError
from peerchat.protocol import client_frames as ask
from peerchat.protocol import limits
from peerchat.protocol.http_bodies import PendingAnswer
from peerchat.protocol.server_frames import (
    DeviceItems,
    Items,
    Notice,
    PresenceUpdate,
    Ready,
    ServerFrame,
)
from tests.faults.sockets import closed_with
from tests.support.live_people import LiveCommunity, LiveRoom

pytestmark = [pytest.mark.faults, pytest.mark.asyncio(loop_scope="module")]

PATIENCE_SECONDS = 40


@dataclass
class Phone:
    """A connected device that keeps what it is sent, and credits it."""

    client: Client
    socket: Socket
    ready: Ready
    frames: list[ServerFrame] = field(default_factory=list)
    code: int | None = None
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    @asynccontextmanager
    async def on(cls, client: Client) -> AsyncIterator[Self]:
        async with await Socket.open(client.http) as socket:
            phone = cls(client, socket, await socket.ready())
            listening = asyncio.create_task(phone._listen())
            try:
                yield phone
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    async def _listen(self) -> None:
        taken = 0
        try:
            while True:
                frame = await self.socket.receive()
                self.frames.append(frame)
                self._moved.set()
                if isinstance(frame, Items | DeviceItems) and frame.pushed:
                    taken += 1
                    await self.socket.send(ask.Credit(type="credit", frames=taken))
        except SocketClosed as closed:
            self.code = closed.code
            self._moved.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until ``condition`` about this phone holds."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                self._moved.clear()
                await self._moved.wait()

    async def present(self, room: LiveRoom, *, speaking: bool = True) -> None:
        mode = ask.RoomPresence(room_id=room.room_id, mode="speaking" if speaking else "listening")
        await self.socket.send(ask.Presence(type="presence", rooms=[mode]))

    async def say(self, room: LiveRoom) -> bytes:
        message_id = crypto.new_id()
        await self.socket.send(
            ask.Send(
                type="send",
                room_id=room.room_id,
                message_id=message_id,
                epoch=room.epoch,
                ciphertext=crypto.random_bytes(256),
            )
        )
        return message_id

    def messages(self, room: LiveRoom) -> list[bytes]:
        return [
            item.message_id
            for frame in self.frames
            if isinstance(frame, Items) and frame.room_id == room.room_id
            for item in frame.items
            if item.kind == "message"
        ]

    def notices(self, kind: str) -> list[Notice]:
        return [frame for frame in self.frames if isinstance(frame, Notice) and frame.notice == kind]

    def shown(self, room: LiveRoom) -> dict[bytes, str]:
        """Who is in the room by the newest presence."""
        updates = [
            frame
            for frame in self.frames
            if isinstance(frame, PresenceUpdate) and frame.room_id == room.room_id
        ]
        return {one.account_id: one.mode for one in updates[-1].present} if updates else {}


async def test_a_message_reaches_everyone_in_the_room_and_its_sender(
    room: LiveRoom, community: LiveCommunity
) -> None:
    async with AsyncExitStack() as stack:
        phones = [await stack.enter_async_context(Phone.on(client)) for client in room.everyone]
        outsider = await stack.enter_async_context(Phone.on(community.steward))
        said = await phones[1].say(room)
        for phone in phones:
            await phone.until(lambda phone=phone: said in phone.messages(room))  # type: ignore[misc]
        assert outsider.frames == []


async def test_presence_is_seen_by_others_and_ends_when_the_room_is_closed(room: LiveRoom) -> None:
    one, other = room.members
    async with Phone.on(one) as here, Phone.on(other) as there:
        await here.present(room)
        await there.until(lambda: there.shown(room).get(one.identity.account_id) == "speaking")
        await here.present(room, speaking=False)
        await there.until(lambda: there.shown(room).get(one.identity.account_id) == "listening")
        await here.socket.send(ask.Presence(type="presence", rooms=[]))
        await there.until(lambda: one.identity.account_id not in there.shown(room))


async def test_signing_out_closes_the_socket_at_once(room: LiveRoom, community: LiveCommunity) -> None:
    guest = await community.invite_in(room, "guest")
    async with await Socket.open(guest.http) as socket:
        await socket.ready()
        since = time.monotonic()
        await guest.sign_out()
        assert await closed_with(socket) == CloseCode.SIGNED_OUT
        assert time.monotonic() - since < 8, (
            "the hint does it; the recheck alone would take up to ten seconds"
        )


async def test_two_sockets_of_one_device_are_one_too_many(room: LiveRoom) -> None:
    client = room.members[0]
    async with await Socket.open(client.http) as older:
        await older.ready()
        async with await Socket.open(client.http) as newer:
            await newer.ready()
            assert await closed_with(older) == CloseCode.REPLACED
            await newer.send(ask.Pull(type="pull", room_id=room.room_id, after=0, limit=1))
            assert isinstance(await newer.receive(), Items)


async def test_who_was_let_in_gets_a_welcome_and_then_the_room(community: LiveCommunity) -> None:
    room = await community.open_room(members=0)
    person = await community.invite_in(room, "newcomer")
    async with Phone.on(person) as phone, Phone.on(room.leader) as leader:
        assert phone.ready.rooms == []
        await community.admit(room, person)
        await community.commit_pending(room)
        await phone.until(
            lambda: any(
                item.kind == "welcome"
                for frame in phone.frames
                if isinstance(frame, DeviceItems)
                for item in frame.items
            )
        )
        said = await leader.say(room)
        await phone.until(lambda: said in phone.messages(room))


async def test_events_are_kept_until_the_device_says_that_it_has_them(community: LiveCommunity) -> None:
    room = await community.open_room(members=1)
    person = room.members[0]
    for _ in range(2):
        async with Phone.on(person) as phone:
            assert phone.ready.device_seq > 0
            await phone.socket.send(ask.PullDevice(type="pull_device", after=0))
            await phone.until(lambda: any(isinstance(frame, DeviceItems) for frame in phone.frames))
            (events,) = [frame for frame in phone.frames if isinstance(frame, DeviceItems)]
            assert "welcome" in [item.kind for item in events.items]
    async with Phone.on(person) as phone:
        await phone.socket.send(ask.PullDevice(type="pull_device", after=events.through))
        await phone.socket.send(ask.PullDevice(type="pull_device", after=0))
        await phone.until(lambda: len(phone.frames) == 2)
        assert [frame.items for frame in phone.frames if isinstance(frame, DeviceItems)] == [[], []]


async def test_delivery_to_a_removed_person_stops_at_once_on_an_open_socket(community: LiveCommunity) -> None:
    room = await community.open_room(members=2)
    goes, stays = room.members
    async with Phone.on(goes) as gone, Phone.on(stays) as kept, Phone.on(room.leader) as leader:
        epoch = (await room.leader.pending(room.room_id)).epoch
        bundle = await community.bundle(
            room, room.leader, PendingAnswer(epoch=epoch, adds=[], removes=[]), with_entry=True
        )
        answer = await room.leader.remove(
            room.room_id,
            account_id=goes.identity.account_id,
            commit=bundle.model_copy(update={"removes": [goes.identity.device_id]}),
        )
        room.epoch = answer.epoch
        said = await leader.say(room)
        await kept.until(lambda: said in kept.messages(room))
        assert said not in gone.messages(room)
        gone.frames.clear()
        await gone.socket.send(ask.Pull(type="pull", room_id=room.room_id, after=0, limit=200))
        await gone.until(lambda: any(frame.type == "refused" for frame in gone.frames))
        with pytest.raises(PeerChatError) as refusal:
            await goes.items(room.room_id, after=0)
        assert refusal.value.code is ErrorCode.NOT_FOUND


async def renew_keys(community: LiveCommunity, room: LiveRoom) -> None:
    """Let each member do a joiner's first act: a commit of a bare path. Nobody is asked first before that."""
    for member in room.members:
        await community.commit_pending(room, by=member)


async def test_one_speaking_device_is_asked_to_commit_and_after_five_seconds_another(
    community: LiveCommunity,
) -> None:
    room = await community.open_room(members=2)
    await renew_keys(community, room)
    async with AsyncExitStack() as stack:
        phones = [await stack.enter_async_context(Phone.on(client)) for client in room.everyone]
        await phones[1].present(room)
        await phones[0].until(lambda: bool(phones[0].shown(room)))
        newcomer = await community.invite_in(room, "newcomer")
        await community.admit(room, newcomer)
        await phones[1].until(lambda: bool(phones[1].notices("commit_wanted")))
        first = phones[1].notices("commit_wanted")[0]
        assert first.room_id == room.room_id
        assert first.until is not None
        assert not phones[0].notices("commit_wanted")
        others = (phones[0], phones[2])
        asked = [
            asyncio.create_task(phone.until(lambda phone=phone: bool(phone.notices("commit_wanted"))))  # type: ignore[misc]
            for phone in others
        ]
        await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        for task in asked:
            task.cancel()
        (second,) = [notice for phone in others for notice in phone.notices("commit_wanted")]
        assert second.until is not None
        assert second.until - first.until >= limits.COMMIT_NOMINATION_MS
        await community.commit_pending(room)


async def test_who_goes_offline_while_asked_is_replaced_without_waiting(community: LiveCommunity) -> None:
    room = await community.open_room(members=1)
    await renew_keys(community, room)
    async with Phone.on(room.leader) as leader:
        async with Phone.on(room.members[0]) as phone:
            await phone.present(room)
            await leader.until(lambda: bool(leader.shown(room)))
            await community.admit(room, await community.invite_in(room, "newcomer"))
            await phone.until(lambda: bool(phone.notices("commit_wanted")))
            since = time.monotonic()
        await leader.until(lambda: bool(leader.notices("commit_wanted")))
        assert time.monotonic() - since < limits.COMMIT_NOMINATION_MS / 1000
        await community.commit_pending(room)


async def commit_when_asked(community: LiveCommunity, room: LiveRoom, phone: Phone) -> None:
    """Do as a member's client does: carry out what is pending whenever this device is asked."""
    while True:
        await phone.until(lambda: bool(phone.notices("commit_wanted")))
        phone.frames = [frame for frame in phone.frames if not isinstance(frame, Notice)]
        try:
            await community.commit_pending(room, by=phone.client)
        except (PeerChatError, Unreachable):
            # Another was quicker, or nothing is left to do.
            continue


async def test_twenty_five_join_within_ten_seconds_while_five_talk(community: LiveCommunity) -> None:
    room = await community.open_room(members=4)
    joiners = [await community.invite_in(room, f"joiner {number}") for number in range(25)]
    async with AsyncExitStack() as stack:
        phones = [await stack.enter_async_context(Phone.on(client)) for client in room.everyone]
        for phone in phones:
            await phone.present(room)
        background = [asyncio.create_task(commit_when_asked(community, room, phone)) for phone in phones]
        said: list[bytes] = []

        async def talk(phone: Phone) -> None:
            while True:
                said.append(await phone.say(room))
                await asyncio.sleep(0.3)

        background += [asyncio.create_task(talk(phone)) for phone in phones]
        since = time.monotonic()
        for person in joiners:
            await community.admit(room, person)
        admitted_after = time.monotonic() - since
        async with asyncio.timeout(PATIENCE_SECONDS):
            waiting = {person.identity.device_id for person in joiners}
            while waiting:
                pending = await room.leader.pending(room.room_id)
                waiting = {device.device_id for device in pending.adds}
                await asyncio.sleep(0.1)
        all_in_after = time.monotonic() - since
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        commits = room.epoch - 1
        acked = [frame.message_id for phone in phones for frame in phone.frames if frame.type == "ack"]
        for phone in phones:
            await phone.until(lambda phone=phone: set(acked) <= set(phone.messages(room)))  # type: ignore[misc]
    print(f"admitted in {admitted_after:.1f} s, all in after {all_in_after:.1f} s, {commits} commits")
    assert acked
    assert commits <= admitted_after + 5, "what gathers goes into one commit"
    rows = [await person.rooms() for person in joiners]
    assert all(
        row.in_group for row in (one for person in rows for one in person if one.room_id == room.room_id)
    )
