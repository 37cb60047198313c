"""Speaks to the whole ASGI application in this process, as a server would, and sees every header."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

ORIGIN = "http://127.0.0.1:8000"


@dataclass
class Answer:
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key == name]
        assert len(found) < 2, f"{name} stands twice"
        return found[0] if found else None


async def ask(
    app: Any,
    method: str,
    path: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    raw_headers: Iterable[tuple[bytes, bytes]] = (),
    seen: list[Mapping[str, Any]] | None = None,
) -> Answer:
    """Send one request; ``seen`` collects ``http.request`` reads, so that a test can say that none happened."""
    pairs = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8000"), *pairs, *raw_headers],
        "client": ["192.0.2.7", 4711],
        "server": ["127.0.0.1", 8000],
    }
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Mapping[str, Any]:
        message: Mapping[str, Any] = parts.pop(0) if parts else {"type": "http.disconnect"}
        if seen is not None:
            seen.append(message)
        if message["type"] == "http.disconnect":
            # A real server tells it only when the client goes.
            await asyncio.Event().wait()
        return message

    answer = Answer()

    async def send(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = [(k.decode().lower(), v.decode()) for k, v in message["headers"]]
        else:
            answer.body += message.get("body", b"")

    await app(scope, receive, send)
    return answer


def write_headers(body: bytes, *, origin: str = ORIGIN) -> dict[str, str]:
    """Return what a browser sends with a write of ours."""
    return {"origin": origin, "content-length": str(len(body)), "content-type": "application/json"}
