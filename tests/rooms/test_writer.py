"""Natural group commit: what arrived during the last commit goes with the next, and nothing is acknowledged before."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, OperationalError

from peerchat.errors import ErrorCode, PeerChatError
from rooms import announce
from rooms.hints import Hint
from rooms.messages import PendingSend, Posted
from rooms.writer import TRIES, Committed, Outcome, Post, Writer

ROOM = uuid4()


def message(number: int = 0) -> PendingSend:
    return PendingSend(
        device_id=UUID(int=1),
        room_id=ROOM,
        message_id=UUID(int=number),
        epoch=0,
        ciphertext=b"x",
    )


def posted(send: PendingSend, seq: int = 1) -> Posted:
    return Posted(room_id=send.room_id, message_id=send.message_id, seq=seq, at=0, expires_at=1, fresh=True)


def post_all(sends: Sequence[PendingSend]) -> list[Outcome]:
    return [posted(send) for send in sends]


class Gate:
    """A post that waits until the test lets it go on, and remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[UUID]] = []
        self.inside = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)

    def __call__(self, sends: Sequence[PendingSend]) -> list[Outcome]:
        self.batches.append([send.message_id for send in sends])
        self.inside.release()
        assert self.go_on.acquire(timeout=10)
        return post_all(sends)


@asynccontextmanager
async def writing(
    post: Post, *, committed: Callable[[Committed], None] = lambda done: None, capacity: int = 100
) -> AsyncIterator[Writer]:
    writer = Writer(committed=committed, post=post, capacity=capacity)
    writer.start()
    try:
        yield writer
    finally:
        await writer.stop(timeout_seconds=10)


async def answer_to(writer: Writer, send: PendingSend) -> Outcome:
    answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    writer.submit(send, answer.set_result)
    return await answer


async def test_what_arrives_during_a_commit_goes_with_the_next_in_one_batch() -> None:
    gate = Gate()
    answers: list[Outcome] = []
    async with writing(gate) as writer:
        writer.submit(message(1), answers.append)
        assert await asyncio.to_thread(gate.inside.acquire, timeout=10)
        for number in (2, 3, 4):
            writer.submit(message(number), answers.append)
        gate.go_on.release()
        gate.go_on.release()
        await writer.finish()
    assert gate.batches == [[UUID(int=1)], [UUID(int=2), UUID(int=3), UUID(int=4)]]
    assert len(answers) == 4


async def test_nothing_is_answered_before_its_commit() -> None:
    gate = Gate()
    answers: list[Outcome] = []
    async with writing(gate) as writer:
        writer.submit(message(), answers.append)
        assert await asyncio.to_thread(gate.inside.acquire, timeout=10)
        assert answers == []
        gate.go_on.release()
        await writer.finish()
    assert isinstance(answers[0], Posted)


async def test_the_sender_is_answered_before_the_others_are_told() -> None:
    order: list[str] = []
    async with writing(post_all, committed=lambda done: order.append("told")) as writer:
        writer.submit(message(), lambda outcome: order.append("answered"))
        await writer.finish()
    assert order == ["answered", "told"]


async def test_hints_of_a_commit_come_with_it() -> None:
    def post(sends: Sequence[PendingSend]) -> list[Outcome]:
        announce._tell(Hint(rooms={ROOM: 5}))
        return post_all(sends)

    done: list[Committed] = []
    async with writing(post, committed=done.append) as writer:
        await answer_to(writer, message())
    assert done[0].hint.rooms == {ROOM: 5}


async def test_each_message_of_a_batch_has_its_own_result() -> None:
    refusal = PeerChatError(ErrorCode.MUTED, "")

    def post(sends: Sequence[PendingSend]) -> list[Outcome]:
        return [refusal if send.message_id.int == 2 else posted(send) for send in sends]

    done: list[Committed] = []
    async with writing(post, committed=done.append) as writer:
        first, second = await asyncio.gather(answer_to(writer, message(1)), answer_to(writer, message(2)))
    assert isinstance(first, Posted)
    assert second is refusal
    assert [send.message_id.int for commit in done for send, _ in commit.stored] == [1]


