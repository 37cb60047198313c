"""Making what people sign: the next entry of a log, a statement. Pure; keys come in as functions or seeds.

It makes and chains; it does not judge what others signed.
"""

from collections.abc import Callable
from dataclasses import dataclass

from peerchat.client import crypto
from peerchat.protocol.codec import decode_canonical, encode_canonical
from peerchat.protocol.signed import (
    Action,
    Author,
    Head,
    Label,
    LogEntry,
    LogKind,
    SignedEntry,
    SignedStatement,
)
from peerchat.protocol.types import WireModel

NO_HASH = bytes(32)
_LABELS = {
    LogKind.COMMUNITY: Label.COMMUNITY_ENTRY,
    LogKind.ACCOUNT: Label.ACCOUNT_ENTRY,
    LogKind.ROOM: Label.ROOM_ENTRY,
}


@dataclass(frozen=True, slots=True)
class Signer:
    """A seed that signs in one community."""

    root: bytes
    seed: bytes

    def __repr__(self) -> str:
        return "Signer()"

    def sign(self, label: Label, body: bytes) -> bytes:
        """Return the signature of ``body`` under ``label``."""
        return crypto.sign(seed=self.seed, label=label, root=self.root, body=body)

    def statement(self, label: Label, value: WireModel) -> SignedStatement:
        """Return ``value`` encoded and signed under ``label``."""
        body = encode_canonical(value)
        return SignedStatement(body=body, signature=self.sign(label, body))


def head_of(signed: SignedEntry) -> Head:
    """Return the head of a log whose newest entry is ``signed``."""
    entry = decode_canonical(LogEntry, signed.entry)
    return Head(index=entry.index, hash=crypto.tagged_hash("entry", signed.entry, signed.signature))


def make_entry(
    *,
    log: LogKind,
    log_id: bytes,
    after: Head | None,
    community_head: Head | None,
    author: Author,
    action: Action,
    body: WireModel,
    at: int,
    sign: Callable[[Label, bytes], bytes],
) -> SignedEntry:
    """Return the entry that follows ``after`` (``None``: the first); ``at`` is the server's time in UTC ms."""
    encoded = encode_canonical(body)
    entry = encode_canonical(
        LogEntry(
            v=1,
            log=log,
            log_id=log_id,
            index=0 if after is None else after.index + 1,
            previous_hash=NO_HASH if after is None else after.hash,
            community_head=community_head,
            author=author,
            action=action,
            body_hash=crypto.tagged_hash("entry-body", encoded),
            at=at,
        )
    )
    return SignedEntry(entry=entry, body=encoded, signature=sign(_LABELS[log], entry))
