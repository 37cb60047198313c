"""The sending side of one socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import msgpack

from peerchat.errors import CloseCode
from peerchat.protocol.server_frames import Notice
from rooms.fastwrite import Frame, encode_once
from rooms.outlets import QUEUED_BYTES_MAX, STALLED_SECONDS, STUCK_SECONDS, Outlet
from rooms.window import CreditWindow

ROOM = uuid4()
FRAME = encode_once(Notice(type="notice", notice="refetch", room_id=ROOM.bytes, until=None))


class Wire:
    """A server's short cut that keeps what is written."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.waiting = 0

    def write_wire(self, data: bytes) -> None:
        self.writes.append(data)

    def queued(self) -> int:
        return self.waiting

    async def drained(self) -> None:
        return None


def outlet(
    wire: Wire | None, *, send: Any = None, frames_max: int = 2, clock: Callable[[], float] = lambda: 0.0
) -> Outlet:
    return Outlet(
        device_id=uuid4(),
        account_id=uuid4(),
        token_hash=b"t" * 32,
        send=send,
        fast=wire,
        clock=clock,
        window=CreditWindow(frames_max=frames_max),
    )


async def test_frames_of_one_turn_are_joined_into_one_write() -> None:
    wire = Wire()
    one = outlet(wire)
    one.write(FRAME)
    one.write(FRAME)
    assert wire.writes == []
    await asyncio.sleep(0)
    assert wire.writes == [FRAME.wire * 2]


async def test_past_the_window_nothing_is_pushed_and_after_credit_the_rooms_behind_are_named() -> None:
    wire = Wire()
    one = outlet(wire)
    assert [one.push(FRAME, room_id=ROOM) for _ in range(4)] == [True, True, False, False]
    await asyncio.sleep(0)
    wire.writes.clear()
    one.credit(1)
    await asyncio.sleep(0)
    (written,) = wire.writes
    notice = msgpack.unpackb(written[2:])
    assert (notice["notice"], notice["room_id"]) == ("behind", ROOM.bytes)
    one.credit(2)
    await asyncio.sleep(0)
    assert len(wire.writes) == 1, "each is named once"


async def test_events_of_the_device_fall_behind_under_no_room() -> None:
    wire = Wire()
    one = outlet(wire, frames_max=1)
    one.push(FRAME, room_id=ROOM)
    one.push(FRAME, room_id=None)
    await asyncio.sleep(0)
    one.credit(1)
    await asyncio.sleep(0)
    notice = msgpack.unpackb(wire.writes[-1][2:])
    assert (notice["notice"], notice["room_id"]) == ("behind", None)


async def test_a_reader_that_is_stuck_for_ten_seconds_is_closed_and_not_before() -> None:
    now = 0.0
    one = outlet(Wire(), frames_max=1, clock=lambda: now)
    one.push(FRAME, room_id=ROOM)
    one.push(FRAME, room_id=ROOM)
    one.close_if_stuck(now=STUCK_SECONDS - 0.1)
    assert not one.closed.done()
    one.close_if_stuck(now=STUCK_SECONDS)
    assert one.closed.result() == CloseCode.SLOW_READER


async def test_a_reader_that_takes_nothing_of_what_waits_is_closed_and_one_that_takes_a_little_is_not() -> (
    None
):
    wire = Wire()
    one, patient = outlet(wire), outlet(taking := Wire())
    for reader in (one, patient):
        reader.write(FRAME)
    await asyncio.sleep(0)
    wire.waiting = taking.waiting = len(FRAME.wire)
    for second in range(int(STALLED_SECONDS)):
        # A ping of the server's own is in the queue and not in the count; that it comes and goes is no progress.
        wire.waiting = len(FRAME.wire) + 6 * (second % 2)
        taking.waiting -= second % 9 == 8
        one.close_if_stuck(now=float(second))
        patient.close_if_stuck(now=float(second))
    assert not one.closed.done()
    one.close_if_stuck(now=STALLED_SECONDS)
    patient.close_if_stuck(now=STALLED_SECONDS)
    assert one.closed.result() == CloseCode.SLOW_READER
    assert not patient.closed.done()


async def test_a_reader_for_whom_more_waits_than_the_window_holds_is_closed_at_once() -> None:
    wire = Wire()
    one = outlet(wire)
    wire.waiting = QUEUED_BYTES_MAX
    one.close_if_stuck(now=0.0)
    assert not one.closed.done()
    wire.waiting += 1
    one.close_if_stuck(now=0.0)
    assert one.closed.result() == CloseCode.SLOW_READER


async def test_a_server_without_the_short_cut_that_takes_nothing_ends_the_same_way() -> None:
    never = asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        await never.wait()

    one = outlet(None, send=send)
    one.write(FRAME)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    one.write(FRAME)
    one.close_if_stuck(now=0.0)
    one.close_if_stuck(now=STALLED_SECONDS - 1)
    assert not one.closed.done()
    one.close_if_stuck(now=STALLED_SECONDS)
    assert one.closed.result() == CloseCode.SLOW_READER
    await one.flushed()


async def test_a_reader_that_got_everything_is_never_stuck() -> None:
    one = outlet(Wire(), frames_max=2)
    one.push(FRAME, room_id=ROOM)
    one.push(FRAME, room_id=ROOM)
    one.close_if_stuck(now=1_000_000.0)
    assert not one.closed.done()


async def test_the_first_close_counts_and_nothing_is_written_after_it() -> None:
    wire = Wire()
    one = outlet(wire)
    one.write(FRAME)
    one.close(CloseCode.REPLACED)
    one.close(CloseCode.DRAINING)
    one.write(FRAME)
    assert not one.push(FRAME, room_id=ROOM)
    await one.flushed()
    assert one.closed.result() == CloseCode.REPLACED
    assert wire.writes == [FRAME.wire]


async def test_without_the_short_cut_frames_go_through_send_in_order() -> None:
    sent: list[bytes] = []

    async def send(message: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        sent.append(message["bytes"])

    one = outlet(None, send=send)
    other = Frame(payload=b"other", wire=b"")
    one.write(FRAME)
    one.write(other)
    await asyncio.sleep(0)
    one.write(FRAME)
    await one.flushed()
    assert sent == [FRAME.payload, b"other", FRAME.payload]


async def test_a_connection_that_has_gone_ends_the_outlet() -> None:
    async def send(message: dict[str, Any]) -> None:
        raise ConnectionError

    one = outlet(None, send=send)
    one.write(FRAME)
    await one.flushed()
    assert one.closed.done()
