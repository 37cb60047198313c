"""Fan-out in one process, with a world in memory in place of the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import msgpack
import pytest

from peerchat.errors import CloseCode, PeerChatError
from peerchat.protocol import limits
from peerchat.protocol.server_frames import (
    DeviceItems,
    Items,
    MessageItem,
    Ready,
    RoomEvent,
    RoomMark,
)
from rooms import hub_reads
from rooms.fastwrite import Frame
from rooms.hints import NOTHING, Hint
from rooms.hub import SOCKETS_OF_ACCOUNT_MAX, Hub
from rooms.messages import PendingSend, Posted
from rooms.outlets import Outlet
from rooms.readers import Readers
from rooms.writer import Committed

ROOM, OTHER = UUID(int=1), UUID(int=2)


def item(seq: int, size: int = 10) -> MessageItem:
    return MessageItem(
        kind="message",
        seq=seq,
        message_id=seq.to_bytes(16, "big"),
        epoch=0,
        at=0,
        expires_at=1,
        ciphertext=b"c" * size,
    )


@dataclass
class World(Readers):
    """What the database would answer. ``before_answer`` runs between a read and its answer."""

    items: dict[UUID, list[MessageItem]] = field(default_factory=lambda: {ROOM: [], OTHER: []})
    members: dict[UUID, set[UUID]] = field(default_factory=dict)
    accounts: dict[UUID, UUID] = field(default_factory=dict)
    sessions: set[bytes] = field(default_factory=set)
    events: dict[UUID, int] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    before_answer: Callable[[str], None] = lambda name: None

    async def run(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        self.reads.append(function.__name__)
        answer = getattr(self, f"_{function.__name__}")(*args)
        await asyncio.sleep(0)
        self.before_answer(function.__name__)
        return answer

    def post(self, room_id: UUID, count: int = 1, size: int = 10) -> None:
        for _ in range(count):
            self.items[room_id].append(item(len(self.items[room_id]) + 1, size))

    def _device_view(self, device_id: UUID) -> hub_reads.DeviceView:
        account_id = self.accounts[device_id]
        rooms = [
            RoomMark(room_id=room_id.bytes, last_seq=len(self.items[room_id]), floor=0, epoch=0)
            for room_id, members in sorted(self.members.items())
            if account_id in members
        ]
        return hub_reads.DeviceView(rooms=rooms, device_seq=self.events.get(device_id, 0))

    def _room_items(self, room_id: UUID, after: int) -> Items:
        found = [one for one in self.items[room_id] if one.seq > after][:50]
        through = found[-1].seq if found else after
        return Items(
            type="items",
            room_id=room_id.bytes,
            after=after,
            through=through,
            floor=0,
            pushed=False,
            items=list(found),
        )

    def _device_items(self, device_id: UUID, after: int) -> DeviceItems:
        through = self.events.get(device_id, 0)
        return DeviceItems(
            type="device_items",
            after=after,
            through=max(through, after),
            pushed=False,
            items=[
                RoomEvent(kind="room", seq=seq, room_id=ROOM.bytes, what="admitted")
                for seq in range(after + 1, through + 1)
            ],
        )

    def _rooms_as_they_are(self, room_ids: Iterable[UUID]) -> dict[UUID, Any]:
        return {room_id: SimpleNamespace(floor=0, last_seq=len(self.items[room_id])) for room_id in room_ids}

    def _newest_events(self, device_ids: Iterable[UUID]) -> dict[UUID, int]:
        return {device_id: self.events[device_id] for device_id in device_ids if device_id in self.events}

    def _members_of(self, room_ids: Iterable[UUID]) -> dict[UUID, set[UUID]]:
        return {room_id: set(self.members[room_id]) for room_id in room_ids}

    def _live_sessions(self, hashes: Iterable[bytes]) -> set[bytes]:
        return self.sessions & set(hashes)


class Socket(Outlet):
    """An outlet that keeps its frames."""

    def __init__(self, device_id: UUID, account_id: UUID, token_hash: bytes) -> None:
        self.frames: list[Frame] = []
        super().__init__(
            device_id=device_id,
            account_id=account_id,
            token_hash=token_hash,
            send=None,  # type: ignore[arg-type]  # write is replaced
            fast=None,
            clock=lambda: 0.0,
        )

    def write(self, frame: Frame) -> None:
        if not self.closed.done():
            self.frames.append(frame)

    def seqs(self, room_id: UUID = ROOM) -> list[int]:
        """The seqs that were pushed for a room, in order."""
        decoded = [msgpack.unpackb(frame.payload) for frame in self.frames]
        return [
            one["seq"]
            for frame in decoded
            if frame["type"] == "items" and frame["room_id"] == room_id.bytes
            for one in frame["items"]
        ]

    def notices(self) -> list[tuple[str, bytes | None]]:
        decoded = [msgpack.unpackb(frame.payload) for frame in self.frames]
        return [(frame["notice"], frame["room_id"]) for frame in decoded if frame["type"] == "notice"]


class Stage:
    """A hub, the world it reads, and what it told the rest."""

    def __init__(self) -> None:
        self.world = World()
        self.relayed: list[Hint] = []
        self.ended: list[tuple[UUID, UUID]] = []
        self.hub = Hub(
            readers=self.world,
            relay=self.relayed.append,
            ended=lambda device_id, room_id: self.ended.append((device_id, room_id)),
            changed=lambda room_ids: None,
            clock=lambda: 0.0,
        )

    async def connect(self, *rooms: UUID, account_id: UUID | None = None) -> tuple[Socket, Ready]:
        account_id = account_id or uuid4()
        for room_id in rooms:
            self.world.members.setdefault(room_id, set()).add(account_id)
        device_id, token = uuid4(), uuid4().bytes
        self.world.accounts[device_id] = account_id
        self.world.sessions.add(token)
        socket = Socket(device_id, account_id, token)
        return socket, await self.hub.join(socket)

    def commit(self, *seqs: int, room_id: UUID = ROOM, fresh: bool = True, size: int = 10) -> None:
        """Let the writer have stored these messages."""
        stored = []
        for seq in seqs:
            one = item(seq, size)
            send = PendingSend(
                device_id=uuid4(),
                room_id=room_id,
                message_id=UUID(bytes=one.message_id),
                epoch=0,
                ciphertext=one.ciphertext,
            )
            posted = Posted(
                room_id=room_id,
                message_id=send.message_id,
                seq=seq,
                at=0,
                expires_at=1,
                fresh=fresh,
            )
            stored.append((send, posted))
        self.hub.committed(Committed(stored, NOTHING))

    async def settle(self) -> None:
        while self.hub._tasks:
            await asyncio.gather(*tuple(self.hub._tasks))
        await asyncio.sleep(0)


@pytest.fixture
async def stage() -> Stage:
    return Stage()


async def test_a_frame_is_encoded_once_and_the_same_bytes_go_to_everyone(stage: Stage) -> None:
    sockets = [(await stage.connect(ROOM))[0] for _ in range(5)]
    stage.world.post(ROOM, 2)
    stage.commit(1, 2)
    assert all(socket.seqs() == [1, 2] for socket in sockets)
    assert len({id(frame) for socket in sockets for frame in socket.frames}) == 1
    assert "room_items" not in stage.world.reads, "the writer's items need no read"


async def test_one_commit_is_one_hint_of_ids_and_seqs(stage: Stage) -> None:
    await stage.connect(ROOM, OTHER)
    stage.world.post(ROOM, 2)
    stage.world.post(OTHER)
    stage.hub.committed(Committed([], Hint(rooms={ROOM: 2, OTHER: 1})))
    assert stage.relayed == [Hint(rooms={ROOM: 2, OTHER: 1})]


async def test_a_hint_from_elsewhere_is_read_once_for_all_sockets(stage: Stage) -> None:
    sockets = [(await stage.connect(ROOM))[0] for _ in range(5)]
    stage.world.post(ROOM, 3)
    stage.hub.apply(Hint(rooms={ROOM: 3}))
    await stage.settle()
    assert all(socket.seqs() == [1, 2, 3] for socket in sockets)
    assert stage.world.reads.count("room_items") == 1


async def test_a_message_behind_another_commit_waits_for_it_and_the_order_holds(stage: Stage) -> None:
    socket, _ = await stage.connect(ROOM)
    stage.world.post(ROOM, 3)
    stage.commit(3)
    assert socket.seqs() == []
    await stage.settle()
    assert socket.seqs() == [1, 2, 3]


async def test_what_is_pushed_while_a_read_is_under_way_is_pushed_once(stage: Stage) -> None:
    socket, _ = await stage.connect(ROOM)
    stage.world.post(ROOM, 2)

    def meanwhile(name: str) -> None:
        stage.world.before_answer = lambda name: None
        stage.commit(1)

    stage.world.before_answer = meanwhile
    stage.hub.apply(Hint(rooms={ROOM: 2}))
    await stage.settle()
    assert socket.seqs() == [1, 2]


async def test_a_retry_is_not_pushed_again(stage: Stage) -> None:
    socket, _ = await stage.connect(ROOM)
    stage.world.post(ROOM)
    stage.commit(1)
    stage.commit(1, fresh=False)
    await stage.settle()
    assert socket.seqs() == [1]


async def test_another_ciphertext_under_a_stored_id_is_never_pushed(stage: Stage) -> None:
    socket, _ = await stage.connect(ROOM)
    # Another process stored it, and its hint has not come yet, when the retry is answered here.
    stage.world.post(ROOM)
    stage.commit(1, fresh=False, size=99)
    assert socket.seqs() == []
    await stage.hub.poll()
    await stage.settle()
    (frame,) = socket.frames
    assert msgpack.unpackb(frame.payload)["items"][0]["ciphertext"] == b"c" * 10


async def test_only_sockets_of_the_room_get_its_items(stage: Stage) -> None:
    inside, _ = await stage.connect(ROOM)
    outside, _ = await stage.connect(OTHER)
    stage.world.post(ROOM)
    stage.commit(1)
    assert inside.seqs() == [1]
    assert outside.frames == []


async def test_delivery_stops_at_once_when_access_ends(stage: Stage) -> None:
    stays, _ = await stage.connect(ROOM)
    goes, _ = await stage.connect(ROOM)
    stage.world.members[ROOM].discard(goes.account_id)
    stage.hub.apply(Hint(ended=frozenset({(goes.device_id, ROOM)})))
    stage.world.post(ROOM)
    stage.commit(1)
    assert stays.seqs() == [1]
    assert goes.seqs() == []
    assert stage.ended == [(goes.device_id, ROOM)]


async def test_access_that_ends_while_a_device_joins_is_not_given_back(stage: Stage) -> None:
    account = uuid4()

    def meanwhile(name: str) -> None:
        if name == "device_view":
            stage.world.before_answer = lambda name: None
            stage.world.members[ROOM].discard(account)
            stage.hub.apply(Hint(ended=frozenset({(uuid4(), ROOM)})))

    stage.world.before_answer = meanwhile
    socket, ready = await stage.connect(ROOM, account_id=account)
    assert ready.rooms == []
    assert socket.rooms == set()


async def test_the_newer_socket_of_a_device_replaces_the_older(stage: Stage) -> None:
    older, _ = await stage.connect(ROOM)
    newer = Socket(older.device_id, older.account_id, older.token_hash)
    await stage.hub.join(newer)
    assert older.closed.result() == CloseCode.REPLACED
    stage.world.post(ROOM)
    stage.commit(1)
    assert (older.seqs(), newer.seqs()) == ([], [1])
    stage.hub.leave(older)
    assert stage.hub.outlets() == [newer], "the late end of the older one does not take the newer away"


async def test_ready_counts_what_was_pushed_while_it_was_read(stage: Stage) -> None:
    await stage.connect(ROOM)

    def meanwhile(name: str) -> None:
        if name == "device_view":
            stage.world.before_answer = lambda name: None
            stage.world.post(ROOM)
            stage.commit(1)

    stage.world.before_answer = meanwhile
    socket, ready = await stage.connect(ROOM)
    assert socket.seqs() == []
    assert [mark.last_seq for mark in ready.rooms] == [1]


async def test_a_lost_hint_is_found_by_the_poll(stage: Stage) -> None:
    socket, _ = await stage.connect(ROOM)
    stage.world.post(ROOM, 2)
    await stage.hub.poll()
    await stage.settle()
    assert socket.seqs() == [1, 2]


async def test_a_devices_own_event_is_found_by_the_poll_too(stage: Stage) -> None:
    """A Welcome whose hint was lost must not wait for the next connection."""
    socket, _ = await stage.connect(ROOM)
    stage.world.events[socket.device_id] = 1
    await stage.hub.poll()
    await stage.settle()
    kinds = [msgpack.unpackb(frame.payload)["type"] for frame in socket.frames]
    assert kinds == ["device_items"]


async def test_a_hint_of_what_is_not_there_is_let_go_and_found_later(stage: Stage) -> None:
    socket, _ = await stage.connect(ROOM)
    stage.hub.apply(Hint(rooms={ROOM: 9}))
    await stage.settle()
    stage.world.post(ROOM)
    stage.commit(1)
    await stage.settle()
    assert socket.seqs() == [1]


async def test_the_end_of_a_session_closes_its_sockets_and_no_others(stage: Stage) -> None:
    ended, _ = await stage.connect(ROOM)
    other, _ = await stage.connect(ROOM)
    stage.world.sessions.discard(ended.token_hash)
    stage.hub.apply(Hint(sessions=frozenset({ended.device_id, other.device_id})))
    await stage.settle()
    assert ended.closed.result() == CloseCode.SIGNED_OUT
    assert not other.closed.done()


async def test_a_session_that_ended_unheard_is_found_by_the_recheck(stage: Stage) -> None:
    socket, _ = await stage.connect(ROOM)
    stage.world.sessions.clear()
    await stage.hub.recheck()
    assert socket.closed.result() == CloseCode.SIGNED_OUT


async def test_too_many_devices_of_one_account_are_refused_and_nobody_else_is(stage: Stage) -> None:
    account_id = uuid4()
    here = [await stage.connect(ROOM, account_id=account_id) for _ in range(SOCKETS_OF_ACCOUNT_MAX)]
    with pytest.raises(PeerChatError) as refusal:
        await stage.connect(ROOM, account_id=account_id)
    assert refusal.value.close_code == CloseCode.RATE_LIMITED
    await stage.connect(ROOM)
    # A device that comes again takes its own place, and one that left leaves one.
    first = here[0][0]
    await stage.hub.join(Socket(first.device_id, account_id, first.token_hash))
    stage.hub.leave(first)
    stage.hub.leave(here[1][0])
    stage.hub.leave(here[1][0])
    await stage.connect(ROOM, account_id=account_id)
    with pytest.raises(PeerChatError):
        await stage.connect(ROOM, account_id=account_id)


async def test_a_session_that_ends_during_the_handshake_is_closed(stage: Stage) -> None:
    stage.world.sessions = set()
    stage.world.before_answer = lambda name: stage.world.sessions.clear()
    device, account = uuid4(), uuid4()
    stage.world.accounts[device] = account
    socket = Socket(device, account, b"t" * 32)
    await stage.hub.join(socket)
    assert socket.closed.result() == CloseCode.SIGNED_OUT


async def test_access_that_ended_unheard_is_found_by_the_recheck(stage: Stage) -> None:
    socket, _ = await stage.connect(ROOM)
    stage.world.members[ROOM].clear()
    await stage.hub.recheck()
    await stage.settle()
    assert socket.rooms == set()
    assert stage.ended == [(socket.device_id, ROOM)]


async def test_a_device_that_was_let_in_gets_its_events_and_then_the_room(stage: Stage) -> None:
    await stage.connect(ROOM)
    socket, ready = await stage.connect()
    assert ready.rooms == []
    stage.world.members[ROOM].add(socket.account_id)
    stage.world.events[socket.device_id] = 1
    stage.hub.apply(Hint(devices=frozenset({socket.device_id})))
    await stage.settle()
    stage.world.post(ROOM)
    stage.commit(1)
    kinds = [msgpack.unpackb(frame.payload)["type"] for frame in socket.frames]
    assert kinds == ["device_items", "items"]


async def test_a_push_never_outgrows_a_frame(stage: Stage) -> None:
    socket, _ = await stage.connect(ROOM)
    stage.world.post(ROOM, 12, size=limits.CIPHERTEXT_MAX_BYTES)
    stage.commit(*range(1, 13), size=limits.CIPHERTEXT_MAX_BYTES)
    assert socket.seqs() == list(range(1, 13))
    assert len(socket.frames) > 1
    assert all(len(frame.payload) <= limits.FRAME_MAX_BYTES for frame in socket.frames)


async def test_refetch_reaches_the_room_or_everyone(stage: Stage) -> None:
    inside, _ = await stage.connect(ROOM)
    outside, _ = await stage.connect(OTHER)
    stage.hub.apply(Hint(refetch=frozenset({ROOM})))
    stage.hub.apply(Hint(everyone=True))
    assert inside.notices() == [("refetch", ROOM.bytes), ("refetch", None)]
    assert outside.notices() == [("refetch", None)]


async def test_hints_of_other_threads_are_handled_as_one(stage: Stage) -> None:
    await stage.connect(ROOM)

    def say() -> None:
        for seq in range(1, 50):
            stage.hub.hear(Hint(rooms={ROOM: seq}))

    await asyncio.to_thread(say)
    await asyncio.sleep(0)
    assert len(stage.relayed) < 49
    assert stage.relayed[-1].rooms == {ROOM: 49}


async def test_a_failed_read_loses_nothing_for_good(stage: Stage) -> None:
    socket, _ = await stage.connect(ROOM)
    stage.world.post(ROOM)

    def fail(name: str) -> None:
        stage.world.before_answer = lambda name: None
        raise RuntimeError

    stage.world.before_answer = fail
    stage.hub.apply(Hint(rooms={ROOM: 1}))
    await stage.settle()
    assert socket.seqs() == []
    await stage.hub.poll()
    await stage.settle()
    assert socket.seqs() == [1]
