"""Refuses large and chunked bodies inside Twisted, which would spool them to a temporary file before anyone is asked.

A mix-in for Daphne's request class (``serve``). The rule is the same as in ``guard``, which stands behind it.
"""

from typing import Any

from peerchat.protocol import limits

_HEAD = (
    "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n"
    "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\r\n"
)
_TOO_LARGE = (
    "413 Content Too Large",
    b'{"code":"request.too_large","message":"The body is too large.","details":{}}',
)
_CHUNKED = (
    "411 Length Required",
    b'{"code":"request.malformed","message":"A body needs a Content-Length, and no chunks.","details":{}}',
)


class _Nowhere:
    """Takes what still arrives while the connection closes."""

    closed = False

    def write(self, data: bytes) -> None:
        """Forget ``data``."""

    def close(self) -> None:
        """Nothing was kept."""


class LimitedBody:
    """Stands before ``twisted.web.http.Request`` in the bases. ``gotLength`` is called once the headers are read."""

    channel: Any
    content: Any
    refused = False

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        """Refuse and hang up, or let Twisted go on. ``length`` in bytes, ``None`` for chunks."""
        if length is not None and length <= limits.BODY_MAX_BYTES:
            super().gotLength(length)  # type: ignore[misc]  # the class behind this one has it
            return
        self.refused = True
        self.content = _Nowhere()
        status, body = _CHUNKED if length is None else _TOO_LARGE
        self.channel.transport.write(_HEAD.format(status=status, length=len(body)).encode() + body)
        self.channel.loseConnection()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:  # noqa: N802 - Twisted's name
        """Let no refused request come to the application."""
        if not self.refused:
            super().requestReceived(command, path, version)  # type: ignore[misc]  # likewise
