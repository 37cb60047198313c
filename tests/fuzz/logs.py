"""Spoilt log entries, device certificates, frames and headers: no crash, and nothing spoilt is accepted.

An entry or a certificate that differs by one byte from what was signed must be refused. Frames and headers carry no
signature of their own: one that is read must be what was sent (a header to the byte, since it is signed as it stands).
``python -m tests.fuzz.logs --cases 1000000`` prints its seed.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from peerchat import sodium
from peerchat.accounts import account_log, community_log
from peerchat.errors import PeerChatError
from peerchat.protocol.client_frames import Credit, Presence, Pull, Send
from peerchat.protocol.codec import (
    decode_canonical,
    decode_client_frame,
    encode_canonical,
    encode_frame,
)
from peerchat.protocol.signed import (
    Action,
    CommitHeader,
    DeviceAddBody,
    Head,
    LogEntry,
    MessageHeader,
    SignedEntry,
    SignedStatement,
)

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "logs.json").read_text())
ROOT = bytes.fromhex(VECTORS["root"])


class AcceptedError(AssertionError):
    """Something spoilt was taken for right."""


def _entry(shown: dict[str, str]) -> SignedEntry:
    return SignedEntry(
        entry=bytes.fromhex(shown["entry"]),
        body=bytes.fromhex(shown["body"]),
        signature=bytes.fromhex(shown["signature"]),
    )


def spoil(data: bytes, choice: random.Random) -> bytes:
    """Return ``data`` with one to three changes; never ``data`` itself."""
    spoilt = bytearray(data)
    for _ in range(choice.choice([1, 1, 1, 2, 3])):
        at = choice.randrange(len(spoilt) + 1)
        match choice.randrange(5):
            case 0 if at < len(spoilt):
                spoilt[at] ^= 1 << choice.randrange(8)
            case 1:
                spoilt[at:at] = choice.randbytes(choice.randrange(1, 6))
            case 2:
                del spoilt[at : at + choice.randrange(1, 9)]
            case 3:
                del spoilt[at:]
            case _:
                spoilt[at : at + 1] = bytes([choice.choice([0, 0x7F, 0x80, 0xC0, 0xC1, 0xC7, 0xDF, 0xFF])])
    return bytes(spoilt) if bytes(spoilt) != data else bytes(spoilt) + b"\0"


Try = Callable[[random.Random], None]


def _refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except PeerChatError:
        return True
    return False


def _entries() -> list[Try]:
    tries: list[Try] = []
    for case in VECTORS["cases"]:
        if case["error"] is not None or any(one["body"] is None for one in case["entries"]):
            continue
        account_id = bytes.fromhex(case["log_id"])
        logs = VECTORS["account_logs"]
        known = {
            bytes.fromhex(logs[name]["account_id"]): account_log.replay(
                [_entry(one) for one in logs[name]["entries"]],
                root=ROOT,
                account_id=bytes.fromhex(logs[name]["account_id"]),
                verify=sodium.verify,
            )
            for name in case["accounts"]
        }
        state: Any = None
        for shown in case["entries"]:
            signed = _entry(shown)

            def judge(
                one: SignedEntry,
                state: Any = state,
                kind: str = case["kind"],
                known: Any = known,
                account_id: bytes = account_id,
            ) -> Any:
                if kind == "account":
                    return account_log.apply(
                        state, one, root=ROOT, account_id=account_id, verify=sodium.verify
                    )
                return community_log.apply(state, one, root=ROOT, accounts=known.get, verify=sodium.verify)

            def attempt(choice: random.Random, signed: SignedEntry = signed, judge: Any = judge) -> None:
                part = choice.choice(["entry", "body", "signature"])
                changed = spoil(getattr(signed, part) or b"", choice)
                spoilt = signed.model_copy(update={part: changed})
                if not _refused(lambda: judge(spoilt)):
                    raise AcceptedError(f"an entry with another {part}")

            tries.append(attempt)
            state = judge(signed)
    return tries


def _certificates() -> list[Try]:
    tries: list[Try] = []
    for log in VECTORS["account_logs"].values():
        for signed in map(_entry, log["entries"]):
            if decode_canonical(LogEntry, signed.entry).action is not Action.DEVICE_ADD:
                continue
            statement = decode_canonical(DeviceAddBody, signed.body or b"").certificate
            key = account_log.replay(
                [_entry(one) for one in log["entries"]],
                root=ROOT,
                account_id=bytes.fromhex(log["account_id"]),
                verify=sodium.verify,
            )
            if key is None:
                continue

            def attempt(
                choice: random.Random,
                statement: SignedStatement = statement,
                identity: bytes = key.identity_key,
            ) -> None:
                part = choice.choice(["body", "signature"])
                spoilt = statement.model_copy(update={part: spoil(getattr(statement, part), choice)})
                if not _refused(
                    lambda: account_log.read_certificate(
                        spoilt, root=ROOT, identity_key=identity, verify=sodium.verify
                    )
                ):
                    raise AcceptedError(f"a certificate with another {part}")

            tries.append(attempt)
    return tries


def _frames() -> list[Try]:
    room = bytes(range(16))
    frames = [
        Send(type="send", room_id=room, message_id=room[::-1], epoch=7, ciphertext=bytes(64)),
        Pull(type="pull", room_id=room, after=3, limit=10),
        Credit(type="credit", frames=5),
        Presence(type="presence", rooms=[]),
    ]

    def attempt(choice: random.Random) -> None:
        spoilt = spoil(encode_frame(choice.choice(frames)), choice)
        try:
            read = decode_client_frame(spoilt)
        except PeerChatError:
            return
        if decode_client_frame(encode_frame(read)) != read:
            raise AcceptedError("a frame that reads as another")

    return [attempt]


def _headers() -> list[Try]:
    head, room = Head(index=4, hash=bytes(32)), bytes(range(16))
    headers = [
        MessageHeader(kind="message", room_id=room, message_id=room, counter=3),
        CommitHeader(kind="commit", room_id=room, community_head=head, room_head=head),
    ]

    def attempt(choice: random.Random) -> None:
        header = choice.choice(headers)
        spoilt = spoil(encode_canonical(header), choice)
        try:
            read = decode_canonical(type(header), spoilt)
        except PeerChatError:
            return
        if encode_canonical(read) != spoilt:
            raise AcceptedError("a header with a second spelling")

    return [attempt]


def fuzz(*, cases: int, seed: int) -> Counter[str]:
    """Try ``cases`` spoilt inputs, a quarter of each kind. Raises ``AcceptedError`` with the seed, for a crash too."""
    choice = random.Random(seed)
    kinds = {
        "entry": _entries(),
        "certificate": _certificates(),
        "frame": _frames(),
        "header": _headers(),
    }
    count: Counter[str] = Counter()
    names = list(kinds)
    for at in range(cases):
        kind = names[at % len(names)]
        try:
            choice.choice(kinds[kind])(choice)
        except Exception as error:
            raise AcceptedError(f"seed {seed}, case {at}, {kind}: {error!r}") from error
        count[kind] += 1
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    seed = secrets.randbelow(1 << 32) if given.seed is None else given.seed
    print(f"fuzz: {given.cases} cases from seed {seed}", flush=True)
    began = time.monotonic()
    count = fuzz(cases=given.cases, seed=seed)
    print(f"{dict(count)}: no crash, nothing accepted ({time.monotonic() - began:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
