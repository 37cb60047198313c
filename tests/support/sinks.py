"""Real receivers of pages on loopback: a web server and a mail server that keep what comes, slow or broken on wish."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

from tests.support.ports import ReservedPort


@dataclass
class Got:
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)


@dataclass
class WebSink:
    """Answers with ``status``; ``hold`` keeps each answer back until it is set."""

    port: int = 0
    status: int = 204
    got: list[Got] = field(default_factory=list)
    hold: threading.Event | None = None
    came: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[WebSink]:
        sink = cls()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink.got.append(Got(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                sink.came.release()
                if sink.hold is not None:
                    sink.hold.wait(20)
                self.send_response(sink.status)
                if 300 <= sink.status < 400:
                    self.send_header("Location", f"{sink.url}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        sink.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield sink
        finally:
            if sink.hold is not None:
                sink.hold.set()
            server.shutdown()
            server.server_close()
            thread.join(5)


class MailSink:
    """Keeps each message that arrives."""

    def __init__(self) -> None:
        self.port = 0
        self.got: list[tuple[list[str], bytes]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.got.append((list(envelope.rcpt_tos), bytes(envelope.content)))
        return "250 OK"

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[MailSink]:
        sink = cls()
        with ReservedPort() as port:
            sink.port = port.number
            controller = Controller(sink, hostname="127.0.0.1", port=port.number)
            controller.start()
            try:
                yield sink
            finally:
                controller.stop()


__all__ = ["Got", "MailSink", "WebSink"]
