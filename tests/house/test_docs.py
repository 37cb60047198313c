"""What the documents promise to be complete about, they are."""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
from pathlib import Path

import pytest

from peerchat.config import Config

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def first_cells(page: str) -> list[str]:
    """The code in the first column of the page's tables."""
    return re.findall(r"^\| `([^`]+)`", (ROOT / "docs" / page).read_text(), flags=re.MULTILINE)


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return found.group().lower()


def python_requirements() -> set[str]:
    groups = PROJECT["dependency-groups"].values()
    listed = [*PROJECT["project"]["dependencies"], *(line for group in groups for line in group)]
    return {name_of(line) for line in listed if isinstance(line, str)}


def test_each_setting_stands_in_the_settings_page() -> None:
    # A socket that is handed over is no setting of ours: the page says in words how.
    fields = {field.name for field in dataclasses.fields(Config)} - {"listen_fd"}
    settings = {f"PEERCHAT_{name.upper()}" for name in fields}
    assert set(first_cells("settings.md")) - {"PEERCHAT_CHROMIUM", "PEERCHAT_TEST_DATABASE"} == settings


def test_each_dependency_says_why_it_is_there() -> None:
    package = json.loads((ROOT / "frontend" / "package.json").read_text())
    npm = package["dependencies"].keys() | package["devDependencies"].keys()
    documented = first_cells("dependencies.md")
    assert len(documented) == len(set(documented))
    assert set(documented) == python_requirements() | npm


@pytest.mark.parametrize("lock", sorted((ROOT / "requirements").glob("*.lock")), ids=lambda path: path.name)
def test_a_lock_names_no_address_and_hashes_everything(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"^--?[a-z]", text, flags=re.MULTILINE), "an option that names an index or a folder"
    for requirement in re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in requirement, requirement.splitlines()[0]


def test_the_dev_lock_is_the_runtime_lock_and_more() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^\S+==\S+", (ROOT / "requirements" / name).read_text(), flags=re.MULTILINE))

    assert pins("runtime.lock") <= pins("dev.lock")
    assert python_requirements() <= {pin.split("==")[0] for pin in pins("dev.lock") | pins("node.lock")}


def test_the_npm_lock_names_no_address() -> None:
    lock = json.loads((ROOT / "frontend" / "package-lock.json").read_text())
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]
