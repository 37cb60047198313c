"""The logs' rules give the answers that the browser's give: both read tests/vectors/logs.json."""

import json
from pathlib import Path
from typing import Any

import pytest

from peerchat import sodium
from peerchat.accounts import account_log, community_log
from peerchat.accounts.account_log import AccountState
from peerchat.accounts.community_log import CommunityState
from peerchat.errors import PeerChatError
from peerchat.protocol.signed import Role, SignedEntry
from tests.vectors import make_logs

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "logs.json").read_text())
ROOT = bytes.fromhex(VECTORS["root"])
Case = dict[str, Any]


def _entries(shown: list[Case]) -> list[SignedEntry]:
    return [
        SignedEntry(
            entry=bytes.fromhex(one["entry"]),
            body=None if one["body"] is None else bytes.fromhex(one["body"]),
            signature=bytes.fromhex(one["signature"]),
        )
        for one in shown
    ]


def _account(name: str) -> AccountState:
    log = VECTORS["account_logs"][name]
    state = account_log.replay(
        _entries(log["entries"]),
        root=ROOT,
        account_id=bytes.fromhex(log["account_id"]),
        verify=sodium.verify,
    )
    assert state is not None
    return state


def _apply(case: Case) -> tuple[AccountState | CommunityState | None, str | None, int | None]:
    """Return the state that was reached, the code that stopped, and where."""
    accounts = {state.account_id: state for state in map(_account, case["accounts"])}
    log_id = bytes.fromhex(case["log_id"])
    state: Any = None
    for index, signed in enumerate(_entries(case["entries"])):
        try:
            if case["kind"] == "account":
                state = account_log.apply(state, signed, root=ROOT, account_id=log_id, verify=sodium.verify)
            else:
                state = community_log.apply(
                    state, signed, root=ROOT, accounts=accounts.get, verify=sodium.verify
                )
        except PeerChatError as error:
            return state, error.code.value, index
    return state, None, None


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: f"{case['kind']}: {case['name']}")
def test_each_chain_is_judged_as_the_vectors_say(case: Case) -> None:
    state, code, index = _apply(case)
    assert (code, index) == (case["error"], case["refused_index"])
    if code is not None:
        return
    expected = case["state"]
    assert state is not None
    assert state.place.head.hash.hex() == expected["head"]
    if isinstance(state, AccountState):
        assert state.identity_key.hex() == expected["identity_key"]
        live = [one.device_id.hex() for one in state.devices.values() if one.revoked_at is None]
        gone = [one.device_id.hex() for one in state.devices.values() if one.revoked_at is not None]
        assert (live, gone) == (expected["live"], expected["revoked"])
    else:
        assert state.demo == expected["demo"]
        for asked in expected["roles"]:
            account_id, role = bytes.fromhex(asked["account_id"]), Role(asked["role"])
            answer = state.is_effective(account_id, role, asked["at"], asked["head_index"])
            assert answer == asked["effective"], asked


def test_what_this_server_stored_is_projected_as_a_client_would() -> None:
    """``replay_stored`` skips signatures, and must come to the same state all the same."""
    for case in VECTORS["cases"]:
        if case["kind"] == "community" and case["error"] is None:
            state, _, _ = _apply(case)
            assert community_log.replay_stored(_entries(case["entries"]), root=ROOT) == state


def test_the_vectors_hold_both_kinds_of_answers_for_both_logs() -> None:
    kinds = {(case["kind"], case["error"]) for case in VECTORS["cases"]}
    codes = {None, "log.bad_entry", "log.bad_signature", "log.stale_head", "request.malformed"}
    assert kinds >= {(kind, code) for kind in ("account", "community") for code in codes}
    assert ("community", "log.no_power") in kinds


def test_the_file_is_what_its_maker_writes() -> None:
    assert make_logs.vectors() == VECTORS
