"""Messages: stored once, in one order, for members alone, and gone when they said they would be."""

from __future__ import annotations

import random
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from peerchat import sodium
from peerchat.accounts.models import Device
from peerchat.clock import now, to_ms
from peerchat.errors import ErrorCode
from peerchat.protocol import limits
from peerchat.protocol.codec import encode_frame
from peerchat.protocol.server_frames import Items
from peerchat.protocol.signed import Action, Role
from rooms import messages
from rooms.messages import Posted
from rooms.models import Message
from tests.support.people import Person, Village
from tests.support.rooms import OpenRoom, code_of, leave, lock, settings
from tests.support.time import HandClock


def pull_all(room: OpenRoom, *, limit: int = 200) -> tuple[list[Items], list[int]]:
    """Pull from the beginning to the end; return the answers and the seqs."""
    answers: list[Items] = []
    after = 0
    while after < room.row.last_seq:
        answers.append(messages.items_after(room.row, after, limit))
        assert answers[-1].after == after
        assert answers[-1].through > after
        after = answers[-1].through
    return answers, [item.seq for answer in answers for item in answer.items]


# --- storing ------------------------------------------------------------------------------------------


def test_what_was_sent_is_read_by_everyone_in_one_order(room: OpenRoom, amal: Person, binta: Person) -> None:
    said = [room.says(person, f"{n}".encode()) for n, person in enumerate([amal, binta, room.leader, amal])]
    assert [one.seq for one in said] == list(range(said[0].seq, said[0].seq + 4))
    assert room.read() == [b"0", b"1", b"2", b"3"]


def test_a_batch_is_answered_item_by_item(room: OpenRoom, amal: Person, village: Village) -> None:
    stranger = village.join("Stranger")
    batch = [
        room.pending(amal, b"one"),
        room.pending(stranger, b"two"),
        room.pending(amal, b"three", epoch=0),
        room.pending(amal, b"four"),
    ]
    results = messages.post_messages(batch)
    assert [code_of(one) for one in results] == [None, ErrorCode.NOT_FOUND, ErrorCode.STALE_EPOCH, None]
    assert room.read() == [b"one", b"four"]


def test_a_batch_for_several_rooms_keeps_each_rooms_order(
    room: OpenRoom, amal: Person, other_room: OpenRoom
) -> None:
    before = room.row.last_seq, other_room.row.last_seq
    batch = [room.pending(amal, b"a"), other_room.pending(other_room.leader, b"b"), room.pending(amal, b"c")]
    random.Random(1).shuffle(batch)
    results = messages.post_messages(batch)
    assert all(isinstance(one, Posted) for one in results)
    assert (room.row.last_seq, other_room.row.last_seq) == (before[0] + 2, before[1] + 1)
    assert other_room.read() == [b"b"]


def test_the_same_message_again_returns_its_seq_and_stores_nothing(room: OpenRoom, amal: Person) -> None:
    send = room.pending(amal, b"once")
    first = messages.post_messages([send, send])
    again = messages.post_messages([send])
    seqs = {one.seq for one in (*first, *again) if isinstance(one, Posted)}
    assert len(seqs) == 1
    assert [one.fresh for one in (*first, *again) if isinstance(one, Posted)] == [True, False, False]
    assert room.read() == [b"once"]


def test_a_retry_that_was_encrypted_again_returns_the_first(room: OpenRoom, amal: Person) -> None:
    first = room.pending(amal, b"first")
    messages.post_messages([first])
    room.commit(by=amal)
    retry = room.pending(amal, b"second", message_id=first.message_id)
    (result,) = messages.post_messages([retry])
    assert isinstance(result, Posted)
    assert not result.fresh
    assert room.read() == [b"first"]


def test_a_retry_is_answered_even_after_a_mute(room: OpenRoom, amal: Person) -> None:
    send = room.pending(amal)
    (first,) = messages.post_messages([send])
    room.mute(amal)
    (again,) = messages.post_messages([send])
    assert isinstance(first, Posted)
    assert isinstance(again, Posted)
    assert again.seq == first.seq


def test_two_devices_may_use_one_message_id(room: OpenRoom, amal: Person, binta: Person) -> None:
    message_id = uuid4()
    assert code_of(room.post(amal, message_id=message_id)) is None
    assert code_of(room.post(binta, message_id=message_id)) is None


