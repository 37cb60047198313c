"""A device's own events: each once, in order, until it says that it has them."""

from __future__ import annotations

from uuid import uuid4

from peerchat import sodium
from peerchat.protocol import limits
from peerchat.protocol.codec import encode_frame
from rooms import device_events
from rooms.models import DeviceEvent
from tests.support.people import Person
from tests.support.rooms import OpenRoom


def test_events_come_in_order_and_stay_until_they_are_dropped(room: OpenRoom, amal: Person) -> None:
    first = device_events.events_after(amal.device_id, 0)
    assert [item.seq for item in first.items] == [1, 2]
    assert (first.after, first.through, first.pushed) == (0, 2, False)
    assert device_events.events_after(amal.device_id, 0) == first
    device_events.drop_through(amal.device_id, 1)
    rest = device_events.events_after(amal.device_id, 1)
    assert [item.seq for item in rest.items] == [2]


def test_a_seq_is_never_used_again(room: OpenRoom, amal: Person) -> None:
    device_events.drop_through(amal.device_id, 2**53 - 1)
    assert not DeviceEvent.objects.filter(device_id=amal.device_id).exists()
    device_events.tell(device_ids=[amal.device_id], room_id=room.room_id, what="waiting")
    (item,) = device_events.events_after(amal.device_id, 0).items
    assert item.seq == 3
    assert device_events.last_seq_of(amal.device_id) == 3


def test_dropping_is_for_ones_own_events(room: OpenRoom, amal: Person, binta: Person) -> None:
    device_events.drop_through(binta.device_id, 99)
    assert len(device_events.events_after(amal.device_id, 0).items) == 2


def test_a_device_that_never_had_an_event_has_none(room: OpenRoom) -> None:
    answer = device_events.events_after(uuid4(), 0)
    assert (answer.items, answer.through) == ([], 0)


def test_several_large_welcomes_are_told_in_several_answers(room: OpenRoom, amal: Person) -> None:
    for _ in range(3):
        device_events.welcome(
            device_ids=[amal.device_id],
            room_id=room.room_id,
            room_seq=1,
            epoch=1,
            payload=sodium.random_bytes(limits.WELCOME_MAX_BYTES),
        )
    after, seen = 0, []
    while after < 5:
        answer = device_events.events_after(amal.device_id, after)
        assert len(encode_frame(answer)) <= limits.FRAME_MAX_BYTES
        seen += [item.seq for item in answer.items]
        assert answer.through > after
        after = answer.through
    assert seen == [1, 2, 3, 4, 5]
