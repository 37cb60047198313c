"""The environment is read once, checked wholly, and never guessed about."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from peerchat.config import PREFIX, Config, SettingsWrong, load

PROJECT = Path(__file__).resolve().parents[2]
SECRET = "0123456789" * 4


def read(data_dir: Path, **given: str) -> Config:
    return load(
        {"PEERCHAT_DATA_DIR": str(data_dir), **{PREFIX + name: value for name, value in given.items()}}
    )


def test_nothing_needs_to_be_set_on_ones_own_machine(tmp_path: Path) -> None:
    config = read(tmp_path)
    assert str(config.origin) == "http://127.0.0.1:8000"
    assert config.database_url == f"sqlite:///{tmp_path}/peerchat.sqlite3"
    assert (config.debug, config.redis_url, config.server, config.title) == (False, None, "daphne", "Notes")


def test_the_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    first = read(folder).secret_key
    assert len(first) >= 64
    assert read(folder).secret_key == first
    assert stat.S_IMODE((folder / "secret.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [file.name for file in folder.iterdir()] == ["secret.key"]
    assert read(folder, SECRET_KEY=SECRET).secret_key == SECRET


@pytest.mark.parametrize(
    ("given", "origin", "socket"),
    [
        ("https://chat.example.org", "https://chat.example.org", "wss://chat.example.org"),
        ("https://chat.example.org:443", "https://chat.example.org", "wss://chat.example.org"),
        ("https://Chat.Example.org:8443", "https://chat.example.org:8443", "wss://chat.example.org:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example", "wss://xn--bcher-kva.example"),
        ("http://localhost:80", "http://localhost", "ws://localhost"),
        ("http://[::1]:8000", "http://[::1]:8000", "ws://[::1]:8000"),
        ("http://" + "a" * 56 + ".onion", "http://" + "a" * 56 + ".onion", "ws://" + "a" * 56 + ".onion"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(
    tmp_path: Path, given: str, origin: str, socket: str
) -> None:
    read_origin = read(tmp_path, ORIGIN=given).origin
    assert (str(read_origin), read_origin.websocket) == (origin, socket)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"ORIGIN": "http://chat.example.org"}, "PEERCHAT_ORIGIN must be https://"),
        ({"ORIGIN": "https://chat.example.org/"}, "PEERCHAT_ORIGIN must be scheme"),
        ({"ORIGIN": "https://chat.example.org/app"}, "PEERCHAT_ORIGIN must be scheme"),
        ({"ORIGIN": "https://user@chat.example.org"}, "PEERCHAT_ORIGIN must be scheme"),
        ({"ORIGIN": "https://chat.example.org:99999"}, "PEERCHAT_ORIGIN must be scheme"),
        ({"ORIGIN": "ftp://chat.example.org"}, "PEERCHAT_ORIGIN must be scheme"),
        ({"ORIGIN": "chat.example.org"}, "PEERCHAT_ORIGIN must be scheme"),
        ({"ORIGIN": "https://a..b"}, "PEERCHAT_ORIGIN must be scheme"),
        ({"HOST": "192.0.2.1"}, "PEERCHAT_ORIGIN is needed"),
        ({"HOST": "not a host"}, "PEERCHAT_HOST must be"),
        ({"PORT": "0"}, "PEERCHAT_PORT must be"),
        ({"PORT": "65536"}, "PEERCHAT_PORT must be"),
        ({"PORT": "٨٠"}, "PEERCHAT_PORT must be"),
        ({"DEBUG": "maybe"}, "PEERCHAT_DEBUG must be 1 or 0"),
        ({"DEBUG": "1", "ORIGIN": "https://chat.example.org"}, "PEERCHAT_DEBUG works only"),
        ({"SECRET_KEY": "short"}, "PEERCHAT_SECRET_KEY must have"),
        ({"DATABASE_URL": "mysql://db/peerchat"}, "PEERCHAT_DATABASE_URL must be"),
        ({"DATABASE_URL": "sqlite:///relative.db"}, "PEERCHAT_DATABASE_URL must be"),
        ({"REDIS_URL": "http://redis"}, "PEERCHAT_REDIS_URL must begin"),
        ({"KEEPER": "nowhere"}, "PEERCHAT_KEEPER must be inside or apart"),
        ({"SERVER": "gunicorn"}, "PEERCHAT_SERVER must be"),
        ({"DRAIN_SECONDS": "-1"}, "PEERCHAT_DRAIN_SECONDS must be"),
        ({"TITLE": "x" * 41}, "PEERCHAT_TITLE must be"),
        ({"TITLE": "a\u202eb"}, "PEERCHAT_TITLE must be"),
        ({"EXIT_URL": "http://example.org"}, "PEERCHAT_EXIT_URL must be"),
        ({"EXIT_URL": "javascript:alert(1)"}, "PEERCHAT_EXIT_URL must be"),
        ({"ORIGN": "https://chat.example.org"}, "PEERCHAT_ORIGN is not a setting"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(
    tmp_path: Path, given: dict[str, str], named: str
) -> None:
    with pytest.raises(SettingsWrong) as stop:
        read(tmp_path / "data", **given)
    assert any(problem.startswith(named) for problem in stop.value.problems)
    assert not (tmp_path / "data").exists()


def test_all_problems_are_told_at_once_and_no_value_is(tmp_path: Path) -> None:
    with pytest.raises(SettingsWrong) as stop:
        read(tmp_path, PORT="canary", SECRET_KEY="canary", REDIS_URL="canary", CANARY="canary")
    assert len(stop.value.problems) == 4
    assert "canary" not in str(stop.value)


def test_a_socket_is_taken_over_only_by_the_process_that_it_is_meant_for(tmp_path: Path) -> None:
    mine = {"PEERCHAT_DATA_DIR": str(tmp_path), "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
    assert load(mine).listen_fd == 3
    assert load({**mine, "LISTEN_PID": "1"}).listen_fd is None
    with pytest.raises(SettingsWrong, match="LISTEN_FDS"):
        load({**mine, "LISTEN_FDS": "2"})


def test_a_secret_is_not_in_the_printed_form(tmp_path: Path) -> None:
    config = read(tmp_path, SECRET_KEY=SECRET, REDIS_URL=f"redis://:{SECRET}@redis")
    assert SECRET not in repr(config)


def test_a_folder_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsWrong, match="PEERCHAT_DATA_DIR cannot be used"):
        read(tmp_path / "file" / "data")


def test_the_command_says_what_is_wrong_without_a_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "peerchat", "check"],
        env={**os.environ, "PEERCHAT_DATA_DIR": str(tmp_path), "PEERCHAT_PORT": "x", "PEERCHAT_WORD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        cwd=PROJECT,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "peerchat cannot start:",
        "  PEERCHAT_PORT must be a whole number from 1 to 65535",
        "  PEERCHAT_WORD is not a setting; docs/settings.md lists them",
    ]


def test_only_config_reads_the_environment() -> None:
    for package in ("peerchat", "rooms", "moderation"):
        for file in (PROJECT / package).rglob("*.py"):
            if file.name == "config.py":
                continue
            text = file.read_text()
            # Django finds its settings by this one variable; it is set, not read.
            text = re.sub(r'os\.environ(\.setdefault\(|\[)"DJANGO_SETTINGS_MODULE".*', "", text)
            assert not re.search(r"os\.environ|getenv", text), file


def test_a_mail_server_is_read_with_its_sender_and_never_printed(tmp_path: Path) -> None:
    config = read(tmp_path, SMTP="smtp://pager:s%40cret@mail.example.org?from=pager@example.org")
    assert config.smtp is not None
    assert (config.smtp.host, config.smtp.port, config.smtp.tls) == ("mail.example.org", 587, "starttls")
    assert (config.smtp.user, config.smtp.password) == ("pager", "s@cret")
    assert "s@cret" not in repr(config) + repr(config.smtp)
    assert read(tmp_path).smtp is None


@pytest.mark.parametrize(
    "given",
    [
        "mail.example.org",
        "smtp://mail.example.org",
        "smtp://mail.example.org?from=nobody",
        "smtp://mail.example.org?from=a@example.org&from=b@example.org",
        "smtp+plain://mail.example.org?from=a@example.org",
        "http://mail.example.org?from=a@example.org",
        "smtp://mail.example.org:x?from=a@example.org",
        "smtp://mail.example.org?from=a@example.org%0d%0aBcc:b@example.org",
    ],
)
def test_a_mail_server_that_is_not_whole_or_not_safe_stops_the_start(tmp_path: Path, given: str) -> None:
    with pytest.raises(SettingsWrong) as wrong:
        read(tmp_path, SMTP=given)
    assert given not in str(wrong.value)
