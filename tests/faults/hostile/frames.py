"""Hostile frames, made from a seed. Each kind says what the server is to do with it: refuse it, or hang up.

``Soft`` kinds leave the socket open (they are refused, or mean nothing), ``fatal`` ones end it.
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from peerchat.protocol import limits
from tests.faults.hostile.wire import BINARY, CLOSE, CONT, PING, PONG, TEXT, frame, pack

Maker = Callable[[random.Random, "Target"], list[bytes]]


@dataclass(frozen=True, slots=True)
class Target:
    """What a signed-in attacker knows: a room of its own, one of others, the epoch."""

    room_id: bytes
    other_room_id: bytes
    epoch: int


def _send(rng: random.Random, target: Target) -> dict[str, Any]:
    return {
        "type": "send",
        "room_id": target.room_id,
        "message_id": rng.randbytes(16),
        "epoch": target.epoch,
        "ciphertext": rng.randbytes(rng.choice((1, 64, 300))),
    }


_STRANGE: tuple[Callable[[random.Random], Any], ...] = (
    lambda rng: None,
    lambda rng: True,
    lambda rng: -1,
    lambda rng: 2**53,
    lambda rng: 2**64 - 1,
    lambda rng: -(2**63),
    lambda rng: math.nan,
    lambda rng: math.inf,
    lambda rng: -0.0,
    lambda rng: "",
    lambda rng: "\x00" * 16,
    lambda rng: "\u202e\ufeff" * 8,
    lambda rng: "x" * rng.randint(1, 5_000),
    lambda rng: b"",
    lambda rng: rng.randbytes(rng.choice((1, 15, 17, 32))),
    lambda rng: [],
    lambda rng: {},
    lambda rng: [[]] * rng.randint(1, 900),
    lambda rng: {str(number): None for number in range(rng.randint(1, 60))},
)


def _wrong_types(rng: random.Random, target: Target) -> list[bytes]:
    good = _send(rng, target)
    good[rng.choice([*good])] = rng.choice(_STRANGE)(rng)
    return [frame(pack(good))]


def _unknown_fields(rng: random.Random, target: Target) -> list[bytes]:
    return [frame(pack({**_send(rng, target), rng.choice(("admin", "seq", "__class__", "")): 1}))]


def _missing_fields(rng: random.Random, target: Target) -> list[bytes]:
    good = _send(rng, target)
    for _ in range(rng.randint(1, 5)):
        good.pop(rng.choice([*good]))
    return [frame(pack(good))]


def _unknown_types(rng: random.Random, target: Target) -> list[bytes]:
    kind = rng.choice(("shout", "ready", "items", "ack", "", "SEND", "send\x00"))
    return [frame(pack({**_send(rng, target), "type": kind}))]


def _no_maps(rng: random.Random, target: Target) -> list[bytes]:
    return [frame(pack(rng.choice(_STRANGE)(rng)))]


def _other_rooms(rng: random.Random, target: Target) -> list[bytes]:
    room_id = rng.choice((target.other_room_id, rng.randbytes(16), bytes(16)))
    return [
        frame(
            pack(
                rng.choice(
                    (
                        {**_send(rng, target), "room_id": room_id},
                        {"type": "pull", "room_id": room_id, "after": 0, "limit": 200},
                        {"type": "presence", "rooms": [{"room_id": room_id, "mode": "speaking"}]},
                    )
                )
            )
        )
    ]


def _stale_epochs(rng: random.Random, target: Target) -> list[bytes]:
    return [frame(pack({**_send(rng, target), "epoch": target.epoch + rng.choice((-1, 1, 1_000))}))]


def _false_credit(rng: random.Random, target: Target) -> list[bytes]:
    return [frame(pack({"type": "credit", "frames": rng.choice((10**6, 2**53, 2**53 - 1, -1, 0))}))]


def _fragments(rng: random.Random, target: Target) -> list[bytes]:
    payload = pack({**_send(rng, target), "epoch": "no number"})
    cuts = sorted({0, len(payload), *(rng.randrange(len(payload)) for _ in range(rng.randint(1, 12)))})
    parts = [payload[start:end] for start, end in pairwise(cuts)] + [b""]
    frames = [
        frame(part, opcode=BINARY if number == 0 else CONT, fin=number == len(parts) - 1)
        for number, part in enumerate(parts)
    ]
    # A control frame may stand between fragments.
    frames.insert(rng.randrange(1, len(frames)), frame(b"between", opcode=PING))
    return frames


def _pings(rng: random.Random, target: Target) -> list[bytes]:
    return [frame(rng.randbytes(rng.choice((0, 4, 125))), opcode=PING) for _ in range(rng.randint(1, 10))]


def _pongs(rng: random.Random, target: Target) -> list[bytes]:
    return [frame(rng.randbytes(rng.choice((0, 4, 125))), opcode=PONG) for _ in range(rng.randint(1, 10))]


SOFT: dict[str, Maker] = {
    "wrong types": _wrong_types,
    "unknown fields": _unknown_fields,
    "missing fields": _missing_fields,
    "unknown types": _unknown_types,
    "no maps": _no_maps,
    "others' rooms": _other_rooms,
    "stale epochs": _stale_epochs,
    "false credit": _false_credit,
    "fragments": _fragments,
    "pings": _pings,
    "pongs": _pongs,
}


def _raw(data: Callable[[random.Random], bytes]) -> Maker:
    return lambda rng, target: [frame(data(rng))]


def _broken_close(rng: random.Random, target: Target) -> list[bytes]:
    body = rng.choice(
        (b"\x03", struct.pack("!H", rng.choice((0, 999, 1005, 1006, 1015, 5000, 65535))), b"\x03\xe8\xff\xfe")
    )
    return [frame(body, opcode=CLOSE)]


def _surrogates(rng: random.Random) -> bytes:
    key = b"\x81\xa4type" + rng.choice(
        (b"\xa3\xed\xa0\x80", b"\xa6\xed\xa0\xbd\xed\xb8\x80", b"\xa3\xed\xbf\xbf")
    )
    return rng.choice((key, b"\x81" + key[6:] + b"\xa4type"))


FATAL: dict[str, Maker] = {
    "random bytes": _raw(lambda rng: b"\xc1" + rng.randbytes(rng.randint(0, 400))),
    "lone surrogates": _raw(_surrogates),
    "bad UTF-8 in a frame": _raw(lambda rng: b"\x81\xa4type" + rng.choice((b"\xa2\xff\xfe", b"\xa1\x80"))),
    "cut off": _raw(lambda rng: pack({"type": "credit", "frames": 1})[: rng.randint(1, 15)]),
    "deep nesting": _raw(
        lambda rng: rng.choice((b"\x91", b"\x81\xa1a")) * rng.randint(1_100, 20_000) + b"\xc0"
    ),
    "huge lengths": _raw(
        lambda rng: (
            rng.choice((b"\xdf", b"\xdd", b"\xc6", b"\xdb", b"\xc9")) + rng.choice((b"\xff", b"\x7f")) * 4
        )
    ),
    "a key twice": _raw(lambda rng: b"\x82\xa4type\xa6credit\xa4type\xa6credit"),
    "extension types": _raw(lambda rng: b"\x81\xa4type" + rng.choice((b"\xd4\x01x", b"\xc7\x02\x05ab"))),
    "too large": _raw(
        lambda rng: bytes(rng.choice((limits.FRAME_MAX_BYTES + 1, 2 * limits.FRAME_MAX_BYTES)))
    ),
    "far too large": lambda rng, target: [frame(b"", says=rng.choice((2**31, 2**40, 2**62)))],
    "a length past 2^63": lambda rng, target: [frame(b"", says=2**64 - 1)],
    "text": lambda rng, target: [frame(b'{"type": "credit"}', opcode=TEXT)],
    "text in bad UTF-8": lambda rng, target: [frame(b"\xff\xfe\xed\xa0\x80", opcode=TEXT)],
    "unmasked": lambda rng, target: [frame(pack({"type": "credit", "frames": 0}), masked=False)],
    "reserved bits": lambda rng, target: [frame(b"x", rsv=rng.randint(1, 7))],
    "reserved opcodes": lambda rng, target: [frame(b"x", opcode=rng.choice((3, 7, 11, 15)))],
    "a continuation of nothing": lambda rng, target: [frame(b"x", opcode=CONT)],
    "a message inside a message": lambda rng, target: [frame(b"x", fin=False), frame(b"x")],
    "a ping in fragments": lambda rng, target: [frame(b"x", opcode=PING, fin=False)],
    "a ping that is too large": lambda rng, target: [frame(bytes(126), opcode=PING)],
    "a broken close": _broken_close,
    "fragments that grow too large": lambda rng, target: [
        frame(bytes(40_000), opcode=BINARY if number == 0 else CONT, fin=False) for number in range(5)
    ],
    "crumbs": lambda rng, target: (
        [frame(b"x", fin=False)]
        + [frame(rng.choice((b"", b"x")), opcode=CONT, fin=False) for _ in range(200)]
    ),
}
