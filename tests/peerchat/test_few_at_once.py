"""How many API calls run at a time, and what none of them may wait for."""

from __future__ import annotations

import asyncio
from typing import Any

from peerchat.few_at_once import AT_ONCE, FewAtOnce


class Hall:
    """An application that counts who is inside, and lets them out when told."""

    def __init__(self) -> None:
        self.inside = 0
        self.bodies: list[bytes] = []
        self.open = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.bodies.append((await receive())["body"])
        self.inside += 1
        await self.open.wait()
        self.inside -= 1
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"done"})


def call(app: FewAtOnce, path: str, *parts: Any) -> tuple[asyncio.Task[None], list[Any]]:
    messages = list(parts) or [{"type": "http.request", "body": b"", "more_body": False}]
    sent: list[Any] = []

    async def receive() -> Any:
        if messages:
            return messages.pop(0)
        return await asyncio.Future()

    async def send(message: Any) -> None:
        sent.append(message)

    return asyncio.ensure_future(app({"type": "http", "path": path}, receive, send)), sent


async def pass_on() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_few_calls_run_at_once_and_the_others_after_them() -> None:
    hall = Hall()
    app = FewAtOnce(hall)
    calls = [call(app, "/api/v1/rooms") for _ in range(AT_ONCE + 2)]
    await pass_on()
    assert hall.inside == AT_ONCE
    hall.open.set()
    await asyncio.gather(*(task for task, _ in calls))
    assert [sent[-1]["body"] for _, sent in calls] == [b"done"] * (AT_ONCE + 2)


async def test_files_and_pages_take_no_place() -> None:
    hall = Hall()
    app = FewAtOnce(hall)
    calls = [call(app, "/assets/app.js") for _ in range(AT_ONCE + 2)]
    await pass_on()
    assert hall.inside == AT_ONCE + 2
    hall.open.set()
    await asyncio.gather(*(task for task, _ in calls))


async def test_who_sends_slowly_holds_no_place() -> None:
    hall = Hall()
    app = FewAtOnce(hall)
    slow = [
        call(app, "/api/v1/rooms", {"type": "http.request", "body": b"a", "more_body": True})
        for _ in range(AT_ONCE)
    ]
    quick, sent = call(app, "/api/v1/rooms")
    hall.open.set()
    await quick
    assert sent[-1]["body"] == b"done"
    for task, _ in slow:
        task.cancel()
    await asyncio.gather(*(task for task, _ in slow), return_exceptions=True)


async def test_who_reads_slowly_holds_no_place() -> None:
    hall = Hall()
    hall.open.set()
    app = FewAtOnce(hall)
    full = asyncio.Event()

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def stuck(_message: Any) -> None:
        await full.wait()

    scope = {"type": "http", "path": "/api/v1/rooms"}
    slow = [asyncio.ensure_future(app(scope, receive, stuck)) for _ in range(AT_ONCE)]
    await pass_on()
    quick, sent = call(app, "/api/v1/rooms")
    await quick
    assert sent[-1]["body"] == b"done"
    full.set()
    await asyncio.gather(*slow)


async def test_a_body_in_parts_arrives_whole() -> None:
    hall = Hall()
    hall.open.set()
    task, _ = call(
        FewAtOnce(hall),
        "/api/v1/rooms",
        {"type": "http.request", "body": b"one ", "more_body": True},
        {"type": "http.request", "body": b"body"},
    )
    await task
    assert hall.bodies == [b"one body"]


async def test_who_goes_before_the_end_of_the_body_is_forgotten() -> None:
    hall = Hall()
    task, sent = call(FewAtOnce(hall), "/api/v1/rooms", {"type": "http.disconnect"})
    await task
    assert (hall.bodies, sent) == ([], [])
