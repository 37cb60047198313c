"""Calls of the HTTP interface as a browser makes them, without a server in between."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from peerchat.accounts.sessions import cookie_name
from peerchat.protocol.types import WireModel
from tests.support.people import Person


class Caller:
    """One browser: signed in as ``person``, or as nobody."""

    def __init__(self, person: Person | None = None) -> None:
        self._client = Client(raise_request_exception=False)
        if person is not None:
            self._client.cookies[cookie_name()] = person.token

    def get(self, path: str) -> HttpResponse:
        return self._client.get(f"/api/v1/{path}")  # type: ignore[return-value]  # the test client adds to it

    def post(self, path: str, body: WireModel | dict[str, Any] | bytes | None = None) -> HttpResponse:
        content = (
            body
            if isinstance(body, bytes)
            else json.dumps(body.model_dump(mode="json") if isinstance(body, WireModel) else body or {})
        )
        return self._client.post(f"/api/v1/{path}", content, content_type="application/json")  # type: ignore[return-value]  # likewise


def answer(response: HttpResponse) -> Any:
    """Return what the body says."""
    return json.loads(response.content)


def refused(response: HttpResponse) -> tuple[int, str]:
    """Return the status and the code of a refusal."""
    return response.status_code, answer(response)["code"]
