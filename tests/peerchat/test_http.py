"""The JSON interface: bytes in both directions, one spelling of each body, and refusals without content."""

import base64
import json
import logging
from collections.abc import Iterator
from typing import Annotated, Literal

import pytest
from django.http import HttpRequest
from django.test import Client, override_settings
from django.urls import path
from ninja import NinjaAPI, Router
from ninja.errors import AuthenticationError
from pydantic import Field

from peerchat import http
from peerchat.errors import ErrorCode, PeerChatError, not_found
from peerchat.http import HexId
from peerchat.protocol.signed import RoomRole
from peerchat.protocol.types import Count, Hash, Id, Key, WireModel

CANARY = "canary-6f1e"


class Inner(WireModel):
    hash: Hash
    role: RoomRole = Field(strict=False)


class Request(WireModel):
    id: Id
    name: str = Field(max_length=20)
    at: Count
    inner: Inner | None
    keys: Annotated[list[Key], Field(max_length=3)]


class Answer(WireModel):
    echo: Request
    more: list[Id]
    done: Literal[True]


router = Router()


@router.post("echo", response=Answer)
def echo(request: HttpRequest, body: Request) -> Answer:
    assert isinstance(body.id, bytes)
    return Answer(echo=body, more=[body.id], done=True)


@router.post("echo-dict", response=Answer)
def echo_dict(request: HttpRequest, body: Request) -> dict[str, object]:
    return {"echo": body, "more": [body.id], "done": True}


@router.get("things/{thing}", response=Answer)
def thing(request: HttpRequest, thing: HexId) -> Answer:
    raise not_found()


@router.get("refuse", response=Answer)
def refuse(request: HttpRequest) -> Answer:
    raise PeerChatError(ErrorCode.STALE_EPOCH, "Older.", http_status=409, details={"epoch": 7})


@router.get("break", response=Answer)
def broken(request: HttpRequest) -> Answer:
    raise RuntimeError(CANARY)


@router.get("signed-out", response=Answer)
def signed_out(request: HttpRequest) -> Answer:
    raise AuthenticationError


def _like_ours() -> NinjaAPI:
    """An interface with our reading, writing and refusing, and routes of its own."""
    made = NinjaAPI(
        urls_namespace="test",
        docs_url=None,
        openapi_url=None,
        parser=http.api.parser,
        renderer=http.api.renderer,
    )
    for kind, handler in http.api._exception_handlers.items():
        made.add_exception_handler(kind, handler)
    made.add_router("", router)
    return made


urlpatterns = [path("t/", _like_ours().urls)]


@pytest.fixture
def client() -> Iterator[Client]:
    with override_settings(ROOT_URLCONF=__name__):
        yield Client(raise_request_exception=False)


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def a_body(**changes: object) -> dict[str, object]:
    return {
        "id": b64(b"\xff" * 16),
        "name": "Ola",
        "at": 5,
        "inner": {"hash": b64(bytes(32)), "role": "leader"},
        "keys": [b64(b"\x00\x01" * 16), b64(b"x" * 32)],
        **changes,
    }


def post(client: Client, body: object, where: str = "/t/echo") -> tuple[int, dict[str, object]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post(where, data, content_type="application/json")
    return answer.status_code, json.loads(answer.content)


@pytest.mark.parametrize("where", ["/t/echo", "/t/echo-dict"])
def test_bytes_come_in_and_go_out_as_base64(client: Client, where: str) -> None:
    status, answer = post(client, a_body(), where)
    assert status == 200
    assert answer == {"echo": a_body(), "more": [b64(b"\xff" * 16)], "done": True}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b'{"id":"a","id":"b"}', id="a name twice"),
        pytest.param(b"[" * 60_000, id="deep"),
        pytest.param(b'{"a":' * 40 + b"1" + b"}" * 40, id="deeper than any model"),
        pytest.param(json.dumps(a_body(at=float("nan"))).encode(), id="NaN"),
        pytest.param(a_body(at=1.5), id="a fraction"),
        pytest.param(a_body(at=1.0), id="a float"),
        pytest.param(a_body(at=True), id="a boolean for a number"),
        pytest.param(a_body(at="5"), id="text for a number"),
        pytest.param(a_body(at=-1), id="below zero"),
        pytest.param(a_body(at=2**53), id="beyond exact numbers"),
        pytest.param(a_body(id=b64(bytes(15))), id="too short an id"),
        pytest.param(a_body(id="_" * 22 + "=="), id="another alphabet"),
        pytest.param(a_body(id=b64(bytes(16)).rstrip("=")), id="no padding"),
        pytest.param(a_body(id=b64(bytes(16)) + "\n"), id="space after base64"),
        pytest.param(a_body(extra=1), id="an unknown field"),
        pytest.param({"name": "Ola"}, id="missing fields"),
        pytest.param(a_body(inner={"hash": b64(bytes(32)), "role": "king"}), id="an unknown word"),
        pytest.param(a_body(keys=[b64(b"x" * 32)] * 4), id="too many"),
        pytest.param(a_body(keys=[b64(b"x" * 33)]), id="too long"),
        pytest.param(a_body(name="a\0b"), id="NUL"),
        pytest.param(a_body(name="\ud800"), id="half of a pair"),
        pytest.param(a_body(**{"\udfff": 1}), id="half of a pair in a name"),
    ],
)
def test_a_body_of_the_wrong_shape_is_malformed_and_not_repeated(client: Client, body: object) -> None:
    status, answer = post(client, body)
    assert (status, answer["code"], answer["details"]) == (400, "request.malformed", {})
    assert set(answer) == {"code", "message", "details"}


def test_what_was_sent_never_comes_back_in_a_refusal(client: Client) -> None:
    _, answer = post(client, a_body(name=CANARY * 4, extra=CANARY))
    assert CANARY not in json.dumps(answer)


def test_an_id_in_a_path_has_one_spelling(client: Client) -> None:
    ours = "00112233445566778899aabbccddeeff"
    assert client.get(f"/t/things/{ours}").status_code == 404
    for other in (ours.upper(), "00112233-4455-6677-8899-aabbccddeeff", ours[:-1], f"{{{ours}}}"):
        assert client.get(f"/t/things/{other}").json()["code"] == "request.malformed", other


def test_a_refusal_carries_its_code_status_and_numbers(client: Client) -> None:
    answer = client.get("/t/refuse")
    assert answer.status_code == 409
    assert answer.json() == {"code": "room.stale_epoch", "message": "Older.", "details": {"epoch": 7}}


def test_who_is_signed_out_is_told_so(client: Client) -> None:
    answer = client.get("/t/signed-out")
    assert (answer.status_code, answer.json()["code"]) == (401, "session.signed_out")


def test_a_fault_of_ours_says_nothing_about_itself(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        answer = client.get("/t/break")
    assert (answer.status_code, answer.json()["code"]) == (500, "server.broken")
    assert CANARY not in answer.content.decode() + caplog.text
    assert "http.broken raised builtins.RuntimeError at tests/peerchat/test_http.py" in caplog.text


def test_a_body_past_the_limit_is_refused(client: Client) -> None:
    status, answer = post(client, a_body(name="x" * 70_000))
    assert (status, answer["code"]) == (413, "request.too_large")
