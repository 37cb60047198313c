"""The demo: real keys, real entries, and refused wherever people could take it for the real thing."""

import base64
import dataclasses
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import override_settings

from peerchat import sodium
from peerchat.accounts import account_log, demo, demo_steward, invites, roles, sign_up
from peerchat.accounts.account_logs import logs_of
from peerchat.accounts.community import entries_after, head, the_community
from peerchat.accounts.community_log import CommunityState, apply
from peerchat.accounts.demo import PrintedLink, ensure_demo
from peerchat.accounts.models import Community, Invite
from peerchat.accounts.new_account import draft_sign_up, new_account
from peerchat.clock import now_ms
from peerchat.errors import PeerChatError
from peerchat.protocol.signed import Role
from peerchat.signed_log import root_fingerprint
from tests.support.people import Village

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def debug(tmp_path: Path) -> Iterator[Path]:
    """Debug mode, with a data folder of this test's own."""
    with override_settings(PEERCHAT=dataclasses.replace(settings.PEERCHAT, debug=True, data_dir=tmp_path)):
        yield tmp_path


def seed_of(link: PrintedLink) -> bytes:
    raw = base64.urlsafe_b64decode(urlsplit(link.link).fragment)
    assert raw[:16] == root_fingerprint(bytes(the_community().root))
    return raw[16:]


def accept(link: PrintedLink, handle: str) -> Any:
    """Do what a browser does with a printed link; return the new account."""
    account = new_account()
    request = draft_sign_up(
        account,
        root=bytes(the_community().root),
        invite_seed=seed_of(link),
        handle=handle,
        language="en",
        community_head=head(),
        claim=None,
        at=now_ms(),
    )
    return sign_up.sign_up(request=request).session.device.account


def test_it_prints_a_link_for_each_person(debug: Path) -> None:
    links = ensure_demo()
    assert [link.name for link in links] == ["steward", "leader", "survivor 1", "survivor 2", "counselor"]
    assert {link.used for link in links} == {False}
    assert all(link.link.startswith(f"{settings.PEERCHAT.origin}/join#") for link in links)
    assert the_community().demo


def test_who_comes_for_a_role_is_certified_at_once_by_an_entry_that_every_client_accepts(debug: Path) -> None:
    links = {link.name: link for link in ensure_demo()}
    people = {name: accept(links[name], name.replace(" ", "")) for name in links}
    held = {name: roles.roles_now(account.id) for name, account in people.items()}
    assert held == {
        "steward": {Role.STEWARD},
        "leader": {Role.LEADER},
        "counselor": {Role.COUNSELOR},
        "survivor 1": frozenset(),
        "survivor 2": frozenset(),
    }
    root = bytes(the_community().root)
    logs = {
        log.account_id: account_log.replay(
            log.entries, root=root, account_id=log.account_id, verify=sodium.verify
        )
        for log in logs_of([account.id for account in people.values()] + [demo_account()])
    }
    state: CommunityState | None = None
    for signed in entries_after(0):
        state = apply(state, signed, root=root, accounts=logs.get, verify=sodium.verify)
    assert state is not None
    assert len(state.certified) == 4


def demo_account() -> Any:
    stored = demo_steward.read_demo()
    assert stored is not None
    return UUID(bytes=stored.account_id)


def test_leader_and_survivors_are_invited_to_one_room_that_is_not_there_yet(debug: Path) -> None:
    links = {link.name: link for link in ensure_demo()}
    stored = demo_steward.read_demo()
    assert stored is not None
    rooms = {
        name: invites.look_at_invite(invite_key=sodium.public_key(seed=seed_of(link))).room_id
        for name, link in links.items()
    }
    assert rooms == {
        "steward": None,
        "counselor": None,
        "leader": stored.room_id,
        "survivor 1": stored.room_id,
        "survivor 2": stored.room_id,
    }


def test_starting_again_keeps_links_and_says_which_were_used(debug: Path) -> None:
    first = ensure_demo()
    accept(first[1], "Lee")
    second = ensure_demo()
    assert [link.link for link in second] == [link.link for link in first]
    assert [link.used for link in second] == [False, True, False, False, False]
    assert Community.objects.count() == 1
    assert Invite.objects.count() == 6


def test_a_link_that_ran_out_is_made_anew(debug: Path) -> None:
    first = ensure_demo()
    Invite.objects.filter(invite_hash=invites.invite_hash(sodium.public_key(seed=seed_of(first[2])))).update(
        revoked_at=None, expires_at="2020-01-01T00:00Z"
    )
    second = ensure_demo()
    changed = [before.link != after.link for before, after in zip(first, second, strict=True)]
    assert changed == [False, False, True, False, False]
    accept(second[2], "Rosa")


def test_a_start_that_broke_off_is_taken_up_again(debug: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    for where in ("write_demo", "create_invite"):
        with monkeypatch.context() as patch:
            patch.setattr(demo, where, break_off)
            with pytest.raises(KeyboardInterrupt):
                ensure_demo()
    assert len(ensure_demo()) == 5


def test_its_keys_are_for_the_one_who_started_it(debug: Path) -> None:
    ensure_demo()
    assert stat.S_IMODE(demo_steward.demo_path().stat().st_mode) == 0o600
    stored = demo_steward.read_demo()
    assert stored is not None
    assert stored.device_seed.hex() not in repr(stored)
    assert repr(stored.device_seed) not in repr(stored)


def test_outside_debug_mode_it_is_refused_and_makes_nothing() -> None:
    with pytest.raises(CommandError):
        call_command("demo", "--no-serve")
    assert not Community.objects.exists()


def test_a_real_community_is_left_alone(debug: Path) -> None:
    Village.found()
    with pytest.raises(PeerChatError):
        ensure_demo()
    assert Invite.objects.count() == 1


def test_its_steward_certifies_nobody_once_debug_mode_is_off(debug: Path) -> None:
    links = ensure_demo()
    with override_settings(PEERCHAT=dataclasses.replace(settings.PEERCHAT, debug=False)):
        leader = accept(links[1], "Lee")
    assert roles.roles_now(leader.id) == frozenset()


def test_its_steward_certifies_nobody_in_a_real_community(debug: Path) -> None:
    ensure_demo()
    Community.objects.update(demo=False)
    village_links = ensure_real_links()
    leader = accept(village_links, "Lee")
    assert roles.roles_now(leader.id) == frozenset()


def ensure_real_links() -> PrintedLink:
    stored = demo_steward.read_demo()
    assert stored is not None
    link = stored.links[1]
    return demo._printed(link, the_community())


def test_the_command_prints_json_for_programs(debug: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("demo", "--no-serve", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert [set(link) for link in printed] == [{"name", "link", "used"}] * 5


def test_the_command_prints_words_for_people(debug: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("demo", "--no-serve")
    printed = capsys.readouterr().out
    assert printed.count("/join#") == 5
    assert "Begin with the leader." in printed
