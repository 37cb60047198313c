"""Making chains for the vectors, right and wrong. It shares no code with what the vectors test.

Encoding and signing are done with msgpack and PyNaCl alone; everything is derived from names, so that the
same bytes come out each time and a change shows in review.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import msgpack
from nacl.signing import SigningKey

PREFIX = b"peerchat/v1/"
START = 1_750_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE
Map = dict[str, Any]


def fixed(label: str, length: int = 32) -> bytes:
    return hashlib.shake_256(label.encode()).digest(length)


def tagged(label: str, *parts: bytes) -> bytes:
    return hashlib.sha256(PREFIX + label.encode() + b"\x00" + b"".join(parts)).digest()


def in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: in_order(value[key]) for key in sorted(value)}
    return [in_order(one) for one in value] if isinstance(value, list) else value


def pack(value: Any) -> bytes:
    return bytes(msgpack.packb(in_order(value), use_bin_type=True))


ROOT_KEY = SigningKey(fixed("root"))
ROOT = bytes(ROOT_KEY.verify_key)
FINGERPRINT = tagged("root", ROOT)[:16]
FIRST_INVITE = SigningKey(fixed("first invite"))


def public(key: SigningKey) -> bytes:
    return bytes(key.verify_key)


def sign(key: SigningKey, label: str, body: bytes, root: bytes = ROOT) -> bytes:
    return key.sign(PREFIX + label.encode() + b"\x00" + root + body).signature


@dataclass(frozen=True)
class Entry:
    """One link as it goes into the file, and what a fault may still change of it."""

    value: Map
    entry: bytes
    body: bytes | None
    signature: bytes

    @property
    def hash(self) -> bytes:
        return tagged("entry", self.entry, self.signature)


@dataclass
class Log:
    """A log under construction. ``add`` makes the next link; its keywords are the faults."""

    kind: str
    log_id: bytes
    entries: list[Entry] = field(default_factory=list)

    def copy(self) -> Log:
        return Log(self.kind, self.log_id, list(self.entries))

    def add(
        self,
        action: str,
        body: Map,
        key: SigningKey,
        author: tuple[bytes | None, bytes | None],
        *,
        at: int,
        label: str | None = None,
        root: bytes = ROOT,
        change: Callable[[Map], Map] = lambda value: value,
        encode: Callable[[Any], bytes] = pack,
        encode_body: Callable[[Any], bytes] = pack,
        signature: Callable[[bytes], bytes] = lambda value: value,
    ) -> Log:
        packed = encode_body({"salt": fixed(f"salt {action} {len(self.entries)}", 16), **body})
        value = change(
            {
                "v": 1,
                "log": self.kind,
                "log_id": self.log_id,
                "index": len(self.entries),
                "previous_hash": self.entries[-1].hash if self.entries else bytes(32),
                "community_head": None if self.kind == "community" else HEAD,
                "author": {"account_id": author[0], "device_id": author[1]},
                "action": action,
                "body_hash": tagged("entry-body", packed),
                "at": at,
            }
        )
        entry = encode(value)
        signed = sign(key, label or f"{self.kind}-entry", entry, root)
        self.entries.append(Entry(value, entry, packed, signature(signed)))
        return self


HEAD: Map = {"index": 0, "hash": fixed("a head")}


@dataclass(frozen=True)
class Person:
    name: str

    @property
    def account_id(self) -> bytes:
        return fixed(f"account {self.name}", 16)

    @property
    def identity(self) -> SigningKey:
        return SigningKey(fixed(f"identity {self.name}"))

    def device_id(self, number: int = 1) -> bytes:
        return fixed(f"device {self.name} {number}", 16)

    def device(self, number: int = 1) -> SigningKey:
        return SigningKey(fixed(f"device key {self.name} {number}"))

    @property
    def as_identity(self) -> tuple[bytes, None]:
        return self.account_id, None

    def as_device(self, number: int = 1) -> tuple[bytes, bytes]:
        return self.account_id, self.device_id(number)

    def opening(self) -> Map:
        return {"account_id": self.account_id, "identity_key": public(self.identity)}

    def certificate(self, number: int = 1, *, key: SigningKey | None = None, **changes: Any) -> Map:
        body = pack(
            {
                "account_id": self.account_id,
                "device_id": self.device_id(number),
                "identity_key": public(self.identity),
                "device_key": public(self.device(number)),
                "replaces": None,
                "at": START,
                **changes,
            }
        )
        return {"certificate": {"body": body, "signature": sign(key or self.identity, "device", body)}}

    def log(self, devices: int = 1) -> Log:
        log = Log("account", self.account_id).add(
            "open", self.opening(), self.identity, self.as_identity, at=START
        )
        for number in range(1, devices + 1):
            log.add(
                "device-add", self.certificate(number), self.identity, self.as_identity, at=START + number
            )
        return log


def shown(log: Log) -> list[Map]:
    return [
        {
            "entry": one.entry.hex(),
            "body": None if one.body is None else one.body.hex(),
            "signature": one.signature.hex(),
        }
        for one in log.entries
    ]


def case(name: str, log: Log, expect: str, *, accounts: tuple[str, ...] = (), **state: Any) -> Map:
    """Return one case. A refused one is refused at its last entry, and all before that one is right."""
    right = expect == "ok"
    return {
        "name": name,
        "kind": log.kind,
        "log_id": log.log_id.hex(),
        "accounts": list(accounts),
        "entries": shown(log),
        "error": None if right else expect,
        "refused_index": None if right else len(log.entries) - 1,
        "state": {"head": log.entries[-1].hash.hex(), **state} if right else None,
    }


def spoil(log: Log, **changes: Any) -> Log:
    """Change the newest link after it was signed."""
    copy = log.copy()
    copy.entries[-1] = replace(copy.entries[-1], **changes)
    return copy


# --- Encodings that mean the same, or nothing -----------------------------------------------------


def unsorted(value: Any) -> bytes:
    return bytes(msgpack.packb(dict(reversed(list(in_order(value).items()))), use_bin_type=True))


def long_integers(value: Any) -> bytes:
    """Write the first field's small number in five bytes (field names are sorted, ``v`` is last)."""
    packed = pack(value)
    assert packed[-2:] == b"v\x01"
    return packed[:-1] + b"\xce\x00\x00\x00\x01"