async def test_a_full_writer_says_busy_and_keeps_what_it_took() -> None:
    gate = Gate()
    answers: list[Outcome] = []
    async with writing(gate, capacity=2) as writer:
        writer.submit(message(1), answers.append)
        writer.submit(message(2), answers.append)
        with pytest.raises(PeerChatError) as refusal:
            writer.submit(message(3), answers.append)
        assert refusal.value.code is ErrorCode.BUSY
        gate.go_on.release()
        gate.go_on.release()
        await writer.finish()
    assert len(answers) == 2


async def test_a_draining_writer_takes_nothing_new_and_stores_what_it_took() -> None:
    gate = Gate()
    answers: list[Outcome] = []
    async with writing(gate) as writer:
        writer.submit(message(1), answers.append)
        writer.refuse_new()
        with pytest.raises(PeerChatError) as refusal:
            writer.submit(message(2), answers.append)
        assert refusal.value.code is ErrorCode.DRAINING
        gate.go_on.release()
        await writer.finish()
    assert isinstance(answers[0], Posted)


async def test_an_unknown_outcome_is_posted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rooms.writer.PAUSE_SECONDS", 0)
    tries: list[int] = []

    def post(sends: Sequence[PendingSend]) -> list[Outcome]:
        tries.append(len(sends))
        if len(tries) < TRIES:
            raise OperationalError
        return post_all(sends)

    async with writing(post) as writer:
        assert isinstance(await answer_to(writer, message()), Posted)
    assert tries == [1] * TRIES


async def test_a_database_that_stays_away_is_busy_and_never_an_acknowledgement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rooms.writer.PAUSE_SECONDS", 0)

    def post(sends: Sequence[PendingSend]) -> list[Outcome]:
        raise OperationalError

    async with writing(post) as writer:
        outcome = await answer_to(writer, message())
    assert isinstance(outcome, PeerChatError)
    assert outcome.code is ErrorCode.BUSY


@pytest.mark.parametrize("error", [IntegrityError, ValueError, ZeroDivisionError])
async def test_one_poisonous_message_takes_no_other_with_it(error: type[Exception]) -> None:
    gate = Gate()

    def post(sends: Sequence[PendingSend]) -> list[Outcome]:
        if sends[0].message_id.int == 0:
            return gate(sends)
        if any(send.message_id.int == 2 for send in sends):
            raise error
        return post_all(sends)

    async with writing(post) as writer:
        writer.submit(message(0), lambda outcome: None)
        assert await asyncio.to_thread(gate.inside.acquire, timeout=10)
        answers = [asyncio.ensure_future(answer_to(writer, message(number))) for number in (1, 2, 3)]
        await asyncio.sleep(0)
        gate.go_on.release()
        one, two, three = await asyncio.gather(*answers)
    assert isinstance(one, Posted)
    assert isinstance(three, Posted)
    assert isinstance(two, PeerChatError)
    assert two.code is ErrorCode.BROKEN


async def test_a_failing_answer_keeps_no_other_from_its_own() -> None:
    def fail(outcome: Outcome) -> None:
        raise RuntimeError

    gate = Gate()
    answers: list[Outcome] = []
    async with writing(gate) as writer:
        writer.submit(message(1), answers.append)
        assert await asyncio.to_thread(gate.inside.acquire, timeout=10)
        writer.submit(message(2), fail)
        writer.submit(message(3), answers.append)
        gate.go_on.release()
        gate.go_on.release()
        await writer.finish()
    assert len(answers) == 2


async def test_stopping_stores_what_was_taken() -> None:
    answers: list[Outcome] = []
    async with writing(post_all) as writer:
        for number in range(50):
            writer.submit(message(number), answers.append)
    await asyncio.sleep(0)
    assert len(answers) == 50
