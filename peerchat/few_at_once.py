"""A few API calls at a time: each runs in a thread, and threads that compete for the interpreter slow each other.

Twenty-five devices that came into a room at once were all in after 20.1 s with any number of threads, after 18.4 s
with a few (means of three and five runs, two processors). Nothing waits for a network while it holds a place: the
body is read before, the answer sent after. Other paths (files, pages) are let through.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]

AT_ONCE = 3
"""Most of a call is Python, which one thread runs at a time; the rest waits for the disk."""
_PATHS = "/api/"


class FewAtOnce:
    """An ASGI application around another. The guard has bounded the body before."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._places = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(_PATHS):
            await self._app(scope, receive, send)
            return
        body = await _body(receive)
        if body is None:
            return
        answer: list[Any] = []
        given = False

        async def give() -> Any:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: Any) -> None:
            answer.append(message)

        async with self._places:
            await self._app(scope, give, keep)
        for message in answer:
            await send(message)


async def _body(receive: Receive) -> bytes | None:
    """Return the whole body, or ``None`` when the client has gone."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)
