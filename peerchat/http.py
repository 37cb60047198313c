"""How the JSON interface under ``/api/v1`` reads, answers and refuses.

Apps bring a ``ninja.Router``; ``urls`` joins them to ``api``. No page of documentation is served (Ninja's loads
scripts from elsewhere): ``docs/openapi.json`` is. What is refused before a body is read stands in ``guard``.
"""

import base64
import json
from typing import Annotated, Any, NoReturn
from uuid import UUID

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.parser import Parser
from ninja.renderers import BaseRenderer
from pydantic import BeforeValidator, WithJsonSchema

from peerchat.errors import ErrorCode, PeerChatError, not_found
from peerchat.logging import event
from peerchat.protocol.http_bodies import ErrorAnswer

JSON_TYPE = "application/json"
_DEPTH_MAX = 16


def _from_hex(value: Any) -> UUID:
    if not isinstance(value, str) or len(value) != 32 or set(value) - set("0123456789abcdef"):
        raise ValueError("32 lower-case hexadecimal digits expected")
    return UUID(hex=value)


HexId = Annotated[
    UUID, BeforeValidator(_from_hex), WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{32}$"})
]
"""An id in a path. One spelling only, so that no cache or limit is passed by writing it another way."""


class StrictJson(Parser):
    """JSON without what readers disagree on: repeated names, NaN, deep nesting, lone surrogates, NUL."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """Return the object in the body. Raises ``ValueError`` or ``RecursionError``, for Ninja an ``HttpError``."""
        value = json.loads(
            request.body.decode("utf-8"), object_pairs_hook=_unique_names, parse_constant=_refuse_constant
        )
        if not isinstance(value, dict):
            raise ValueError("an object was expected")
        _check_text(value, 0)
        return value


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name stands twice")
    return names


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError("not a number that JSON knows")


def _check_text(value: Any, depth: int) -> None:
    if depth > _DEPTH_MAX:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        # An escaped half of a pair passes json.loads, and fails only when it is stored or sent.
        value.encode("utf-8")
        if "\0" in value:
            raise ValueError("NUL is not text")
    elif isinstance(value, list):
        for item in value:
            _check_text(item, depth + 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_text(name, depth + 1)
            _check_text(item, depth + 1)


class Base64Json(BaseRenderer):
    """Answers in JSON with bytes as padded base64 (RFC 4648 §4).

    Ninja dumps models in Python's mode, where the wire's fields keep their bytes: they become text only here.
    """

    media_type = JSON_TYPE

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return json.dumps(data, default=_as_text, separators=(",", ":"), allow_nan=False).encode("ascii")


def _as_text(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode("ascii")
    raise TypeError("a value without a form in JSON")


api = NinjaAPI(
    title="peerchat",
    version="1",
    description="See docs/protocol.md for what these calls mean together.",
    urls_namespace="api",
    docs_url=None,
    openapi_url=None,
    parser=StrictJson(),
    renderer=Base64Json(),
)


def error_answer(error: PeerChatError) -> HttpResponse:
    """Return the refusal that ``error`` stands for."""
    body = ErrorAnswer(code=error.code, message=error.message, details=error.details)
    return HttpResponse(body.model_dump_json().encode(), status=error.http_status, content_type=JSON_TYPE)


@api.exception_handler(PeerChatError)
def _refused(request: HttpRequest, error: PeerChatError) -> HttpResponse:
    return error_answer(error)


@api.exception_handler(ValidationError)
def _wrong_shape(request: HttpRequest, error: ValidationError) -> HttpResponse:
    # Which field was wrong is not told: pydantic's words can repeat what was sent.
    return error_answer(PeerChatError(ErrorCode.MALFORMED, "The request has the wrong shape."))


@api.exception_handler(HttpError)
def _not_json(request: HttpRequest, error: HttpError) -> HttpResponse:
    return error_answer(PeerChatError(ErrorCode.MALFORMED, "The body is not JSON that is accepted here."))


@api.exception_handler(AuthenticationError)
def _signed_out(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return error_answer(PeerChatError(ErrorCode.SIGNED_OUT, "Sign in first.", http_status=401))


@api.exception_handler(Http404)
def _nothing(request: HttpRequest, error: Http404) -> HttpResponse:
    return nothing_here()


def nothing_here() -> HttpResponse:
    """Return the one answer for what does not exist and what is not yours."""
    return error_answer(not_found())


@api.exception_handler(RequestDataTooBig)
def _too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return error_answer(PeerChatError(ErrorCode.TOO_LARGE, "The body is too large.", http_status=413))


@api.exception_handler(Exception)
def _broken(request: HttpRequest, error: Exception) -> HttpResponse:
    event("http.broken", error=error)
    return error_answer(PeerChatError(ErrorCode.BROKEN, "Something broke on our side.", http_status=500))
