"""A call that a server's end broke is made again by itself; one that was answered, or waited long enough, is not."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from peerchat.client import http
from peerchat.client.http import Http, Unreachable
from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.http_bodies import DoneAnswer, ErrorAnswer

Answer = Callable[[httpx.Request], httpx.Response]


def done(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, text=DoneAnswer(done=True).model_dump_json())


def refused(code: ErrorCode) -> Answer:
    body = ErrorAnswer(code=code, message="No.", details={}).model_dump_json()
    return lambda request: httpx.Response(503, text=body)


def broken(error: type[httpx.TransportError]) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error("gone", request=request)

    return answer


class Script:
    """A server that gives these answers, one after the other, and the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.calls = 0
        self._answers = answers

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = self._answers[min(self.calls, len(self._answers) - 1)]
        self.calls += 1
        return answer(request)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "PAUSES_SECONDS", (0.0, 0.0, 0.0))


async def call(script: Script) -> DoneAnswer:
    async with Http("http://127.0.0.1:1", transport=httpx.MockTransport(script)) as client:
        return await client.post("sign-out", DoneAnswer)


GONE = [broken(httpx.ConnectError), broken(httpx.RemoteProtocolError), broken(httpx.ReadError)]


@pytest.mark.parametrize("first", [*GONE, refused(ErrorCode.DRAINING)])
async def test_a_server_that_went_away_is_not_noticed(first: Answer) -> None:
    script = Script(first, first, done)
    assert (await call(script)).done
    assert script.calls == 3


async def test_one_that_stays_away_is_told_after_a_few_tries() -> None:
    script = Script(broken(httpx.ConnectError))
    with pytest.raises(Unreachable):
        await call(script)
    assert script.calls == 4


async def test_who_waited_for_an_answer_in_vain_has_waited_enough() -> None:
    script = Script(broken(httpx.ReadTimeout))
    with pytest.raises(Unreachable):
        await call(script)
    assert script.calls == 1


@pytest.mark.parametrize("code", [ErrorCode.STALE_EPOCH, ErrorCode.SIGNED_OUT, ErrorCode.BROKEN])
async def test_an_answer_is_an_answer(code: ErrorCode) -> None:
    script = Script(refused(code), done)
    with pytest.raises(PeerChatError) as error:
        await call(script)
    assert (error.value.code, script.calls) == (code, 1)
