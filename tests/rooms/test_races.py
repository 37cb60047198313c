"""Several at once, on connections of their own: one wins each epoch, and each place in the order is taken once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from peerchat.errors import ErrorCode, PeerChatError
from peerchat.protocol.http_bodies import CommitAnswer
from peerchat.protocol.signed import Action
from rooms import messages
from rooms.messages import Posted
from rooms.models import Commit, Message
from tests.support.people import Person
from tests.support.rooms import OpenRoom, admit, code_of, settings

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Call all of them at the same moment, each with a connection of its own; return results or refusals."""
    ready = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        try:
            ready.wait(timeout=10)
            return act()
        except PeerChatError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_of_many_commits_for_one_epoch_one_wins(room: OpenRoom, amal: Person, binta: Person) -> None:
    epoch = room.row.epoch
    people = [room.leader, amal, binta]
    bundles = [room.bundle() for _ in people]
    results = at_once(
        *(
            lambda person=person, bundle=bundle: room.commit(bundle, by=person)
            for person, bundle in zip(people, bundles, strict=True)
        )
    )
    assert len([one for one in results if isinstance(one, CommitAnswer)]) == 1
    assert [code_of(one) for one in results].count(ErrorCode.STALE_EPOCH) == 2
    assert room.row.epoch == epoch + 1
    assert Commit.objects.filter(room_id=room.room_id, epoch=epoch).count() == 1


def test_a_commit_sent_twice_at_once_lands_once(room: OpenRoom, amal: Person) -> None:
    bundle = room.bundle()
    first, second = at_once(*[lambda: room.commit(bundle, by=amal)] * 2)
    assert first == second
    assert isinstance(first, CommitAnswer)


def test_messages_of_many_threads_take_each_place_once(room: OpenRoom, amal: Person, binta: Person) -> None:
    before = room.row.last_seq
    batches = [
        [room.pending(person, f"{number}".encode()) for number in range(5)] for person in (amal, binta) * 3
    ]
    results = at_once(*(lambda batch=batch: messages.post_messages(batch) for batch in batches))
    posted = [one for result in results if isinstance(result, list) for one in result]
    assert all(isinstance(one, Posted) for one in posted)
    seqs = sorted(one.seq for one in posted)
    assert seqs == list(range(before + 1, before + 31))
    assert sorted(Message.objects.values_list("seq", flat=True)) == seqs
    assert room.row.last_seq == before + 30


def test_a_message_sent_twice_at_once_is_stored_once(room: OpenRoom, amal: Person) -> None:
    send = room.pending(amal)
    results = at_once(*[lambda: messages.post_messages([send])] * 4)
    seqs = {one.seq for result in results if isinstance(result, list) for one in result}
    assert len(seqs) == 1
    assert Message.objects.count() == 1


def test_two_leaders_entries_at_once_one_is_told_to_follow(room: OpenRoom) -> None:
    lena = room.co_leader("Lena")
    index = room.row.log_index
    entries = [
        (person, room.entry(Action.SETTINGS, settings(seconds), by=person))
        for person, seconds in ((room.leader, 3_600), (lena, 7_200))
    ]
    results = at_once(
        *(lambda who=who, signed=signed: room.send_entry(signed, by=who) for who, signed in entries)
    )
    assert sorted(str(code_of(one)) for one in results) == ["None", "log.stale_head"]
    assert room.row.log_index == index + 1


def test_an_admit_and_a_removal_at_once_leave_one_truth(room: OpenRoom, amal: Person) -> None:
    person = room.newcomer("Cleo")
    room.asks(person)
    entry = room.entry(Action.ADMIT, admit(person))
    results = at_once(lambda: room.send_entry(entry), lambda: room.commit(by=amal), lambda: room.post(amal))
    assert room.row.last_seq == len(messages.items_after(room.row, 0, 200).items)
    assert [isinstance(one, PeerChatError) for one in results[:2]] == [False, False]
