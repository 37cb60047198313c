"""What passes before Django: limits, the origin, who asks, and the headers of every answer."""

import json
from typing import Any

import pytest
from django.conf import settings

from peerchat.config import load
from peerchat.guard import Guard
from peerchat.protocol.limits import BODY_MAX_BYTES
from tests.peerchat.asgi_client import ORIGIN, Answer, ask, write_headers


class Inner:
    """An application that says yes to everything and remembers what came."""

    def __init__(self, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        self.scopes: list[Any] = []
        self.headers = headers or []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            return
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": self.headers})
        await send({"type": "http.response.body", "body": b"yes"})


@pytest.fixture
def inner() -> Inner:
    return Inner()


@pytest.fixture
def guard(inner: Inner) -> Guard:
    return Guard(inner, config=settings.PEERCHAT)


def code(answer: Answer) -> str:
    return str(json.loads(answer.body)["code"])


async def test_a_write_from_our_origin_passes(guard: Guard, inner: Inner) -> None:
    answer = await ask(guard, "POST", "/api/v1/x", body=b"{}", headers=write_headers(b"{}"))
    assert (answer.status, len(inner.scopes)) == (200, 1)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "",
        "https://127.0.0.1:8000",
        "http://127.0.0.1",
        "http://127.0.0.1:8001",
        "http://127.0.0.1:8000/",
        "http://127.0.0.1:8000.evil.example",
        "http://localhost:8000",
        "HTTP://127.0.0.1:8000",
        "http://evil.example",
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_a_write_from_any_other_origin_is_refused_unread(
    guard: Guard, inner: Inner, origin: str | None, method: str
) -> None:
    headers = write_headers(b"{}", origin=origin or "")
    if origin is None:
        del headers["origin"]
    seen: list[Any] = []
    answer = await ask(guard, method, "/api/v1/x", body=b"{}", headers=headers, seen=seen)
    assert (answer.status, code(answer), seen, inner.scopes) == (403, "request.wrong_origin", [], [])


async def test_two_origins_are_no_origin(guard: Guard) -> None:
    two = [(b"origin", ORIGIN.encode()), (b"Origin", b"http://evil.example"), (b"content-length", b"0")]
    assert (await ask(guard, "POST", "/x", raw_headers=two)).status == 403


@pytest.mark.parametrize(
    ("lengths", "extra", "status", "said"),
    [
        ([], {}, 411, "request.malformed"),
        ([], {"transfer-encoding": "chunked"}, 411, "request.malformed"),
        (["2"], {"transfer-encoding": "chunked"}, 411, "request.malformed"),
        ([str(BODY_MAX_BYTES + 1)], {}, 413, "request.too_large"),
        (["9" * 5000], {}, 413, "request.too_large"),
        (["2", "2"], {}, 400, "request.malformed"),
        (["-1"], {}, 400, "request.malformed"),
        (["2, 2"], {}, 400, "request.malformed"),
        (["0x10"], {}, 400, "request.malformed"),
        ([""], {}, 400, "request.malformed"),
    ],
)
async def test_a_body_without_one_honest_small_length_is_refused_unread(
    guard: Guard, inner: Inner, lengths: list[str], extra: dict[str, str], status: int, said: str
) -> None:
    pairs = [(b"content-length", value.encode()) for value in lengths]
    seen: list[Any] = []
    answer = await ask(
        guard, "POST", "/x", body=b"{}", headers={"origin": ORIGIN, **extra}, raw_headers=pairs, seen=seen
    )
    assert (answer.status, code(answer), seen, inner.scopes) == (status, said, [], [])
    assert answer.header("connection") == "close"


async def test_a_body_of_exactly_the_limit_passes(guard: Guard) -> None:
    body = b"x" * BODY_MAX_BYTES
    assert (await ask(guard, "POST", "/x", body=body, headers=write_headers(body))).status == 200


async def test_a_read_may_carry_no_large_or_chunked_body_either(guard: Guard) -> None:
    assert (await ask(guard, "GET", "/x", headers={"transfer-encoding": "chunked"})).status == 411
    assert (await ask(guard, "GET", "/x", headers={"content-length": "70000"})).status == 413
    assert (await ask(guard, "GET", "/x")).status == 200


async def test_nothing_below_learns_who_asks(guard: Guard, inner: Inner) -> None:
    told = {
        "user-agent": "Cracked Phone",
        "referer": "http://127.0.0.1:8000/help",
        "x-forwarded-for": "192.0.2.99",
        "X-Real-IP": "192.0.2.99",
        "forwarded": "for=192.0.2.99",
        "via": "1.1 shelter",
        "accept": "text/html",
    }
    await ask(guard, "GET", "/x", headers=told)
    scope = inner.scopes[0]
    assert scope["client"] is None
    assert [name for name, _ in scope["headers"]] == [b"host", b"accept"]
    assert "192.0.2" not in repr(scope)


WANTED = {
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "x-robots-tag": "noindex, nofollow, noarchive",
}


@pytest.mark.parametrize(
    ("method", "headers"), [("GET", {}), ("POST", {}), ("POST", {"origin": "http://evil.example"})]
)
async def test_every_answer_has_the_strict_headers(
    guard: Guard, method: str, headers: dict[str, str]
) -> None:
    answer = await ask(guard, method, "/x", headers=headers)
    assert {name: answer.header(name) for name in WANTED} == WANTED
    policy = answer.header("content-security-policy") or ""
    assert policy.startswith("default-src 'none'")
    assert "sandbox" in policy
    assert "camera=()" in (answer.header("permissions-policy") or "")
    assert answer.header("strict-transport-security") is None


async def test_https_is_pinned_where_there_is_https(inner: Inner) -> None:
    secure = load(
        {"PEERCHAT_ORIGIN": "https://chat.example.org", "PEERCHAT_DATA_DIR": str(settings.PEERCHAT.data_dir)}
    )
    answer = await ask(Guard(inner, config=secure), "GET", "/x")
    assert answer.header("strict-transport-security") == "max-age=31536000"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (b"max-age=60, public", "no-store"),
        (b"private", "no-store"),
        (b"public, max-age=31536000, immutable", "public, max-age=31536000, immutable"),
    ],
)
async def test_only_what_changes_its_name_may_be_kept(said: bytes, kept: str) -> None:
    guard = Guard(Inner([(b"Cache-Control", said)]), config=settings.PEERCHAT)
    assert (await ask(guard, "GET", "/x")).header("cache-control") == kept


async def connect(guard: Guard, path: str, headers: list[tuple[bytes, bytes]]) -> list[Any]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": path, "headers": headers, "subprotocols": ["peerchat.1"]}
    await guard({**scope, "client": ["192.0.2.7", 1]}, receive, send)
    return sent


async def test_a_socket_opens_from_our_origin_alone(guard: Guard, inner: Inner) -> None:
    assert await connect(guard, "/ws", [(b"origin", ORIGIN.encode())]) == [{"type": "websocket.accept"}]
    assert inner.scopes[0]["client"] is None
    for wrong in ([], [(b"origin", b"http://127.0.0.1:8001")], [(b"origin", b"https://127.0.0.1:8000")]):
        assert await connect(guard, "/ws", wrong) == [
            {"type": "websocket.accept", "subprotocol": "peerchat.1"},
            {"type": "websocket.close", "code": 4403},
        ]
    assert len(inner.scopes) == 1


async def test_there_is_one_address_for_sockets(guard: Guard, inner: Inner) -> None:
    assert await connect(guard, "/ws2", [(b"origin", ORIGIN.encode())]) == [{"type": "websocket.close"}]
    assert inner.scopes == []
