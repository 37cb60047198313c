"""What a hostile or broken client may send to a real socket: the right code, and the socket stays open for
the next frame.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import msgpack
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from peerchat.client import crypto
from peerchat.client.socket import Socket, SocketClosed
from peerchat.errors import CloseCode, ErrorCode
from peerchat.protocol import client_frames as ask
from peerchat.protocol import limits
from peerchat.protocol.codec import encode_frame
from peerchat.protocol.server_frames import Ack, Items, Refused
from tests.faults.sockets import answer, closed_with, raw
from tests.support.live_people import LiveCommunity, LiveRoom
from tests.support.server import RunningServer

pytestmark = [pytest.mark.faults, pytest.mark.asyncio(loop_scope="module")]


def pack(value: Any) -> bytes:
    packed = msgpack.packb(value, use_bin_type=True)
    assert isinstance(packed, bytes)
    return packed


@pytest_asyncio.fixture(loop_scope="module")
async def socket(room: LiveRoom) -> AsyncIterator[Socket]:
    async with await Socket.open(room.members[0].http) as opened:
        await opened.ready()
        yield opened


async def still_serves(socket: Socket, room: LiveRoom) -> bool:
    await socket.send(ask.Pull(type="pull", room_id=room.room_id, after=0, limit=1))
    return isinstance(await answer(socket, Items), Items)


def good_send(room: LiveRoom) -> dict[str, Any]:
    return {
        "type": "send",
        "room_id": room.room_id,
        "message_id": crypto.new_id(),
        "epoch": room.epoch,
        "ciphertext": b"c" * 256,
    }


WRONG_SHAPES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no map at all": lambda good: [1, 2, 3],
    "nothing": lambda good: None,
    "no type": lambda good: {key: value for key, value in good.items() if key != "type"},
    "an unknown type": lambda good: {**good, "type": "shout"},
    "a server's type": lambda good: {"type": "ready", "now": 1, "device_seq": 0, "rooms": []},
    "a type that is no text": lambda good: {**good, "type": 7},
    "a missing field": lambda good: {key: value for key, value in good.items() if key != "epoch"},
    "an unknown field": lambda good: {**good, "admin": True},
    "text where bytes belong": lambda good: {**good, "ciphertext": "c" * 256},
    "base64 where bytes belong": lambda good: {**good, "room_id": "QUFBQUFBQUFBQUFBQUFBQQ=="},
    "NUL in text where an id belongs": lambda good: {**good, "message_id": "\0" * 16},
    "an id of 15 bytes": lambda good: {**good, "message_id": b"i" * 15},
    "an id of 17 bytes": lambda good: {**good, "message_id": b"i" * 17},
    "an empty ciphertext": lambda good: {**good, "ciphertext": b""},
    "a ciphertext one byte too long": lambda good: {
        **good,
        "ciphertext": b"c" * (limits.CIPHERTEXT_MAX_BYTES + 1),
    },
    "not a number": lambda good: {**good, "epoch": math.nan},
    "an infinite epoch": lambda good: {**good, "epoch": math.inf},
    "a fraction": lambda good: {**good, "epoch": 1.0},
    "a negative epoch": lambda good: {**good, "epoch": -1},
    "an epoch past what JavaScript counts": lambda good: {**good, "epoch": 2**53},
    "a truth value for a number": lambda good: {**good, "epoch": True},
    "a pull of nothing": lambda good: {
        "type": "pull",
        "room_id": good["room_id"],
        "after": 0,
        "limit": 0,
    },
    "a pull of too much": lambda good: {
        "type": "pull",
        "room_id": good["room_id"],
        "after": 0,
        "limit": limits.PULL_MAX_ITEMS + 1,
    },
    "presence in too many rooms": lambda good: {
        "type": "presence",
        "rooms": [{"room_id": uuid4().bytes, "mode": "speaking"}] * (limits.PRESENCE_MAX_ROOMS + 1),
    },
    "presence of a third kind": lambda good: {
        "type": "presence",
        "rooms": [{"room_id": good["room_id"], "mode": "shouting"}],
    },
    "a time stamp": lambda good: {"type": "credit", "frames": msgpack.Timestamp(1, 1)},
    "credit for what was never pushed": lambda good: {"type": "credit", "frames": 1_000_000},
}


@pytest.mark.parametrize("wrong", WRONG_SHAPES)
async def test_a_wrong_shape_is_refused_and_the_socket_stays_open(
    socket: Socket, room: LiveRoom, wrong: str
) -> None:
    await socket.send_bytes(pack(WRONG_SHAPES[wrong](good_send(room))))
    refused = await answer(socket, Refused)
    assert refused.code is ErrorCode.MALFORMED
    assert await still_serves(socket, room)


BROKEN_BYTES: dict[str, bytes] = {
    "nothing": b"",
    "a reserved byte": b"\xc1",
    "half a frame": pack({"type": "credit", "frames": 1})[:-1],
    "two frames in one": pack({"type": "credit", "frames": 0}) * 2,
    "an extension type": msgpack.packb({"type": "credit", "frames": msgpack.ExtType(1, b"x")}),
    "a lone surrogate": b"\x81\xa4type\xa3\xed\xa0\x80",
    "text that is no UTF-8": b"\x81\xa4type\xa2\xff\xfe",
    "a key that is no text": b"\x81\x01\x02",
    "a key that stands twice": b"\x82\xa4type\xa6credit\xa4type\xa6credit",
    "a map that says it is huge": b"\xdf\xff\xff\xff\xff",
    "an array that says it is huge": b"\xdd\xff\xff\xff\xff",
    "bytes that say they are huge": b"\xc6\xff\xff\xff\xff",
    "deep nesting": b"\x91" * 5_000 + b"\xc0",
    "JSON": b'{"type": "credit", "frames": 0}',
}


@pytest.mark.parametrize("broken", BROKEN_BYTES)
async def test_bytes_that_are_no_frame_close_with_4400(socket: Socket, broken: str) -> None:
    await socket.send_bytes(BROKEN_BYTES[broken])
    assert await closed_with(socket) == CloseCode.PROTOCOL_BROKEN


@pytest.mark.parametrize(
    "size", [limits.FRAME_MAX_BYTES + 1, 2 * limits.FRAME_MAX_BYTES - 1, 2 * limits.FRAME_MAX_BYTES]
)
async def test_a_frame_that_is_too_large_closes_with_our_code(socket: Socket, size: int) -> None:
    await socket.send_bytes(b"\x00" * size)
    assert await closed_with(socket) == CloseCode.TOO_LARGE


async def test_a_huge_frame_is_not_even_read(socket: Socket) -> None:
    # Past twice our limit autobahn ends it by itself; whichever code comes, it is over.
    with suppress(SocketClosed):
        await socket.send_bytes(b"\x00" * 4_000_000)
    assert await closed_with(socket) in (1009, None)


async def test_text_closes_with_4400(room: LiveRoom) -> None:
    async with raw(room.members[0]) as connection:
        await connection.recv()
        await connection.send("hello")
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == CloseCode.PROTOCOL_BROKEN


async def code_of(connection: connect) -> int:
    async with connection as opened:
        with pytest.raises(ConnectionClosed) as closed:
            await opened.recv()
    assert closed.value.rcvd is not None
    return int(closed.value.rcvd.code)


async def test_another_origin_is_accepted_only_to_be_told_so(room: LiveRoom) -> None:
    client = room.members[0]
    port = client.origin.rpartition(":")[2]
    others = ("https://127.0.0.1", "http://127.0.0.1:1", f"http://localhost:{port}", "null", None)
    for origin in (*others, client.origin + "/", client.origin.upper()):
        assert await code_of(raw(client, origin=origin)) == CloseCode.WRONG_ORIGIN


async def test_without_a_session_the_socket_closes_with_4401(room: LiveRoom) -> None:
    client = room.members[0]
    for cookies in ("", "pc_session=", "pc_session=wrong", "other=1; pc_session=\x80"):
        headers = {"Cookie": cookies} if cookies else {}
        assert await code_of(raw(client, additional_headers=headers)) == CloseCode.SIGNED_OUT


async def test_another_subprotocol_closes_with_4400(room: LiveRoom) -> None:
    assert await code_of(raw(room.members[0], subprotocols=None)) == CloseCode.PROTOCOL_BROKEN


async def test_another_path_is_no_socket(room: LiveRoom) -> None:
    client = room.members[0]
    address = "ws" + client.origin.removeprefix("http") + "/ws/more"
    with pytest.raises(InvalidStatus):
        async with connect(address, origin=None, proxy=None):
            pass


async def refusal_of(socket: Socket, frame: ask.ClientFrame) -> Refused:
    await socket.send(frame)
    refused = await answer(socket, Refused)
    assert isinstance(refused, Refused)
    return refused


async def test_an_unknown_room_and_someone_elses_get_the_same_answer(
    socket: Socket, room: LiveRoom, community: LiveCommunity
) -> None:
    others = await community.open_room(members=0)
    answers = set()
    for room_id in (others.room_id, crypto.new_id(), bytes(16)):
        pull = await refusal_of(socket, ask.Pull(type="pull", room_id=room_id, after=0, limit=10))
        send = await refusal_of(
            socket,
            ask.Send(type="send", room_id=room_id, message_id=bytes(16), epoch=0, ciphertext=b"c"),
        )
        presence = await refusal_of(
            socket,
            ask.Presence(type="presence", rooms=[ask.RoomPresence(room_id=room_id, mode="speaking")]),
        )
        assert pull.room_id == send.room_id == room_id
        answers.add(
            tuple(encode_frame(one.model_copy(update={"room_id": None})) for one in (pull, send, presence))
        )
        assert pull.code is send.code is presence.code is ErrorCode.NOT_FOUND
    assert len(answers) == 1
    assert await still_serves(socket, room)


async def test_a_stale_epoch_is_refused_with_the_right_one(socket: Socket, room: LiveRoom) -> None:
    for epoch in (room.epoch - 1, room.epoch + 1):
        frame = ask.Send.model_validate({**good_send(room), "epoch": epoch})
        refused = await refusal_of(socket, frame)
        assert refused.code is ErrorCode.STALE_EPOCH
        assert refused.details == {"epoch": room.epoch}
        assert refused.message_id == frame.message_id


async def test_the_same_message_again_has_the_same_seq_and_is_delivered_once(
    socket: Socket, room: LiveRoom
) -> None:
    good = good_send(room)
    first, again = ask.Send.model_validate(good), ask.Send.model_validate({**good, "ciphertext": b"other"})
    await socket.send(first)
    told = await answer(socket, Ack)
    for retry in (first, again):
        await socket.send(retry)
        assert (await answer(socket, Ack)).seq == told.seq
    items = (await room.members[1].items(room.room_id, after=told.seq - 1)).items
    assert [(item.kind, item.seq) for item in items] == [("message", told.seq)]
    assert items[0].kind == "message"
    assert items[0].ciphertext == good["ciphertext"]


async def test_an_id_that_stands_in_another_room_is_refused(
    socket: Socket, room: LiveRoom, community: LiveCommunity
) -> None:
    async with await Socket.open(community.leader.http) as leader:
        await leader.ready()
        other = await community.open_room(members=0)
        good = good_send(room)
        await leader.send(ask.Send.model_validate(good))
        await answer(leader, Ack)
        refused = await refusal_of(
            leader, ask.Send.model_validate({**good, "room_id": other.room_id, "epoch": 0})
        )
        assert refused.code is ErrorCode.ID_REUSED


async def test_pulls_past_the_end_and_device_pulls_past_it_are_empty(socket: Socket, room: LiveRoom) -> None:
    await socket.send(ask.Pull(type="pull", room_id=room.room_id, after=2**53 - 1, limit=10))
    assert (await answer(socket, Items)).items == []
    await socket.send(ask.PullDevice(type="pull_device", after=2**53 - 1))
    assert await still_serves(socket, room)


async def test_a_flood_is_told_to_wait_and_then_closed(socket: Socket) -> None:
    credit = encode_frame(ask.Credit(type="credit", frames=0))
    refused: Refused | None = None
    try:
        for _ in range(2_000):
            await socket.send_bytes(credit)
        while True:
            frame = await socket.receive()
            if isinstance(frame, Refused):
                refused = frame
    except SocketClosed as closed:
        code = closed.code
    assert refused is not None
    assert refused.code is ErrorCode.RATE_LIMITED
    assert refused.details["wait_ms"] > 0
    assert code == CloseCode.RATE_LIMITED


async def test_a_flood_of_pulls_is_closed(socket: Socket, room: LiveRoom) -> None:
    pull = encode_frame(ask.Pull(type="pull", room_id=room.room_id, after=0, limit=200))
    with suppress(SocketClosed):
        for _ in range(100):
            await socket.send_bytes(pull)
    assert await closed_with(socket) == CloseCode.RATE_LIMITED


async def test_nothing_of_all_this_is_in_the_log(server: RunningServer, room: LiveRoom) -> None:
    log = server.log.read_text()
    for secret in (room.room_id.hex(), room.members[0].http.cookies, "127.0.0.1", "member", "Evening"):
        assert secret not in log
    assert "raised" not in log, "nothing that a client sends is an error of ours"
