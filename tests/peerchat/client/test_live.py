"""A device's live side against a server that plays the hard orders of frames on purpose: what a real one does only
now and then.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from peerchat.client import crypto
from peerchat.client.client import Client
from peerchat.client.http import Http
from peerchat.client.identity import new_identity
from peerchat.client.live import Live
from peerchat.client.socket import SocketClosed
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol import client_frames as ask
from peerchat.protocol.codec import decode_client_frame, encode_frame
from peerchat.protocol.server_frames import (
    Ack,
    DeviceItem,
    DeviceItems,
    Item,
    Items,
    MessageItem,
    Notice,
    Ready,
    Refused,
    RoomEvent,
    RoomMark,
)
from peerchat.protocol.types import WireModel

ROOM = crypto.new_id()
SECONDS = 10
F = TypeVar("F", bound=WireModel)


class Peer:
    """The server's end of the newest socket."""

    def __init__(self) -> None:
        self._sockets: asyncio.Queue[ServerConnection] = asyncio.Queue()
        self._socket: ServerConnection | None = None
        self.origin = ""

    async def serve_one(self, socket: ServerConnection) -> None:
        self._sockets.put_nowait(socket)
        await socket.wait_closed()

    async def welcome(self, *, rooms: dict[bytes, int] | None = None, device_seq: int = 0) -> None:
        """Take the next socket and say where its rooms stand."""
        async with asyncio.timeout(SECONDS):
            self._socket = await self._sockets.get()
        marks = [
            RoomMark(room_id=room_id, last_seq=seq, floor=0, epoch=1)
            for room_id, seq in (rooms or {}).items()
        ]
        await self.say(Ready(type="ready", now=0, device_seq=device_seq, rooms=marks))

    async def say(self, frame: WireModel) -> None:
        assert self._socket is not None
        await self._socket.send(encode_frame(frame))

    async def asked(self, kind: type[F]) -> F:
        """Return the next frame of the client, which must be of ``kind``."""
        assert self._socket is not None
        async with asyncio.timeout(SECONDS):
            data = await self._socket.recv()
        assert isinstance(data, bytes)
        frame = decode_client_frame(data)
        assert isinstance(frame, kind)
        return frame

    async def cut(self) -> None:
        assert self._socket is not None
        await self._socket.close(1001)


def message(seq: int) -> MessageItem:
    return MessageItem(
        kind="message", seq=seq, message_id=crypto.new_id(), epoch=1, at=0, expires_at=1, ciphertext=b"x"
    )


def items(after: int, *seqs: int, through: int | None = None, pushed: bool = False) -> Items:
    return Items(
        type="items",
        room_id=ROOM,
        after=after,
        through=through if through is not None else max(seqs, default=after),
        floor=0,
        pushed=pushed,
        items=[message(seq) for seq in seqs],
    )


def behind() -> Notice:
    return Notice(type="notice", notice="behind", room_id=ROOM, until=None)


def welcomes(after: int, *seqs: int) -> DeviceItems:
    events: list[DeviceItem] = [RoomEvent(kind="room", seq=seq, room_id=ROOM, what="waiting") for seq in seqs]
    return DeviceItems(
        type="device_items", after=after, through=max(seqs, default=after), pushed=False, items=events
    )


class Follower:
    """Reads a room in the background."""

    def __init__(self, live: Live, *, after: int = 0) -> None:
        self.seqs: list[int] = []
        self._moved = asyncio.Event()
        self.task = asyncio.create_task(self._read(live, after))

    async def _read(self, live: Live, after: int) -> None:
        item: Item
        with suppress(SocketClosed):
            async for item in live.follow(ROOM, after=after):
                self.seqs.append(item.seq)
                self._moved.set()

    async def until(self, *seqs: int) -> None:
        async with asyncio.timeout(SECONDS):
            while self.seqs != list(seqs):
                self._moved.clear()
                await self._moved.wait()


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer()
    subprotocols = [Subprotocol(ask.SUBPROTOCOL)]
    async with serve(peer.serve_one, "127.0.0.1", 0, subprotocols=subprotocols) as server:
        peer.origin = f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        yield peer


@asynccontextmanager
async def live_at(peer: Peer) -> AsyncIterator[Live]:
    client = Client(http=Http(peer.origin), identity=new_identity(crypto.random_bytes(32)))
    async with Live(client) as live:
        yield live
    await client.close()


async def test_a_follower_that_came_after_the_greeting_reads_every_page(peer: Peer) -> None:
    """A page that the server cut short does not say so, and the greeting's marks were for rooms followed by then."""
    async with live_at(peer) as live:
        await peer.welcome(rooms={ROOM: 5})
        await live.connected.wait()
        reader = Follower(live)
        assert (await peer.asked(ask.Pull)).after == 0
        await peer.say(items(0, 1, 2))
        assert (await peer.asked(ask.Pull)).after == 2
        await peer.say(items(2, 3, 4, 5))
        assert (await peer.asked(ask.Pull)).after == 5
        await peer.say(items(5))
        await reader.until(1, 2, 3, 4, 5)


