"""The calls of accounts as a browser makes them: cookies, shapes, and who gets what answer."""

import base64
import json
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client, override_settings

from peerchat import config, sodium
from peerchat.accounts import invites
from peerchat.accounts.new_account import new_account, sign_statement
from peerchat.protocol import http_bodies
from peerchat.protocol.http_bodies import SignUpRequest
from peerchat.protocol.signed import InviteRole, Label, SignInStatement
from peerchat.protocol.types import WireModel
from peerchat.signed_log import root_fingerprint
from tests.support.people import Person, Village

WRONG = "request.malformed"


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def post(client: Client, path: str, body: WireModel | dict[str, Any] | None = None) -> Any:
    content = body.model_dump(mode="json") if isinstance(body, WireModel) else body or {}
    return client.post(f"/api/v1/{path}", json.dumps(content), content_type="application/json")


def signed_in(person: Person) -> Client:
    client = Client()
    client.cookies["pc_session"] = person.token
    return client


def read(response: Any) -> Any:
    return json.loads(response.content)


def code(response: Any) -> tuple[int, str]:
    return response.status_code, read(response)["code"]


def newcomer(village: Village, name: str = "Rosa") -> tuple[Person, SignUpRequest]:
    person = Person(name=name, keys=new_account(), root=village.root)
    return person, village.request(person, seed=village.invite())


def test_anyone_sees_the_community_and_can_check_its_log(village: Village) -> None:
    village.join("Lee", role=InviteRole.LEADER)
    about = read(Client().get("/api/v1/community"))
    assert base64.b64decode(about["root"]) == village.root
    assert about["demo"] is True
    log = http_bodies.LogAnswer.model_validate(read(Client().get("/api/v1/community/log?after=0")))
    assert len(log.entries) == 3
    assert len(log.accounts) == 2
    assert [account.profile for account in log.accounts] == [None, None]
    later = read(Client().get("/api/v1/community/log?after=2"))
    assert len(later["entries"]) == 1
    assert len(later["accounts"]) == 2


def test_a_newcomer_signs_up_and_is_signed_in(village: Village) -> None:
    person, request = newcomer(village)
    client = Client()
    response = post(client, "sign-up", request)
    assert response.status_code == 200
    assert base64.b64decode(read(response)["account_id"]) == person.keys.account_id
    me = read(client.get("/api/v1/me"))
    assert (me["handle"], me["language"], me["roles"]) == ("Rosa", "en", [])


def test_the_cookie_is_closed_to_scripts_and_other_sites(village: Village) -> None:
    cookie = post(Client(), "sign-up", newcomer(village)[1]).cookies["pc_session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert cookie["domain"] == ""
    assert cookie["max-age"] == 12 * 3600


def test_over_https_the_cookie_is_pinned_to_its_host(village: Village) -> None:
    secure = config.load(
        {
            "PEERCHAT_ORIGIN": "https://chat.example.org",
            "PEERCHAT_DATA_DIR": str(settings.PEERCHAT.data_dir),
        }
    )
    person, request = newcomer(village)
    with override_settings(PEERCHAT=secure):
        response = post(Client(), "sign-up", request)
        assert list(response.cookies) == ["__Host-pc_session"]
        cookie = response.cookies["__Host-pc_session"]
        assert cookie["secure"] is True
        client = Client()
        client.cookies["pc_session"] = cookie.value
        assert code(client.get("/api/v1/me")) == (401, "session.signed_out")
        client.cookies["__Host-pc_session"] = cookie.value
        assert client.get("/api/v1/me").status_code == 200
    assert person.account.handle == "Rosa"


def test_a_device_signs_in_by_its_challenge(village: Village) -> None:
    rosa = village.join("Rosa")
    client = Client()
    challenge = read(post(client, "sign-in/challenge", {"device_id": b64(rosa.keys.device_id)}))
    body = SignInStatement(
        device_id=rosa.keys.device_id,
        server_nonce=base64.b64decode(challenge["server_nonce"]),
        client_nonce=sodium.random_bytes(32),
        origin=str(settings.PEERCHAT.origin),
    )
    statement = sign_statement(body, label=Label.SIGN_IN, root=village.root, seed=rosa.keys.device_seed)
    assert post(client, "sign-in", http_bodies.SignInRequest(statement=statement)).status_code == 200
    assert client.get("/api/v1/me").status_code == 200
    again = post(Client(), "sign-in", http_bodies.SignInRequest(statement=statement))
    assert code(again) == (401, "session.sign_in_failed")


@pytest.mark.parametrize("path", ["sign-out", "exit"])
def test_leaving_ends_the_session_and_takes_the_cookie(village: Village, path: str) -> None:
    client = signed_in(village.join("Rosa"))
    for _ in range(2):
        response = post(client, path)
        assert response.status_code == 200
        assert response.cookies["pc_session"].value == ""
    client.cookies["pc_session"] = village.people[0].token
    assert client.get("/api/v1/me").status_code == 401


def test_the_exit_works_as_a_beacon(village: Village) -> None:
    client = signed_in(village.join("Rosa"))
    assert client.generic("POST", "/api/v1/exit", b"", content_type="").status_code == 200
    client.cookies["pc_session"] = village.people[0].token
    assert client.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "me"),
        ("GET", "invites"),
        ("POST", "invites"),
        ("POST", f"invites/{'0' * 64}/revoke"),
        ("GET", "candidates"),
        ("POST", "community/log"),
        ("POST", "accounts/logs"),
        ("POST", "device/key-packages"),
        ("POST", "device/pin"),
    ],
)
def test_without_a_session_all_else_is_shut(village: Village, method: str, path: str) -> None:
    for token in ("", "made up", village.steward.token[:-1]):
        client = Client()
        client.cookies["pc_session"] = token
        response = client.generic(method, f"/api/v1/{path}", b"{}", content_type="application/json")
        assert code(response) == (401, "session.signed_out")