def test_an_id_that_stands_in_another_room_is_refused(room: OpenRoom, village: Village) -> None:
    second = OpenRoom.open(village, room.leader)
    message_id = uuid4()
    room.post(room.leader, message_id=message_id)
    assert code_of(second.post(room.leader, message_id=message_id)) is ErrorCode.ID_REUSED
    results = messages.post_messages(
        [
            room.pending(room.leader, message_id=(twice := uuid4())),
            second.pending(room.leader, message_id=twice),
        ]
    )
    assert [code_of(one) for one in results] == [None, ErrorCode.ID_REUSED]


def test_an_id_that_two_processes_stored_at_once_is_seen_at_the_second_look(
    room: OpenRoom, village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = OpenRoom.open(village, room.leader)
    message_id = uuid4()
    post, tries = messages._post, []

    def lose_the_race_once(batch: list[messages.PendingSend]) -> object:
        tries.append(len(batch))
        if len(tries) == 1:
            post([second.pending(room.leader, message_id=message_id)])
            raise IntegrityError
        return post(batch)

    monkeypatch.setattr(messages, "_post", lose_the_race_once)
    assert code_of(room.post(room.leader, message_id=message_id)) is ErrorCode.ID_REUSED
    assert len(tries) == 2


def test_the_database_itself_refuses_doubles(room: OpenRoom, amal: Person) -> None:
    room.says(amal)
    row = Message.objects.get(room_id=room.room_id)
    for change in ({"message_id": uuid4()}, {"seq": row.seq + 1}):
        copy = Message.objects.get(id=row.id)
        copy.pk = None
        for name, value in change.items():
            setattr(copy, name, value)
        with pytest.raises(IntegrityError), transaction.atomic():
            copy.save(force_insert=True)


# --- who may ------------------------------------------------------------------------------------------


def test_a_message_for_another_epoch_is_refused_with_the_right_one(room: OpenRoom, amal: Person) -> None:
    epoch = room.row.epoch
    for wrong in (epoch - 1, epoch + 1):
        result = room.post(amal, epoch=wrong)
        assert code_of(result) is ErrorCode.STALE_EPOCH
        assert getattr(result, "details", None) == {"epoch": epoch}


def test_a_member_who_is_not_in_the_group_yet_cannot_send(room: OpenRoom) -> None:
    person = room.newcomer("Amal")
    room.asks(person)
    assert code_of(room.post(person)) is ErrorCode.NOT_FOUND
    room.admits(person)
    assert code_of(room.post(person)) is ErrorCode.STALE_EPOCH


def test_a_muted_person_is_refused_until_unmuted(room: OpenRoom, amal: Person, binta: Person) -> None:
    room.mute(amal)
    assert code_of(room.post(amal)) is ErrorCode.MUTED
    assert code_of(room.post(binta)) is None
    room.mute(amal, False)
    assert code_of(room.post(amal)) is None


def test_in_a_locked_room_only_leaders_write(room: OpenRoom, amal: Person, village: Village) -> None:
    lena = room.co_leader("Lena")
    room.append(Action.LOCK, lock(True))
    assert code_of(room.post(amal)) is ErrorCode.ROOM_LOCKED
    assert [code_of(room.post(one)) for one in (room.leader, lena)] == [None, None]
    village.revoke(lena, Role.LEADER)
    assert code_of(room.post(lena)) is ErrorCode.ROOM_LOCKED
    room.append(Action.LOCK, lock(False))
    assert code_of(room.post(amal)) is None


def test_who_left_was_removed_or_whose_device_was_revoked_cannot_send(
    room: OpenRoom, amal: Person, binta: Person
) -> None:
    cleo = room.member("Cleo")
    room.append(Action.LEAVE, leave(), by=amal)
    room.remove(binta)
    Device.objects.filter(id=cleo.device_id).update(revoked_at=now())
    assert {code_of(room.post(one)) for one in (amal, binta, cleo)} == {ErrorCode.NOT_FOUND}


def test_a_room_that_is_not_there_and_one_that_is_not_yours_answer_alike(
    room: OpenRoom, other_room: OpenRoom, amal: Person
) -> None:
    nowhere = messages.PendingSend(amal.device_id, uuid4(), uuid4(), 0, b"x")
    elsewhere = messages.PendingSend(amal.device_id, other_room.room_id, uuid4(), 0, b"x")
    no_device = messages.PendingSend(uuid4(), room.room_id, uuid4(), 1, b"x")
    results = messages.post_messages([nowhere, elsewhere, no_device])
    assert len({(code_of(one), str(one), getattr(one, "details", {}).__repr__()) for one in results}) == 1


# --- reading ------------------------------------------------------------------------------------------


def test_messages_commits_and_entries_come_in_one_order_without_gaps(room: OpenRoom, amal: Person) -> None:
    room.says(amal, b"one")
    room.append(Action.SETTINGS, settings(7_200))
    room.mute(amal)
    room.says(room.leader, b"two")
    (answer,), seqs = pull_all(room)
    assert seqs == list(range(1, room.row.last_seq + 1))
    assert [item.kind for item in answer.items[-5:]] == ["message", "entry", "entry", "commit", "message"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_a_pull_in_small_steps_finds_the_same(room: OpenRoom, amal: Person, limit: int) -> None:
    for number in range(10):
        room.says(amal, bytes([number]))
        if number % 4 == 0:
            room.append(Action.SETTINGS, settings(3_600 + number))
    _, whole = pull_all(room)
    answers, stepwise = pull_all(room, limit=limit)
    assert stepwise == whole
    assert max(len(answer.items) for answer in answers) <= limit


def test_an_answer_fits_one_frame_whatever_is_in_it(room: OpenRoom, amal: Person) -> None:
    for _ in range(8):
        room.says(amal, sodium.random_bytes(limits.CIPHERTEXT_MAX_BYTES))
    room.commit(room.bundle(commit=sodium.random_bytes(limits.COMMIT_MAX_BYTES)), by=amal)
    answers, seqs = pull_all(room)
    assert seqs == list(range(1, room.row.last_seq + 1))
    assert len(answers) > 3
    assert max(len(encode_frame(answer)) for answer in answers) <= limits.FRAME_MAX_BYTES


def test_many_small_ones_fit_one_frame_too(room: OpenRoom, amal: Person) -> None:
    messages.post_messages([room.pending(amal, b"x") for _ in range(300)])
    answers, seqs = pull_all(room)
    assert len(seqs) == room.row.last_seq
    assert max(len(encode_frame(answer)) for answer in answers) <= limits.FRAME_MAX_BYTES
    assert max(len(answer.items) for answer in answers) <= limits.PULL_MAX_ITEMS


def test_a_pull_past_the_end_gives_nothing(room: OpenRoom) -> None:
    last = room.row.last_seq
    for after in (last, last + 5, 2**53 - 1):
        answer = messages.items_after(room.row, after, 200)
        assert (answer.items, answer.through) == ([], last)


def test_what_lands_while_a_pull_reads_is_left_for_the_next(room: OpenRoom, amal: Person) -> None:
    room.says(amal, b"before")
    as_it_was = room.row
    room.says(amal, b"after")
    answer = messages.items_after(as_it_was, 0, 200)
    assert answer.through == as_it_was.last_seq
    assert b"after" not in [item.ciphertext for item in answer.items if item.kind == "message"]
    rest = messages.items_after(room.row, answer.through, 200)
    assert [item.ciphertext for item in rest.items if item.kind == "message"] == [b"after"]


# --- expiry -------------------------------------------------------------------------------------------


def test_a_message_is_hidden_the_moment_it_expires_and_is_no_gap(
    room: OpenRoom, amal: Person, clock: HandClock
) -> None:
    room.append(Action.SETTINGS, settings(3_600))
    said = room.says(amal, b"soon gone")
    assert said.expires_at - said.at == 3_600_000
    clock.forward(milliseconds=3_599_999)
    assert room.read() == [b"soon gone"]
    clock.forward(milliseconds=1)
    assert room.read() == []
    assert messages.items_after(room.row, said.seq - 1, 200).through == said.seq


def test_a_new_setting_is_for_new_messages_alone(room: OpenRoom, amal: Person, clock: HandClock) -> None:
    long = room.says(amal, b"a day")
    room.append(Action.SETTINGS, settings(3_600))
    short = room.says(amal, b"an hour")
    assert (long.expires_at - long.at, short.expires_at - short.at) == (86_400_000, 3_600_000)
    clock.forward(hours=2)
    assert room.read() == [b"a day"]


def test_a_retry_after_it_expired_brings_it_not_back(room: OpenRoom, amal: Person, clock: HandClock) -> None:
    send = room.pending(amal, b"old")
    (first,) = messages.post_messages([send])
    clock.forward(hours=25)
    (again,) = messages.post_messages([send])
    assert isinstance(first, Posted)
    assert isinstance(again, Posted)
    assert again.seq == first.seq
    assert room.read() == []


def test_the_filter_and_the_answer_agree_about_time(room: OpenRoom, amal: Person) -> None:
    said = room.says(amal)
    row = Message.objects.get(seq=said.seq, room_id=room.room_id)
    assert to_ms(row.expires_at) == said.expires_at
    assert Message.objects.live(row.expires_at).count() == 0
    assert Message.objects.live(row.expires_at - timedelta(milliseconds=1)).count() == 1