async def test_what_was_held_back_while_a_pull_was_under_way_is_pulled_after_it(peer: Peer) -> None:
    """The answer may have been read before the push that did not fit."""
    async with live_at(peer) as live:
        await peer.welcome(rooms={ROOM: 0})
        await live.connected.wait()
        reader = Follower(live)
        await peer.asked(ask.Pull)
        await peer.say(behind())
        await peer.say(items(0))
        assert (await peer.asked(ask.Pull)).after == 0
        await peer.say(items(0, 1))
        await reader.until(1)


async def test_an_answer_that_brings_nothing_ends_the_pulling(peer: Peer) -> None:
    async with live_at(peer) as live:
        await peer.welcome(rooms={ROOM: 3})
        await live.connected.wait()
        reader = Follower(live, after=3)
        await peer.asked(ask.Pull)
        await peer.say(items(3))
        await peer.say(items(3, 4, pushed=True))
        await reader.until(4)
        sending = asyncio.create_task(live.send(ROOM, epoch=1, ciphertext=b"x"))
        # The next frame is the message: no pull was sent in between.
        sent = await peer.asked(ask.Send)
        await peer.say(Ack(type="ack", room_id=ROOM, message_id=sent.message_id, seq=5, at=0, expires_at=1))
        assert (await sending).seq == 5


async def test_a_pull_that_broke_with_its_socket_is_asked_on_the_next_one(peer: Peer) -> None:
    async with live_at(peer) as live:
        await peer.welcome(rooms={ROOM: 2})
        await live.connected.wait()
        reader = Follower(live)
        await peer.asked(ask.Pull)
        await peer.cut()
        await peer.welcome(rooms={ROOM: 2})
        assert (await peer.asked(ask.Pull)).after == 0
        await peer.say(items(0, 1, 2))
        await reader.until(1, 2)


async def test_events_of_the_device_are_pulled_page_after_page(peer: Peer) -> None:
    """A Welcome fills a page by itself."""
    async with live_at(peer) as live:
        await peer.welcome(device_seq=2)
        assert (await peer.asked(ask.PullDevice)).after == 0
        await peer.say(welcomes(0, 1))
        assert (await peer.asked(ask.PullDevice)).after == 1
        await peer.say(welcomes(1, 2))
        events = live.device_items()
        async with asyncio.timeout(SECONDS):
            assert [(await anext(events)).seq for _ in range(2)] == [1, 2]


@pytest.mark.parametrize("code", [ErrorCode.BUSY, ErrorCode.RATE_LIMITED, ErrorCode.BROKEN])
async def test_what_was_refused_for_now_is_asked_again(
    peer: Peer, code: ErrorCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peerchat.client.live.BUSY_SECONDS", 0.01)
    async with live_at(peer) as live:
        await peer.welcome(rooms={ROOM: 1})
        await live.connected.wait()
        reader = Follower(live)
        await peer.asked(ask.Pull)
        await peer.say(Refused(type="refused", code=code, room_id=ROOM, message_id=None, details={}))
        await peer.asked(ask.Pull)
        await peer.say(items(0, 1))
        await peer.asked(ask.Pull)
        await reader.until(1)
        sending = asyncio.create_task(live.send(ROOM, epoch=1, ciphertext=b"x"))
        first = await peer.asked(ask.Send)
        await peer.say(
            Refused(type="refused", code=code, room_id=ROOM, message_id=first.message_id, details={})
        )
        again = await peer.asked(ask.Send)
        assert again.message_id == first.message_id
        sending.cancel()


async def test_a_fault_in_a_callback_reaches_whoever_waits(peer: Peer) -> None:
    class Fault(Exception):
        pass

    def refuse(notice: Notice) -> None:
        raise Fault

    client = Client(http=Http(peer.origin), identity=new_identity(crypto.random_bytes(32)))
    async with Live(client, notices=refuse) as live:
        await peer.welcome()
        await live.connected.wait()
        sending = asyncio.create_task(live.send(ROOM, epoch=1, ciphertext=b"x"))
        await peer.asked(ask.Send)
        await peer.say(behind())
        async with asyncio.timeout(SECONDS):
            with pytest.raises(Fault):
                await sending
            with pytest.raises(Fault):
                await live.send(ROOM, epoch=1, ciphertext=b"x")
    await client.close()


async def test_a_refusal_for_good_is_the_answer(peer: Peer) -> None:
    async with live_at(peer) as live:
        await peer.welcome()
        await live.connected.wait()
        sending = asyncio.create_task(live.send(ROOM, epoch=1, ciphertext=b"x"))
        sent = await peer.asked(ask.Send)
        await peer.say(
            Refused(
                type="refused",
                code=ErrorCode.STALE_EPOCH,
                room_id=ROOM,
                message_id=sent.message_id,
                details={"epoch": 7},
            )
        )
        with pytest.raises(PeerChatError) as refused:
            await sending
        assert refused.value.details == {"epoch": 7}