def twice(value: Any) -> bytes:
    """Say ``v`` twice in the map."""
    packed = pack(value)
    return bytes([packed[0] + 1]) + packed[1:] + b"\xa1v\x01"


SHAPES: dict[str, tuple[Callable[[Map], Map], Callable[[Any], bytes]]] = {
    "its keys are not sorted": (lambda v: v, unsorted),
    "a number has a longer form than it needs": (lambda v: v, long_integers),
    "a key stands twice": (lambda v: v, twice),
    "a byte follows it": (lambda v: v, lambda v: pack(v) + b"\xc0"),
    "its last byte is missing": (lambda v: v, lambda v: pack(v)[:-1]),
    "it is a list": (lambda v: v, lambda v: pack(list(in_order(v).values()))),
    "it has a field too many": (lambda v: {**v, "note": "x"}, pack),
    "it lacks a field": (lambda v: {key: v[key] for key in v if key != "at"}, pack),
    "it is of version 2": (lambda v: {**v, "v": 2}, pack),
    "its action is unknown": (lambda v: {**v, "action": "regret"}, pack),
    "its time has a fraction": (lambda v: {**v, "at": float(v["at"])}, pack),
    "its time is negative": (lambda v: {**v, "at": -1}, pack),
    "its time is past what every language counts to": (lambda v: {**v, "at": 2**53}, pack),
    "its log's id is text": (lambda v: {**v, "log_id": "x" * 16}, pack),
    "its log's id is too short": (lambda v: {**v, "log_id": v["log_id"][:15]}, pack),
    "its index is true": (lambda v: {**v, "index": True}, pack),
}
