"""The key file: what was destroyed is nowhere, and nothing else is ever touched."""

import multiprocessing
import os
import stat
from pathlib import Path
from threading import Thread

import pytest

from peerchat.keyfile import NAME_MAX_BYTES, KeyFile, KeyFileError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_a_destroyed_keys_bytes_are_nowhere_in_the_file(path: Path) -> None:
    keys = KeyFile(path, slots=64)
    doomed, kept = keys.get_or_create("hour:1"), keys.get_or_create("hour:2")
    assert doomed in path.read_bytes()
    assert keys.destroy("hour:1")
    content = path.read_bytes()
    assert doomed not in content
    assert b"hour:1" not in content
    assert kept in content
    assert keys.get("hour:1") is None
    assert keys.get("hour:2") == kept


def test_no_other_file_ever_held_a_key(path: Path) -> None:
    keys = KeyFile(path, slots=64)
    keys.get_or_create("hour:1")
    keys.destroy("hour:1")
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_the_file_keeps_its_size_its_inode_and_its_mode(path: Path) -> None:
    keys = KeyFile(path, slots=64)
    before = path.stat()
    for hour in range(300):
        keys.get_or_create(f"hour:{hour}")
        keys.destroy(f"hour:{hour - 10}")
    after = path.stat()
    assert (after.st_size, after.st_ino) == (before.st_size, before.st_ino)
    assert stat.S_IMODE(after.st_mode) == 0o600
    assert after.st_blocks * 512 >= after.st_size, "a hole has no place on the disk yet"


def test_a_full_file_refuses_loudly_and_changes_nothing(path: Path) -> None:
    keys = KeyFile(path, slots=2)
    keys.get_or_create("a")
    keys.get_or_create("b")
    before = path.read_bytes()
    with pytest.raises(KeyFileError):
        keys.get_or_create("c")
    assert path.read_bytes() == before


def test_the_same_name_has_the_same_key_until_it_is_destroyed_and_another_after(path: Path) -> None:
    keys = KeyFile(path, slots=8)
    first = keys.get_or_create("pin")
    assert keys.get_or_create("pin") == first
    assert KeyFile(path).get("pin") == first
    keys.destroy("pin")
    assert not keys.destroy("pin")
    assert keys.get_or_create("pin") != first


def test_another_open_file_sees_a_destruction_at_once(path: Path) -> None:
    mine, other = KeyFile(path, slots=8), KeyFile(path)
    key = mine.get_or_create("pin")
    assert other.get("pin") == key
    mine.destroy("pin")
    assert other.get("pin") is None
    newer = mine.get_or_create("another")
    assert other.get("another") == newer
    assert other.get("pin") is None


def test_a_name_whose_key_was_zeroed_by_a_crash_counts_as_none(path: Path) -> None:
    keys = KeyFile(path, slots=8)
    keys.get_or_create("hour:1")
    at = path.read_bytes().index(b"hour:1") + NAME_MAX_BYTES
    with path.open("r+b") as file:
        file.seek(at)
        file.write(bytes(32))
    assert keys.get("hour:1") is None
    assert keys.names() == ["hour:1"]
    assert keys.destroy("hour:1")
    assert keys.names() == []


def test_names_are_told_by_prefix(path: Path) -> None:
    keys = KeyFile(path, slots=8)
    for name in ("hour:2", "pin:x", "hour:1"):
        keys.get_or_create(name)
    assert keys.names(prefix="hour:") == ["hour:1", "hour:2"]


@pytest.mark.parametrize("name", ["", "x" * 33, "a\x00b", "é" * 17])
def test_a_name_that_does_not_fit_a_slot_is_refused(path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="1 to 32 bytes"):
        KeyFile(path, slots=2).get(name)


def test_a_name_that_begins_like_another_is_not_taken_for_it(path: Path) -> None:
    keys = KeyFile(path, slots=8)
    long = keys.get_or_create("hour:12")
    assert keys.get("hour:1") is None
    assert keys.get_or_create("hour:1") != long


def test_a_file_that_others_can_read_is_refused(path: Path) -> None:
    KeyFile(path, slots=2).close()
    path.chmod(0o640)
    with pytest.raises(KeyFileError):
        KeyFile(path)


@pytest.mark.parametrize("content", [b"", b"x" * 64, b"x" * 100])
def test_a_file_of_another_kind_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError):
        KeyFile(path)
    assert path.read_bytes() == content


def test_threads_that_ask_at_once_get_one_key(path: Path) -> None:
    keys = KeyFile(path, slots=8)
    got: list[bytes] = []
    threads = [Thread(target=lambda: got.append(keys.get_or_create("hour:1"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 16
    assert len(set(got)) == 1


def _fill(path: Path, prefix: str) -> None:
    keys = KeyFile(path, slots=256)
    for number in range(40):
        keys.get_or_create(f"{prefix}:{number}")
    for number in range(0, 40, 2):
        keys.destroy(f"{prefix}:{number}")


def test_processes_that_write_at_once_lose_nothing(path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    children = [spawn.Process(target=_fill, args=(path, prefix)) for prefix in "abc"]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0, 0]
    names = KeyFile(path).names()
    assert len(names) == 60
    assert len({KeyFile(path).get(name) for name in names}) == 60


def test_a_forked_child_locks_for_itself(path: Path) -> None:
    keys = KeyFile(path, slots=8)
    keys.get_or_create("a")
    child = os.fork()
    if child == 0:
        keys.get_or_create("b")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert keys.get("b") is not None
