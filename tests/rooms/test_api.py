"""The calls about rooms as a browser makes them: a room from end to end, and asking for what is not one's own."""

from __future__ import annotations

import base64
import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from peerchat import sodium
from peerchat.protocol import http_bodies as bodies
from peerchat.protocol import limits
from peerchat.protocol.http_bodies import CommitBundle, RoomEntryRequest
from peerchat.protocol.signed import Action
from rooms.models import Message
from tests.support.calls import Caller, answer, refused
from tests.support.people import Person, Village
from tests.support.rooms import OpenRoom, admit, create_request, leave, lock, remove
from tests.support.time import HandClock


def send(epoch: int, ciphertext: bytes = b"sealed", message_id: UUID | None = None) -> bodies.SendRequest:
    return bodies.SendRequest(message_id=(message_id or uuid4()).bytes, epoch=epoch, ciphertext=ciphertext)


# --- the whole way ------------------------------------------------------------------------------------


def test_a_room_lives_from_its_opening_to_a_removal_over_http_alone(
    village: Village, leader: Person, clock: HandClock
) -> None:
    lee = Caller(leader)
    request = create_request(leader, name="Tuesday \u2014 \u0623\u0645\u0644")
    created = bodies.RoomEntryAnswer.model_validate(answer(lee.post("rooms", request)))
    assert (created.index, created.seq, created.epoch) == (0, 1, 0)
    (row,) = bodies.RoomsAnswer.model_validate(answer(lee.get("rooms"))).rooms
    assert row.name == "Tuesday \u2014 \u0623\u0645\u0644"
    path = f"rooms/{row.room_id.hex()}"
    room = OpenRoom(village, leader, UUID(bytes=row.room_id))

    person = room.newcomer("Amal")
    amal = Caller(person)
    assert answer(amal.post(f"{path}/join-requests", {"acceptance": None})) == {"done": True}
    (waits,) = bodies.WaitingAnswer.model_validate(answer(lee.get(f"{path}/waiting"))).waiting
    assert (waits.account.account_id, waits.asked_at) == (person.keys.account_id, clock.ms)

    entry = RoomEntryRequest(entry=room.entry(Action.ADMIT, admit(person)), commit=None)
    assert answer(lee.post(f"{path}/log", entry)) == {"index": 1, "seq": 2, "epoch": 0}
    pending = bodies.PendingAnswer.model_validate(answer(lee.get(f"{path}/pending")))
    assert [(one.account_id, one.device_id) for one in pending.adds] == [
        (person.keys.account_id, person.keys.device_id)
    ]
    claimed = bodies.ClaimAnswer.model_validate(
        answer(lee.post(f"{path}/claims", bodies.ClaimRequest(device_ids=[person.keys.device_id])))
    )
    assert [one.device_id for one in claimed.key_packages] == [person.keys.device_id]
    bundle = room.bundle(adds=[person])
    landed = answer(lee.post(f"{path}/commits", bodies.CommitRequest(commit=bundle)))
    assert landed == {"seq": 3, "epoch": 1}

    events = bodies.DeviceItemsAnswer.model_validate(answer(amal.get("device/items?after=0")))
    assert [item.kind for item in events.items] == ["room", "welcome"]
    events = bodies.DeviceItemsAnswer.model_validate(answer(amal.get(f"device/items?after={events.through}")))
    assert events.items == []
    log = bodies.RoomLogAnswer.model_validate(answer(amal.get(f"{path}/log?after=0")))
    assert [one.account_id for one in log.accounts] == sorted(
        [leader.keys.account_id, person.keys.account_id]
    )
    assert len(log.entries) == 2

    message = send(1, b"\x00\xff sealed")
    first = answer(amal.post(f"{path}/messages", message))
    assert answer(amal.post(f"{path}/messages", message)) == first
    assert first == {"seq": 4, "at": clock.ms, "expires_at": clock.ms + 86_400_000}
    items = bodies.ItemsAnswer.model_validate(answer(lee.get(f"{path}/items?after=3&limit=10")))
    (item,) = items.items
    assert item.kind == "message"
    assert (item.ciphertext, items.after, items.through) == (b"\x00\xff sealed", 3, 4)

    gone = RoomEntryRequest(
        entry=room.entry(Action.REMOVE, remove(person)),
        commit=room.bundle(removes=[person], with_entry=True),
    )
    assert answer(lee.post(f"{path}/log", gone)) == {"index": 2, "seq": 5, "epoch": 2}
    assert refused(amal.get(f"{path}/items?after=4")) == (404, "request.not_found")
    assert answer(amal.get("rooms"))["rooms"][0]["standing"] == "removed"


