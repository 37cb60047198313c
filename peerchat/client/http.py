"""Calls to ``/api/v1``: models in, models out, refusals as ``PeerChatError``. Every write can be repeated.

A call whose connection broke, or whose server was going away, is made again by itself for a second or two: another
server is there, or the same one comes back. Past that it raises ``Unreachable``: whether the call was carried out is
then not known, and making it again is always right.
"""

import asyncio
import random
from collections.abc import Mapping
from types import TracebackType
from typing import Self, TypeVar

import httpx
from pydantic import ValidationError

from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.http_bodies import ErrorAnswer
from peerchat.protocol.types import WireModel

A = TypeVar("A", bound=WireModel)
TIMEOUT_SECONDS = 30.0
PAUSES_SECONDS = (0.1, 0.3, 0.9)
"""Before a call is made again; on average, so that not everyone comes in the same moment."""


class Unreachable(Exception):
    """No answer, or one that is not the protocol's (a proxy's page)."""


class Http:
    """One client's calls, with its cookies. ``origin`` as a browser writes it."""

    def __init__(self, origin: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.origin = origin
        self._client = httpx.AsyncClient(
            base_url=f"{origin}/api/v1/",
            headers={"Origin": origin},
            timeout=TIMEOUT_SECONDS,
            transport=transport,
            # A proxy named in the environment would see whom one talks to.
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; cookies are gone with it."""
        await self._client.aclose()

    @property
    def cookies(self) -> str:
        """The ``Cookie`` header that goes with a request."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._client.cookies.jar)

    async def get(self, path: str, answer: type[A], *, query: Mapping[str, int] | None = None) -> A:
        """Return the answer to a GET of ``path``, below ``/api/v1/``."""
        return await self._call("GET", path, answer, query=query)

    async def post(self, path: str, answer: type[A], *, body: WireModel | None = None) -> A:
        """Return the answer to a POST of ``body`` to ``path``, below ``/api/v1/``."""
        content = b"" if body is None else body.model_dump_json().encode()
        return await self._call("POST", path, answer, content=content)

    async def _call(
        self,
        method: str,
        path: str,
        answer: type[A],
        *,
        query: Mapping[str, int] | None = None,
        content: bytes | None = None,
    ) -> A:
        for pause in PAUSES_SECONDS:
            try:
                return self._read(await self._send(method, path, query=query, content=content), answer)
            except Unreachable as error:
                # Who waited that long has waited enough.
                if isinstance(error.__cause__, httpx.TimeoutException):
                    raise
            except PeerChatError as refusal:
                if refusal.code is not ErrorCode.DRAINING:
                    raise
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311
        return self._read(await self._send(method, path, query=query, content=content), answer)

    async def _send(
        self, method: str, path: str, *, query: Mapping[str, int] | None = None, content: bytes | None = None
    ) -> httpx.Response:
        headers = {} if content is None else {"Content-Type": "application/json"}
        try:
            return await self._client.request(method, path, params=query, content=content, headers=headers)
        except httpx.HTTPError as error:
            raise Unreachable from error

    @staticmethod
    def _read(response: httpx.Response, answer: type[A]) -> A:
        try:
            if response.is_success:
                return answer.model_validate_json(response.content)
            refusal = ErrorAnswer.model_validate_json(response.content)
        except ValidationError as error:
            raise Unreachable from error
        raise PeerChatError(
            refusal.code, refusal.message, http_status=response.status_code, details=refusal.details
        )
