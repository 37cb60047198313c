"""``peerchat community``: the root key is made away from the server and never comes to it."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from peerchat import sodium
from peerchat.accounts import invites
from peerchat.accounts.founding import invite_link
from peerchat.accounts.models import Community, CommunityEntry, Invite

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "community.json"
    call_command("community", "create", "--name", "Harbour", "--out", str(path))
    return path


def content(file: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(file.read_text())
    return read


def test_create_writes_a_file_for_its_own_user_and_nothing_to_the_database(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not Community.objects.exists()


def test_create_prints_the_first_stewards_link_and_no_secret_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "community.json"
    call_command(
        "community", "create", "--name", "Harbour", "--out", str(file), "--origin", "https://chat.example.org"
    )
    printed = capsys.readouterr().out
    secret = content(file)["secret"]
    root = sodium.public_key(seed=bytes.fromhex(secret["root_seed"]))
    seed = bytes.fromhex(secret["first_invite_seed"])
    assert invite_link(origin="https://chat.example.org", root=root, seed=seed) in printed
    assert secret["root_seed"] not in printed


def test_create_never_writes_over_a_file(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(CommandError):
        call_command("community", "create", "--name", "Other", "--out", str(file))
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["", " ", "x" * 81, "a\nb"])
def test_create_wants_a_name_that_can_be_shown(tmp_path: Path, name: str) -> None:
    with pytest.raises(CommandError):
        call_command("community", "create", "--name", name, "--out", str(tmp_path / "c.json"))
    assert list(tmp_path.iterdir()) == []


def test_load_takes_the_public_part_in_and_the_first_invite_works(file: Path) -> None:
    secret = content(file)["secret"]
    call_command("community", "load", str(file))
    seed = bytes.fromhex(secret["first_invite_seed"])
    look = invites.look_at_invite(invite_key=sodium.public_key(seed=seed))
    assert (look.role.value, look.certificate) == ("steward", None)
    stored = b"".join(bytes(row.entry) + bytes(row.body or b"") for row in CommunityEntry.objects.all())
    for kept_away in (secret["root_seed"], secret["first_invite_seed"]):
        assert bytes.fromhex(kept_away) not in stored


def test_load_needs_no_secret(file: Path) -> None:
    public = {name: value for name, value in content(file).items() if name != "secret"}
    file.write_text(json.dumps(public))
    call_command("community", "load", str(file))
    assert Community.objects.get().name == "Harbour"


def test_load_refuses_a_second_community(file: Path, tmp_path: Path) -> None:
    call_command("community", "load", str(file))
    other = tmp_path / "other.json"
    call_command("community", "create", "--name", "Other", "--out", str(other))
    for again in (other, file):
        with pytest.raises(CommandError):
            call_command("community", "load", str(again))
    assert Community.objects.get().name == "Harbour"
    assert Invite.objects.count() == 1


def test_load_refuses_a_demo_outside_debug_mode(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    call_command("community", "create", "--name", "Demo", "--demo", "--out", str(path))
    with pytest.raises(CommandError):
        call_command("community", "load", str(path))
    assert not Community.objects.exists()


def _altered(file: Path, part: str) -> None:
    read = content(file)
    text = read["genesis"][part]
    read["genesis"][part] = ("A" if text[0] != "A" else "B") + text[1:]
    file.write_text(json.dumps(read))


@pytest.mark.parametrize("part", ["entry", "body", "signature"])
def test_load_refuses_a_genesis_that_was_altered(file: Path, part: str) -> None:
    _altered(file, part)
    with pytest.raises(CommandError):
        call_command("community", "load", str(file))
    assert not Community.objects.exists()


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"peerchat": "community", "version": 1}', "\x00"])
def test_load_refuses_what_is_no_community_file_without_repeating_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(CommandError) as caught:
        call_command("community", "load", str(path))
    assert str(caught.value) == "This is no community file."


def test_load_says_when_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(CommandError):
        call_command("community", "load", str(tmp_path / "none.json"))
