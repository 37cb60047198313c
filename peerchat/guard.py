"""What every request passes before Django or the socket sees it, whatever the server.

* A body needs ``Content-Length`` of at most 64 KB; chunked ones are refused: all before anything is read.
  (Daphne reads bodies before it calls us; ``body_limit`` refuses them there.)
* A write, and a socket, must come from the deployment's full origin: scheme, host and port.
* Who asks is nobody's business: the address, what proxies say about it, the browser's name and the page before are
  taken out of the request, so that no code below can keep, log, count or believe them. (No limit counts by
  address: ``ratelimits``. So there is no trusted proxy to configure either.)
* Every answer gets the strict headers, the refusals made here too.

It keeps and logs nothing of a request.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from peerchat.config import Config
from peerchat.errors import CloseCode, ErrorCode, PeerChatError
from peerchat.headers import fixed_headers
from peerchat.protocol import limits
from peerchat.protocol.client_frames import SUBPROTOCOL
from peerchat.protocol.http_bodies import ErrorAnswer

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_READS = frozenset({"GET", "HEAD"})
_WHO_ASKS = frozenset(
    {
        b"forwarded",
        b"referer",
        b"user-agent",
        b"via",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-proto",
        b"x-real-ip",
    }
)


class Guard:
    """An ASGI application around another."""

    def __init__(self, app: App, *, config: Config) -> None:
        self._app = app
        self._origin = str(config.origin).encode()
        self._fixed = fixed_headers(config.origin)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(_without_who_asks(scope), receive, self._dressing(send))
        elif scope["type"] == "websocket":
            await self._websocket(_without_who_asks(scope), receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = body_refusal(scope["headers"], is_read=scope["method"] in _READS)
        if refusal is None and scope["method"] not in _READS and not self._is_ours(scope):
            refusal = PeerChatError(
                ErrorCode.WRONG_ORIGIN, "This address takes no writes from there.", http_status=403
            )
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await _refuse(refusal, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/ws":
            await send({"type": "websocket.close"})
        elif self._is_ours(scope):
            await self._app(scope, receive, send)
        else:
            # Autobahn has no close code before the handshake ends, so the socket is accepted to say why it is closed.
            await receive()
            offered = SUBPROTOCOL if SUBPROTOCOL in scope.get("subprotocols", ()) else None
            await send({"type": "websocket.accept", "subprotocol": offered})
            await send({"type": "websocket.close", "code": CloseCode.WRONG_ORIGIN})

    def _is_ours(self, scope: Scope) -> bool:
        return _values(scope["headers"], b"origin") == [self._origin]

    def _dressing(self, send: Send) -> Send:
        async def dressed(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": self._dress(message.get("headers", ()))}
            await send(message)

        return dressed

    def _dress(self, given: Iterable[tuple[bytes, bytes]]) -> Headers:
        headers = [(bytes(name).lower(), bytes(value)) for name, value in given]
        # Only a name that changes with the content may be kept; whatever else a view or a library said is replaced.
        headers = [pair for pair in headers if pair[0] != b"cache-control" or b"immutable" in pair[1]]
        names = {name for name, _ in headers}
        return headers + [pair for pair in self._fixed.items() if pair[0] not in names]


def body_refusal(headers: Iterable[tuple[bytes, bytes]], *, is_read: bool) -> PeerChatError | None:
    """Return why a body with these headers is not read, or ``None``."""
    headers = list(headers)
    lengths = _values(headers, b"content-length")
    if _values(headers, b"transfer-encoding") or (not lengths and not is_read):
        return PeerChatError(
            ErrorCode.MALFORMED, "A body needs a Content-Length, and no chunks.", http_status=411
        )
    # Eight digits are more than any length that could pass, and int() of thousands of digits is slow.
    if lengths and (len(lengths) > 1 or not lengths[0].isdigit()):
        return PeerChatError(ErrorCode.MALFORMED, "A Content-Length is one number.")
    if lengths and (len(lengths[0]) > 8 or int(lengths[0]) > limits.BODY_MAX_BYTES):
        return PeerChatError(ErrorCode.TOO_LARGE, "The body is too large.", http_status=413)
    return None


def _without_who_asks(scope: Scope) -> Scope:
    kept = [pair for pair in scope["headers"] if pair[0].lower() not in _WHO_ASKS]
    return {**scope, "client": None, "headers": kept}


def _values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    return [value for key, value in headers if key.lower() == name]


async def _refuse(error: PeerChatError, send: Send) -> None:
    body = (
        ErrorAnswer(code=error.code, message=error.message, details=error.details).model_dump_json().encode()
    )
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        # The body was not read, so nothing after it on this connection can be.
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": error.http_status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
