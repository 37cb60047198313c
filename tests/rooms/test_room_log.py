"""The room log's rules, by the vectors that every client is held to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from peerchat import sodium
from peerchat.accounts import account_log, community_log
from peerchat.accounts.account_log import AccountState
from peerchat.accounts.community_log import CommunityState
from peerchat.errors import PeerChatError
from peerchat.protocol.power_matrix import POWERS
from peerchat.protocol.signed import Action, SignedEntry
from rooms import room_log
from rooms.room_log import RoomState
from tests.vectors.make_room_log import build, state_json

PATH = Path(__file__).parents[1] / "vectors" / "room_log.json"
VECTORS: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
ROOT = bytes.fromhex(VECTORS["root"])
ROOM_ID = bytes.fromhex(VECTORS["room_id"])


def read(entry: dict[str, str | None]) -> SignedEntry:
    body = entry["body"]
    return SignedEntry(
        entry=bytes.fromhex(entry["entry"] or ""),
        body=None if body is None else bytes.fromhex(body),
        signature=bytes.fromhex(entry["signature"] or ""),
    )


def accounts(replaced: dict[str, Any]) -> room_log.AccountLookup:
    logs = {**VECTORS["accounts"], **replaced}

    def lookup(account_id: bytes) -> AccountState | None:
        entries = [read(one) for one in logs.get(account_id.hex(), [])]
        try:
            return account_log.replay(entries, root=ROOT, account_id=account_id, verify=sodium.verify)
        except PeerChatError:
            return None

    return lookup


def community(known: int) -> CommunityState:
    state: CommunityState | None = None
    for one in VECTORS["community"][:known]:
        state = community_log.apply(state, read(one), root=ROOT, accounts=accounts({}), verify=sodium.verify)
    assert state is not None
    return state


def judge(case: dict[str, Any]) -> tuple[RoomState | None, str | None, int]:
    """Return the last state, the code of the refusal and how many entries were accepted."""
    known, lookup = community(case["known_community_entries"]), accounts(case["replaced_accounts"])
    state: RoomState | None = None
    entries = VECTORS["chain"][: case["after"]] + case["entries"]
    for index, one in enumerate(entries):
        try:
            state = room_log.apply(
                state, read(one), room_id=ROOM_ID, community=known, accounts=lookup, verify=sodium.verify
            )
        except PeerChatError as error:
            return state, error.code.value, index
    return state, None, len(entries)


def test_the_file_is_what_its_script_writes() -> None:
    assert build() == VECTORS


def test_every_action_of_the_power_matrix_stands_in_the_chain() -> None:
    whole = community(len(VECTORS["community"]))
    state: RoomState | None = None
    for one, expected in zip(VECTORS["chain"], VECTORS["states"], strict=True):
        state = room_log.apply(
            state,
            read(one),
            room_id=ROOM_ID,
            community=whole,
            accounts=accounts({}),
            verify=sodium.verify,
        )
        assert state_json(state) == expected
    actions = {bytes.fromhex(one["entry"]) for one in VECTORS["chain"]}
    for action in POWERS:
        assert any(action.value.encode() in entry for entry in actions), action
    assert Action.CREATE in POWERS


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: str(case["name"]))
def test_a_log_is_judged_as_the_vectors_say(case: dict[str, Any]) -> None:
    state, code, accepted = judge(case)
    assert code == case["error"]
    if code is None:
        assert state is not None
        assert state_json(state) == case["state"]
    else:
        assert accepted == case["refused_index"]