def test_a_join_request_is_taken_back_and_declined_over_http(room: OpenRoom) -> None:
    person = room.newcomer("Amal")
    amal, path = Caller(person), f"rooms/{room.room_id.hex}"
    for _ in range(2):
        assert answer(amal.post(f"{path}/join-requests", {"acceptance": None})) == {"done": True}
    assert answer(amal.post(f"{path}/join-requests/withdraw")) == {"done": True}
    amal.post(f"{path}/join-requests", {"acceptance": None})
    decline = bodies.DeclineRequest(account_id=person.keys.account_id)
    assert answer(Caller(room.leader).post(f"{path}/decline", decline)) == {"done": True}


# --- what is not one's own ------------------------------------------------------------------------------


def calls(room: OpenRoom, person: Person) -> dict[str, tuple[str, Any]]:
    """Every call below a room, as ``person`` would make it rightly."""
    entry = RoomEntryRequest(entry=room.entry(Action.LEAVE, leave(), by=person), commit=None)
    return {
        "join-requests": ("POST", {"acceptance": None}),
        "join-requests/withdraw": ("POST", {}),
        "waiting": ("GET", None),
        "decline": ("POST", bodies.DeclineRequest(account_id=person.keys.account_id)),
        "log?after=0": ("GET", None),
        "log": ("POST", entry),
        "pending": ("GET", None),
        "claims": ("POST", bodies.ClaimRequest(device_ids=[person.keys.device_id])),
        "commits": ("POST", bodies.CommitRequest(commit=room.bundle())),
        "items?after=0&limit=1": ("GET", None),
        "messages": ("POST", send(room.row.epoch)),
    }


def ask(caller: Caller, room_hex: str, rest: str, method: str, body: Any) -> Any:
    path = f"rooms/{room_hex}/{rest}"
    return caller.get(path) if method == "GET" else caller.post(path, body)


def test_someone_elses_room_and_no_room_answer_byte_for_byte_alike(
    room: OpenRoom, amal: Person, village: Village
) -> None:
    stranger = village.join("Stranger")
    caller = Caller(stranger)
    answers = set()
    for rest, (method, body) in calls(room, stranger).items():
        for room_hex in (room.room_id.hex, uuid4().hex):
            response = ask(caller, room_hex, rest, method, body)
            headers = tuple(sorted(response.headers.items()))
            answers.add((response.status_code, bytes(response.content), headers))
    assert len(answers) == 1, answers
    status, content, _ = next(iter(answers))
    assert (status, json.loads(content)["code"]) == (404, "request.not_found")


def test_who_waits_gets_nothing_of_the_room_yet(room: OpenRoom, amal: Person) -> None:
    person = room.newcomer("Binta")
    room.asks(person)
    for rest, (method, body) in calls(room, person).items():
        if not rest.startswith("join-requests"):
            response = ask(Caller(person), room.room_id.hex, rest, method, body)
            assert refused(response) == (404, "request.not_found"), rest


def test_without_a_session_every_call_says_to_sign_in(room: OpenRoom, amal: Person) -> None:
    nobody = Caller()
    for rest, (method, body) in calls(room, amal).items():
        response = ask(nobody, room.room_id.hex, rest, method, body)
        assert refused(response) == (401, "session.signed_out"), rest
    assert refused(nobody.get("rooms")) == (401, "session.signed_out")
    assert refused(nobody.get("device/items?after=0")) == (401, "session.signed_out")
    assert refused(nobody.post("rooms", create_request(room.leader))) == (401, "session.signed_out")


def test_a_members_calls_for_leaders_are_refused_as_powers(room: OpenRoom, amal: Person) -> None:
    caller, path = Caller(amal), f"rooms/{room.room_id.hex}"
    assert refused(caller.get(f"{path}/waiting")) == (403, "log.no_power")
    entry = RoomEntryRequest(entry=room.entry(Action.LOCK, lock(True), by=amal), commit=None)
    assert refused(caller.post(f"{path}/log", entry)) == (403, "log.no_power")


