"""The measured short cut: a frame is encoded once, with its WebSocket header, and written to many sockets as it is.

Servers never mask (RFC 6455 §5.1) and compression is off, so the bytes on the wire are the same for everyone. A server
that can take them says so in ``scope["extensions"]`` under ``EXTENSION``; ``peerchat.serve``'s does. With any other the
frame goes through ASGI's ``send``: the same result, for about three times the CPU.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from peerchat.protocol.codec import encode_frame
from peerchat.protocol.types import WireModel

EXTENSION = "peerchat.fastwrite"
Send = Callable[[dict[str, Any]], Awaitable[None]]


class FastPath(Protocol):
    """What a server offers for one open WebSocket."""

    def write_wire(self, data: bytes) -> None:
        """Write whole WebSocket frames; nothing once the socket is closing."""

    def queued(self) -> int:
        """Return how many bytes wait in this process for the peer."""

    async def drained(self) -> None:
        """Wait until little is queued for the peer, or the connection is gone."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded frame: ``payload`` is MessagePack, ``wire`` the same with its WebSocket header."""

    payload: bytes = field(repr=False)
    wire: bytes = field(repr=False)


def with_header(payload: bytes) -> bytes:
    """Return ``payload`` as one unmasked binary WebSocket frame (RFC 6455 §5.2)."""
    size = len(payload)
    if size < 126:
        return b"\x82" + size.to_bytes(1, "big") + payload
    if size < 1 << 16:
        return b"\x82\x7e" + size.to_bytes(2, "big") + payload
    return b"\x82\x7f" + size.to_bytes(8, "big") + payload


def encode_once(frame: WireModel) -> Frame:
    """Return ``frame`` ready for any number of sockets."""
    payload = encode_frame(frame)
    return Frame(payload=payload, wire=with_header(payload))


def fast_path(scope: Mapping[str, Any]) -> FastPath | None:
    """Return the short cut that the server offers for this connection, or ``None``."""
    return cast(FastPath | None, (scope.get("extensions") or {}).get(EXTENSION))