def test_a_steward_invites_looks_and_takes_back(village: Village) -> None:
    client, seed = signed_in(village.steward), sodium.random_bytes(32)
    key = sodium.public_key(seed=seed)
    certificate = village.certificate(seed=seed, inviter=village.steward, room_id=uuid4())
    assert read(post(client, "invites", http_bodies.InviteRequest(certificate=certificate))) == {"done": True}
    look = read(post(Client(), "invites/look", {"invite_key": b64(key)}))
    assert (look["role"], look["room_name"]) == ("member", None)
    (row,) = read(client.get("/api/v1/invites"))["invites"]
    assert base64.b64decode(row["invite_hash"]) == invites.invite_hash(key)
    assert post(client, f"invites/{invites.invite_hash(key).hex()}/revoke").status_code == 200
    assert code(post(Client(), "invites/look", {"invite_key": b64(key)})) == (404, "invite.unusable")
    assert code(post(client, f"invites/{'0' * 64}/revoke")) == (404, "request.not_found")
    assert code(post(client, f"invites/{invites.invite_hash(key).hex().upper()}/revoke")) == (400, WRONG)


def test_a_pin_is_set_and_unlocks_without_a_cookie(village: Village) -> None:
    client = signed_in(village.join("Rosa"))
    locator, verifier = sodium.random_bytes(32), sodium.random_bytes(32)
    body = {"locator": b64(locator), "verifier": b64(verifier)}
    share = read(post(client, "device/pin", body))["share"]
    assert read(post(Client(), "device/pin/unlock", body))["share"] == share
    wrong = post(Client(), "device/pin/unlock", body | {"verifier": b64(bytes(32))})
    assert code(wrong) == (403, "pin.wrong")
    assert read(wrong)["details"] == {"left": 9}


def test_key_packages_are_counted(village: Village) -> None:
    client = signed_in(village.join("Rosa"))
    body = {"one_time": [b64(b"a"), b64(b"b")], "last_resort": b64(b"z")}
    assert read(post(client, "device/key-packages", body)) == {"one_time_left": 2, "last_resort_used": False}
    empty: dict[str, Any] = {"one_time": [], "last_resort": None}
    assert read(post(client, "device/key-packages", empty))["one_time_left"] == 2


def test_logs_of_others_are_left_out_like_those_that_do_not_exist(village: Village) -> None:
    rosa, mara = village.join("Rosa"), village.join("Mara")
    asked = [rosa.keys.account_id, mara.keys.account_id, uuid4().bytes]
    answer = read(post(signed_in(rosa), "accounts/logs", {"account_ids": [b64(one) for one in asked]}))
    (found,) = answer["accounts"]
    assert base64.b64decode(found["account_id"]) == rosa.keys.account_id
    assert found["profile"] is not None


def test_the_links_fingerprint_is_the_communitys(village: Village) -> None:
    about = read(Client().get("/api/v1/community"))
    assert root_fingerprint(base64.b64decode(about["root"])) == root_fingerprint(village.root)


@pytest.mark.parametrize(
    "spoil",
    [
        {"extra": 1},
        {"account_id": "AAAA"},
        {"account_id": None},
        {"account_entries": []},
        {"sign_in_verifier": "not base64!"},
        {"backup": b64(bytes(4097))},
        {"key_packages": {"one_time": [b64(b"x")] * 21, "last_resort": None}},
        {"profile": {"body": b64(b"x" * 1025), "signature": b64(bytes(64))}},
        {"claim": 7},
    ],
)
def test_a_sign_up_of_the_wrong_shape_is_refused_whole(village: Village, spoil: dict[str, Any]) -> None:
    _, request = newcomer(village)
    response = post(Client(), "sign-up", request.model_dump(mode="json") | spoil)
    assert code(response) == (400, WRONG)
    assert post(Client(), "sign-up", request).status_code == 200


@pytest.mark.parametrize("after", ["-1", "x", "1.5", str(2**53), ""])
def test_an_index_that_is_none_is_refused(village: Village, after: str) -> None:
    response = Client().get(f"/api/v1/community/log?after={after}")
    assert code(response) == (400, WRONG)


def test_before_there_is_a_community_nothing_is_told(db: None) -> None:
    for response in (
        Client().get("/api/v1/community"),
        Client().get("/api/v1/community/log"),
        post(Client(), "sign-in", {"statement": {"body": b64(b"x"), "signature": b64(bytes(64))}}),
    ):
        assert response.status_code in (200, 400, 404)
        assert b"Traceback" not in response.content