# --- bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "after=-1",
        "after=x",
        "after=NaN",
        "after=1.5",
        "after=9007199254740992",
        "after=",
        "after=0&limit=0",
        "after=0&limit=201",
        "after=%00",
    ],
)
def test_a_query_that_is_no_number_in_bounds_is_malformed(room: OpenRoom, amal: Person, query: str) -> None:
    response = Caller(amal).get(f"rooms/{room.room_id.hex}/items?{query}")
    assert refused(response) == (400, "request.malformed")


@pytest.mark.parametrize("spelling", ["upper", "dashes", "short", "not hex"])
def test_an_id_has_one_spelling(room: OpenRoom, amal: Person, spelling: str) -> None:
    text = {
        "upper": room.room_id.hex.upper(),
        "dashes": str(room.room_id),
        "short": room.room_id.hex[:-1],
        "not hex": "g" * 32,
    }[spelling]
    assert refused(Caller(amal).get(f"rooms/{text}/items")) == (400, "request.malformed")


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"epoch": -1},
        {"epoch": 1.0},
        {"epoch": "1"},
        {"epoch": True},
        {"epoch": None},
        {"epoch": 2**53},
        {"ciphertext": ""},
        {"ciphertext": "not base64!"},
        {"ciphertext": base64.b64encode(bytes(limits.CIPHERTEXT_MAX_BYTES + 1)).decode()},
        {"message_id": "AA=="},
        {"message_id": None},
    ],
)
def test_a_message_of_the_wrong_shape_is_malformed_and_stored_nowhere(
    room: OpenRoom, amal: Person, change: dict[str, Any]
) -> None:
    body = {**send(room.row.epoch).model_dump(mode="json"), **change}
    response = Caller(amal).post(f"rooms/{room.room_id.hex}/messages", body)
    assert refused(response) == (400, "request.malformed")
    assert not Message.objects.filter(room_id=room.room_id).exists()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"epoch": NaN}',
        b'{"a": "\\ud800"}',
        b'{"epoch":1,"epoch":2}',
        b"\xff",
        b"{" * 5000,
    ],
)
def test_a_body_that_is_no_good_json_is_malformed(room: OpenRoom, amal: Person, body: bytes) -> None:
    response = Caller(amal).post(f"rooms/{room.room_id.hex}/messages", body)
    assert refused(response) == (400, "request.malformed")


@pytest.mark.parametrize(
    "name", ["", " ", "x" * 61, "a\nb", "nul\x00", "\u202eright to left", "\ud800", " outer ", "a\u0301"]
)
def test_a_room_name_that_cannot_be_shown_is_refused(leader: Person, name: str) -> None:
    body = {**create_request(leader).model_dump(mode="json"), "name": name}
    content = json.dumps(body).encode()
    assert refused(Caller(leader).post("rooms", content)) == (400, "request.malformed")
    assert answer(Caller(leader).get("rooms")) == {"rooms": []}


def test_the_largest_message_is_taken(room: OpenRoom, amal: Person) -> None:
    ciphertext = sodium.random_bytes(limits.CIPHERTEXT_MAX_BYTES)
    response = Caller(amal).post(f"rooms/{room.room_id.hex}/messages", send(room.row.epoch, ciphertext))
    assert response.status_code == 200
    assert room.read() == [ciphertext]


def test_refusals_carry_what_a_client_needs_to_recover(room: OpenRoom, amal: Person) -> None:
    caller, path = Caller(amal), f"rooms/{room.room_id.hex}"
    response = caller.post(f"{path}/messages", send(0))
    assert (refused(response), answer(response)["details"]) == ((409, "room.stale_epoch"), {"epoch": 1})
    bundle: CommitBundle = room.bundle(epoch=0)
    response = caller.post(f"{path}/commits", bodies.CommitRequest(commit=bundle))
    assert (refused(response), answer(response)["details"]) == ((409, "room.stale_epoch"), {"epoch": 1})


def test_a_flood_over_http_is_slowed_and_told_when_to_come_back(room: OpenRoom, amal: Person) -> None:
    caller, path = Caller(amal), f"rooms/{room.room_id.hex}/messages"
    message = send(room.row.epoch)
    statuses = [caller.post(path, message).status_code for _ in range(120)]
    assert set(statuses) == {200}
    response = caller.post(path, message)
    assert refused(response) == (429, "request.rate_limited")
    assert answer(response)["details"]["wait_ms"] > 0
