"""A body is refused inside Twisted before it is read: nothing of it comes to memory, disk or the application."""

from typing import Any

import pytest
from twisted.internet.testing import StringTransport
from twisted.web import http

from peerchat.body_limit import LimitedBody


class Request(LimitedBody, http.Request):
    processed: list[bytes] = []

    def process(self) -> None:
        Request.processed.append(self.content.read())
        finish: Any = self.finish
        finish()


# Twisted's classes have no types of their own.
new_channel: Any = http.HTTPChannel
new_transport: Any = StringTransport


@pytest.fixture
def wire() -> tuple[Any, Any]:
    """A channel as Daphne sets it up, and what it writes to."""
    Request.processed.clear()
    channel = new_channel()
    channel.requestFactory = Request
    transport = new_transport()
    channel.makeConnection(transport)
    return channel, transport


def send(channel: Any, head: bytes, body: bytes) -> None:
    channel.dataReceived(b"POST /x HTTP/1.1\r\nHost: h\r\n" + head + b"\r\n\r\n" + body)


def test_a_small_body_comes_through(wire: tuple[Any, Any]) -> None:
    send(wire[0], b"Content-Length: 2", b"hi")
    assert Request.processed == [b"hi"]


@pytest.mark.parametrize(
    ("head", "body", "status"),
    [
        (b"Content-Length: 65537", b"x" * 65537, b"413"),
        (b"Content-Length: 99999999999", b"x" * 100, b"413"),
        (b"Transfer-Encoding: chunked", b"2\r\nhi\r\n0\r\n\r\n", b"411"),
    ],
)
def test_a_large_or_chunked_body_is_refused_at_its_headers(
    wire: tuple[Any, Any], head: bytes, body: bytes, status: bytes
) -> None:
    channel, transport = wire
    send(channel, head, b"")
    assert transport.value().startswith(b"HTTP/1.1 " + status)
    assert transport.disconnecting
    assert b"request." in transport.value()
    # What was under way when we hung up still arrives, and goes nowhere.
    channel.dataReceived(body)
    assert Request.processed == []
    assert transport.value().count(b"HTTP/1.1") == 1
