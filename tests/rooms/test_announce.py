"""Announcements are heard after the commit, and only then."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import transaction

from rooms import announce
from rooms.hints import Hint

ROOM, DEVICE = uuid4(), uuid4()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_heard_before_the_commit() -> None:
    heard: list[Hint] = []
    with announce.heard_by(heard.append):
        with transaction.atomic():
            announce.room_changed(ROOM, 7)
            announce.device_changed([DEVICE])
            assert heard == []
        assert heard == [Hint(rooms={ROOM: 7}), Hint(devices=frozenset({DEVICE}))]


@pytest.mark.django_db(transaction=True)
def test_what_was_rolled_back_is_never_heard() -> None:
    @transaction.atomic
    def fail() -> None:
        announce.access_ended([DEVICE], ROOM)
        raise RuntimeError

    heard: list[Hint] = []
    with announce.heard_by(heard.append):
        with pytest.raises(RuntimeError):
            fail()
        assert heard == []


@pytest.mark.django_db(transaction=True)
def test_a_listener_that_fails_does_not_fail_what_was_committed() -> None:
    def fail(hint: Hint) -> None:
        raise RuntimeError

    with announce.heard_by(fail), transaction.atomic():
        announce.refetch(None)


@pytest.mark.django_db(transaction=True)
def test_the_writer_collects_the_hints_of_its_own_thread_as_one() -> None:
    heard: list[Hint] = []
    with announce.heard_by(heard.append):
        with announce.collecting() as collected, transaction.atomic():
            announce.room_changed(ROOM, 1)
            announce.room_changed(ROOM, 3)
            announce.session_ended([DEVICE])
        assert heard == []
        assert collected.hint == Hint(rooms={ROOM: 3}, sessions=frozenset({DEVICE}))
        announce.room_changed(ROOM, 4)
    assert heard == [Hint(rooms={ROOM: 4})]


@pytest.mark.django_db(transaction=True)
def test_to_name_nobody_is_to_say_nothing() -> None:
    heard: list[Hint] = []
    with announce.heard_by(heard.append):
        announce.device_changed([])
        announce.access_ended([], ROOM)
        announce.refetch([])
    assert heard == []
