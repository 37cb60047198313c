"""The hash-chained log, whatever it holds: reading a link, checking that it follows another, making the next one.

Pure: no Django, no clock, no cryptography but SHA-256; ``verify`` and ``sign`` are given. It knows no powers:
what an entry may do is judged by ``accounts/community_log``, ``accounts/account_log`` and ``rooms/room_log``.
``frontend/src/crypto/entries.ts`` holds the same rules, and tests/vectors holds both to the same answers.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NoReturn, Protocol, TypeVar

from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol import limits
from peerchat.protocol.codec import decode_canonical, encode_canonical
from peerchat.protocol.signed import BODIES, Action, Author, Head, Label, LogEntry, LogKind, SignedEntry
from peerchat.protocol.types import WireModel

NO_HASH = bytes(32)
LABELS: dict[LogKind, Label] = {
    LogKind.COMMUNITY: Label.COMMUNITY_ENTRY,
    LogKind.ACCOUNT: Label.ACCOUNT_ENTRY,
    LogKind.ROOM: Label.ROOM_ENTRY,
}
B = TypeVar("B", bound=WireModel)


class Verify(Protocol):
    """``sodium.verify``, or a test's own."""

    def __call__(self, *, key: bytes, label: str, root: bytes, body: bytes, signature: bytes) -> bool: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next entry of a log must go: after ``head``, whose time was ``at`` and who knew ``community_index``."""

    head: Head
    at: int
    community_index: int


@dataclass(frozen=True, slots=True)
class Link:
    """An entry that was read and stands in the right place; its signature is not checked yet."""

    signed: SignedEntry = field(repr=False)
    entry: LogEntry = field(repr=False)
    place: Place

    @property
    def head(self) -> Head:
        """Return the log's head once this link is its newest."""
        return self.place.head


def refuse(code: ErrorCode, message: str, *, details: dict[str, int] | None = None) -> NoReturn:
    """Raise the refusal of an entry. ``message`` is for developers and names no person."""
    status = {ErrorCode.STALE_HEAD: 409, ErrorCode.NO_POWER: 403}.get(code, 400)
    raise PeerChatError(code, message, http_status=status, details=details)


def _tagged(label: str, *parts: bytes) -> bytes:
    return sha256(b"".join((b"peerchat/v1/", label.encode("ascii"), b"\x00", *parts))).digest()


def entry_hash(entry: bytes, signature: bytes) -> bytes:
    """Return the hash by which the next entry, and a ``Head``, name this one."""
    return _tagged("entry", entry, signature)


def body_hash(body: bytes) -> bytes:
    """Return the hash that stands in an entry for its ``body``; every body holds a salt, so that it tells nothing."""
    return _tagged("entry-body", body)


def root_fingerprint(root: bytes) -> bytes:
    """Return the 16 bytes by which links and the community log name a community."""
    return _tagged("root", root)[:16]


def check_link(signed: SignedEntry, *, log: LogKind, log_id: bytes, place: Place | None) -> Link:
    """Return ``signed`` as the link that follows ``place`` (``None`` before the first) in the log with id ``log_id``.

    Raises ``request.malformed`` (not canonical), ``log.stale_head`` (not the next, with ``details.index`` =
    the next free index), ``log.bad_entry`` (another log, time or the community's head running backwards,
    another body).
    """
    entry = decode_canonical(LogEntry, signed.entry)
    if entry.log is not log or entry.log_id != log_id:
        refuse(ErrorCode.BAD_ENTRY, "This entry is of another log.")
    index, previous = (0, NO_HASH) if place is None else (place.head.index + 1, place.head.hash)
    if entry.index != index or entry.previous_hash != previous:
        refuse(ErrorCode.STALE_HEAD, "This entry does not follow the newest.", details={"index": index})
    if place is not None and entry.at < place.at - limits.CLOCK_SKEW_MS:
        refuse(ErrorCode.BAD_ENTRY, "Time runs backwards in this log.")
    if (entry.community_head is None) != (log is LogKind.COMMUNITY):
        refuse(ErrorCode.BAD_ENTRY, "Every log but the community's names the community's head.")
    community_index = 0 if entry.community_head is None else entry.community_head.index
    if place is not None and community_index < place.community_index:
        refuse(ErrorCode.BAD_ENTRY, "The community's head goes backwards in this log.")
    if signed.body is not None and body_hash(signed.body) != entry.body_hash:
        refuse(ErrorCode.BAD_ENTRY, "The body is not the one that the entry names.")
    head = Head(index=index, hash=entry_hash(signed.entry, signed.signature))
    return Link(
        signed=signed, entry=entry, place=Place(head=head, at=entry.at, community_index=community_index)
    )


def check_signature(link: Link, *, key: bytes, root: bytes, verify: Verify) -> None:
    """Raise ``log.bad_signature`` unless ``key`` signed ``link`` in the community of ``root``."""
    label = LABELS[link.entry.log]
    signed = link.signed
    if not verify(key=key, label=label, root=root, body=signed.entry, signature=signed.signature):
        refuse(ErrorCode.BAD_SIGNATURE, "The signature does not fit the entry.")


def check_clock(at: int, *, now: int) -> None:
    """Raise ``log.wrong_clock`` when ``at`` is more than 5 minutes from ``now`` (both UTC ms). For servers alone."""
    if abs(at - now) > limits.CLOCK_SKEW_MS:
        refuse(ErrorCode.WRONG_CLOCK, "The entry's time is too far from the server's.")


def read_body(link: Link, model: type[B]) -> B:
    """Return the body of ``link`` as ``model``; an erased body or another action's is ``log.bad_entry``."""
    if link.signed.body is None or BODIES[link.entry.action] is not model:
        refuse(ErrorCode.BAD_ENTRY, "The body that this rule needs is missing.")
    return decode_canonical(model, link.signed.body)


def make_entry(
    *,
    log: LogKind,
    log_id: bytes,
    place: Place | None,
    community_head: Head | None,
    author: Author,
    action: Action,
    body: WireModel,
    at: int,
    sign: Callable[[Label, bytes], bytes],
) -> SignedEntry:
    """Return the next entry of a log, signed by ``sign(label, bytes)``. For clients, the demo and tests."""
    encoded = encode_canonical(body)
    entry = encode_canonical(
        LogEntry(
            v=1,
            log=log,
            log_id=log_id,
            index=0 if place is None else place.head.index + 1,
            previous_hash=NO_HASH if place is None else place.head.hash,
            community_head=community_head,
            author=author,
            action=action,
            body_hash=body_hash(encoded),
            at=at,
        )
    )
    return SignedEntry(entry=entry, body=encoded, signature=sign(LABELS[log], entry))
