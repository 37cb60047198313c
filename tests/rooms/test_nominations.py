"""Who is asked to carry out what is pending."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerchat.clock import now_ms
from peerchat.protocol import limits
from rooms.models import GroupLeaf
from rooms.nominations import (
    PACE_MS,
    Candidate,
    Nomination,
    Nominator,
    choose,
    nominate,
    rooms_with_pending,
)
from rooms.readers import Readers
from tests.support.people import Person
from tests.support.rooms import OpenRoom
from tests.support.time import HandClock

candidates = st.lists(
    st.builds(Candidate, device_id=st.integers(0, 9).map(lambda n: UUID(int=n)), speaking=st.booleans()),
    unique_by=lambda one: one.device_id,
    max_size=8,
)


def test_nobody_is_chosen_of_nobody() -> None:
    assert choose([], tried=[]) is None


def test_who_speaks_is_asked_before_who_listens() -> None:
    listens, speaks = Candidate(UUID(int=1), False), Candidate(UUID(int=2), True)
    assert choose([listens, speaks], tried=[]) == speaks.device_id
    assert choose([listens, speaks], tried=[speaks.device_id]) == listens.device_id


def test_who_was_just_added_is_asked_last_but_before_anyone_is_asked_twice() -> None:
    new, old = Candidate(UUID(int=1), True, settled=False), Candidate(UUID(int=2), False)
    assert choose([new, old], tried=[]) == old.device_id
    assert choose([new, old], tried=[old.device_id]) == new.device_id


@given(candidates)
def test_everyone_is_asked_once_before_anyone_is_asked_again(people: list[Candidate]) -> None:
    tried: list[UUID] = []
    for _ in range(2 * len(people)):
        chosen = choose(people, tried=tried)
        assert chosen is not None
        tried.append(chosen)
    assert sorted(tried[: len(people)]) == sorted(one.device_id for one in people)
    assert tried[: len(people)] == tried[len(people) :]


# --- in the database --------------------------------------------------------------------------------


def knock(room: OpenRoom, name: str = "Newcomer") -> Person:
    """Let somebody be admitted and wait for a commit."""
    person = room.newcomer(name)
    room.asks(person)
    room.admits(person)
    return person


def ask(
    room: OpenRoom, *online: Person, asked: tuple[Nomination, ...] = (), speaking: tuple[Person, ...] = ()
) -> Nomination | None:
    devices = {person.device_id: person in speaking for person in online}
    return nominate(room_id=room.room_id, online=devices, asked=asked)


def test_nobody_is_asked_when_nothing_is_pending(room: OpenRoom, amal: Person) -> None:
    assert rooms_with_pending([room.room_id]) == set()
    assert ask(room, amal) is None


def test_one_who_is_online_and_in_the_group_is_asked_for_five_seconds(
    room: OpenRoom, amal: Person, clock: HandClock
) -> None:
    knock(room)
    assert rooms_with_pending([room.room_id, uuid4()]) == {room.room_id}
    nomination = ask(room, amal)
    assert nomination == Nomination(
        room_id=room.room_id,
        device_id=amal.device_id,
        epoch=room.row.epoch,
        until=clock.ms + limits.COMMIT_NOMINATION_MS,
    )
    assert room.row.nominee_id == amal.device_id


def test_who_waits_to_be_added_is_never_asked(room: OpenRoom, amal: Person) -> None:
    newcomer = knock(room)
    assert ask(room, newcomer) is None
    nomination = ask(room, newcomer, amal)
    assert nomination is not None
    assert nomination.device_id == amal.device_id


def test_who_is_to_be_removed_is_never_asked(room: OpenRoom, amal: Person, binta: Person) -> None:
    knock(room)
    GroupLeaf.objects.filter(device_id=amal.device_id).update(state="pending_remove")
    assert ask(room, amal) is None
    nomination = ask(room, amal, binta, speaking=(amal,))
    assert nomination is not None
    assert nomination.device_id == binta.device_id


def test_a_nomination_that_still_runs_stays(room: OpenRoom, amal: Person, binta: Person) -> None:
    knock(room)
    first = ask(room, amal, binta)
    assert first is not None
    assert ask(room, amal, binta, asked=(first,)) == first


def test_the_next_is_asked_when_the_time_is_over(
    room: OpenRoom, amal: Person, binta: Person, clock: HandClock
) -> None:
    knock(room)
    first = ask(room, amal, binta)
    assert first is not None
    clock.forward(milliseconds=limits.COMMIT_NOMINATION_MS)
    second = ask(room, amal, binta, asked=(first,))
    assert second is not None
    assert {first.device_id, second.device_id} == {amal.device_id, binta.device_id}


def test_the_next_is_asked_at_once_when_the_one_has_gone(room: OpenRoom, amal: Person, binta: Person) -> None:
    knock(room)
    first = ask(room, amal)
    assert first is not None
    second = ask(room, binta, asked=(first,))
    assert second is not None
    assert second.device_id == binta.device_id


def test_after_a_commit_what_is_still_pending_is_asked_for_anew(room: OpenRoom, amal: Person) -> None:
    one = knock(room, "One")
    first = ask(room, amal)
    assert first is not None
    two = knock(room, "Two")
    room.commit(adds=[one])
    second = ask(room, amal, asked=(first,))
    assert second is not None
    assert second.epoch == first.epoch + 1
    room.commit(adds=[two])
    assert ask(room, amal, asked=(first, second)) is None


def test_another_process_is_left_its_time(
    room: OpenRoom, amal: Person, binta: Person, clock: HandClock
) -> None:
    knock(room)
    elsewhere = ask(room, amal)
    assert elsewhere is not None
    assert ask(room, binta) is None
    clock.forward(milliseconds=limits.COMMIT_NOMINATION_MS)
    assert ask(room, binta) is not None


def test_a_newcomer_who_still_takes_the_welcome_in_is_not_asked_first(
    room: OpenRoom, amal: Person, binta: Person
) -> None:
    knock(room)
    GroupLeaf.objects.filter(device_id=amal.device_id).update(first_path_due=True)
    GroupLeaf.objects.filter(device_id=binta.device_id).update(first_path_due=False)
    nomination = ask(room, amal, binta, speaking=(amal,))
    assert nomination is not None
    assert nomination.device_id == binta.device_id


def test_who_waits_for_a_turn_gets_it_in_the_order_of_asking(
    room: OpenRoom, amal: Person, binta: Person
) -> None:
    first = nominate(
        room_id=room.room_id,
        online={amal.device_id: False, binta.device_id: True},
        asked=(),
        wishing=[amal.device_id, binta.device_id],
    )
    assert first is not None
    assert first.device_id == amal.device_id


def test_a_turn_is_nobodys_who_is_offline_or_not_in_the_group(
    room: OpenRoom, amal: Person, binta: Person
) -> None:
    newcomer = knock(room)
    online = {newcomer.device_id: True, amal.device_id: False}
    wishing = [binta.device_id, newcomer.device_id]
    assert nominate(room_id=room.room_id, online=online, asked=(), wishing=wishing) is None


def test_a_commit_ends_the_nomination_for_every_process(room: OpenRoom, amal: Person, binta: Person) -> None:
    newcomer = knock(room)
    assert ask(room, amal) is not None
    room.commit(adds=[newcomer])
    # Another process knows of no nomination of its own, and need not wait.
    elsewhere = nominate(
        room_id=room.room_id, online={binta.device_id: False}, asked=(), wishing=[binta.device_id]
    )
    assert elsewhere is not None
    assert elsewhere.device_id == binta.device_id


# --- over time ----------------------------------------------------------------------------------------


class FakeReaders(Readers):
    """Answers as a database would in which ``pending`` rooms wait."""

    def __init__(self) -> None:
        self.pending: set[UUID] = set()
        self.epoch = 0

    async def run(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        if function is rooms_with_pending:
            return self.pending & set(args[0])
        asked = kwargs["asked"]
        last = asked[-1] if asked else None
        online: Mapping[UUID, bool] = kwargs["online"]
        if last and last.until > now_ms() and last.epoch == self.epoch and last.device_id in online:
            return last
        if kwargs["wishing"] is not None:
            chosen = next((device for device in kwargs["wishing"] if device in online), None)
            until = now_ms() + limits.COMMIT_NOMINATION_MS
            return chosen and Nomination(kwargs["room_id"], chosen, self.epoch, until)
        tried = [one.device_id for one in asked if one.epoch == self.epoch]
        chosen = choose([Candidate(device, speaks) for device, speaks in online.items()], tried=tried)
        assert chosen is not None
        until = now_ms() + limits.COMMIT_NOMINATION_MS
        return Nomination(kwargs["room_id"], chosen, self.epoch, until)


ROOM = uuid4()
PHONE, LAPTOP = UUID(int=1), UUID(int=2)


class Scene:
    def __init__(self) -> None:
        self.readers = FakeReaders()
        self.online: dict[UUID, bool] = {PHONE: True, LAPTOP: False}
        self.told: list[UUID] = []
        self.nominator = Nominator(
            readers=self.readers,
            online=lambda room_id: self.online,
            tell=lambda nomination: self.told.append(nomination.device_id),
        )

    async def pass_on(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def ticks(self, clock: HandClock, seconds: int) -> None:
        for _ in range(seconds):
            clock.forward(seconds=1)
            self.nominator.tick()
            await self.pass_on()


@pytest.fixture
async def scene() -> Scene:
    return Scene()


async def test_each_is_told_once_and_the_next_after_five_seconds(scene: Scene, clock: HandClock) -> None:
    scene.readers.pending = {ROOM}
    scene.nominator.look_at([ROOM])
    await scene.pass_on()
    await scene.ticks(clock, 4)
    assert scene.told == [PHONE]
    await scene.ticks(clock, 2)
    assert scene.told == [PHONE, LAPTOP]


async def test_the_last_word_of_a_room_where_nothing_waits_is_not_taken_for_anothers(
    scene: Scene, clock: HandClock
) -> None:
    scene.readers.pending = {ROOM}
    scene.nominator.look_at([ROOM])
    await scene.pass_on()
    scene.readers.pending, scene.readers.epoch = set(), 1
    scene.nominator.look_at([ROOM])
    await scene.pass_on()
    clock.forward(milliseconds=PACE_MS)
    scene.readers.pending = {ROOM}
    scene.nominator.look_at([ROOM])
    await scene.pass_on()
    assert scene.told == [PHONE, PHONE]


async def test_a_crowd_is_paced_to_one_commit_a_second(scene: Scene, clock: HandClock) -> None:
    scene.readers.pending = {ROOM}
    for epoch in range(20):
        scene.readers.epoch = epoch
        scene.nominator.look_at([ROOM])
        await scene.pass_on()
        clock.forward(milliseconds=100)
        if epoch % 10 == 9:
            scene.nominator.tick()
            await scene.pass_on()
    assert len(scene.told) == 3


async def test_who_goes_offline_is_replaced_with_the_next_tick(scene: Scene, clock: HandClock) -> None:
    scene.readers.pending = {ROOM}
    scene.nominator.look_at([ROOM])
    await scene.pass_on()
    del scene.online[PHONE]
    await scene.ticks(clock, 1)
    assert scene.told == [PHONE, LAPTOP]


async def test_a_room_without_anyone_is_asked_about_once_someone_comes(
    scene: Scene, clock: HandClock
) -> None:
    scene.readers.pending, scene.online = {ROOM}, {}
    scene.nominator.look_at([ROOM])
    await scene.ticks(clock, 3)
    assert scene.told == []
    scene.online = {LAPTOP: False}
    await scene.ticks(clock, 1)
    assert scene.told == [LAPTOP]


def wish(scene: Scene, device: UUID, *, urgent: bool = False) -> int:
    return scene.nominator.wish(room_id=ROOM, device_id=device, urgent=urgent)


async def test_turns_come_one_after_the_other(scene: Scene, clock: HandClock) -> None:
    assert wish(scene, LAPTOP) == clock.ms + 2 * limits.TURN_RENEW_MS
    wish(scene, PHONE)
    await scene.pass_on()
    assert scene.told == [LAPTOP]
    # Its commit lands: the next is asked at once, and nobody twice.
    for epoch in (1, 2):
        scene.readers.epoch = epoch
        scene.nominator.look_at([ROOM])
        await scene.pass_on()
    assert scene.told == [LAPTOP, PHONE]


async def test_whose_person_waits_to_speak_goes_first(scene: Scene, clock: HandClock) -> None:
    tablet = UUID(int=3)
    scene.online[tablet] = False
    wish(scene, LAPTOP)
    wish(scene, PHONE)
    wish(scene, tablet, urgent=True)
    await scene.pass_on()
    assert scene.told == [tablet]


async def test_newcomers_go_before_turns_that_are_not_urgent(scene: Scene, clock: HandClock) -> None:
    scene.readers.pending = {ROOM}
    scene.nominator.look_at([ROOM])
    await scene.pass_on()
    scene.readers.epoch = 1
    wish(scene, LAPTOP)
    await scene.pass_on()
    assert scene.told == [PHONE]
    wish(scene, LAPTOP, urgent=True)
    await scene.pass_on()
    assert scene.told == [PHONE, LAPTOP]


async def test_who_takes_no_turn_holds_the_others_up_for_five_seconds(scene: Scene, clock: HandClock) -> None:
    wish(scene, LAPTOP)
    wish(scene, PHONE)
    await scene.ticks(clock, 4)
    assert scene.told == [LAPTOP]
    await scene.ticks(clock, 2)
    assert scene.told == [LAPTOP, PHONE]


async def test_a_wish_that_is_not_repeated_is_forgotten(scene: Scene, clock: HandClock) -> None:
    online, scene.online = scene.online, {}
    wish(scene, PHONE)
    await scene.pass_on()
    clock.forward(milliseconds=2 * limits.TURN_RENEW_MS)
    scene.online = online
    await scene.ticks(clock, 2)
    assert scene.told == []
