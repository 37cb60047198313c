"""The measured short cut: one encoding for everybody."""

from __future__ import annotations

import pytest
from websockets.frames import Frame as PeerFrame
from websockets.streams import StreamReader

from peerchat.protocol.server_frames import Notice
from rooms.fastwrite import encode_once, fast_path, with_header


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 100_000])
def test_another_implementation_reads_the_header_that_we_write(size: int) -> None:
    payload = bytes(range(256)) * (size // 256) + bytes(size % 256)
    reader = StreamReader()
    reader.feed_data(with_header(payload))
    parsing = PeerFrame.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as done:
        next(parsing)
    frame: PeerFrame = done.value.value
    assert (frame.opcode, frame.fin, frame.rsv1, bytes(frame.data)) == (2, True, False, payload)


def test_both_forms_hold_the_same_frame() -> None:
    frame = encode_once(Notice(type="notice", notice="behind", room_id=None, until=None))
    assert frame.wire.endswith(frame.payload)


def test_what_is_in_a_frame_never_prints() -> None:
    frame = encode_once(Notice(type="notice", notice="behind", room_id=b"r" * 16, until=None))
    assert "r" * 16 not in repr(frame)


def test_a_server_that_offers_nothing_is_used_as_it_is() -> None:
    assert fast_path({"type": "websocket"}) is None
    assert fast_path({"type": "websocket", "extensions": None}) is None
