"""The map of the code leads to code that exists."""

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("", "peerchat", "peerchat/accounts", "peerchat/protocol", "rooms", "frontend/src")
MORE = ("frontend/src/crypto", "frontend/src/protocol")


def test_each_file_and_folder_that_the_page_names_exists() -> None:
    page = (PROJECT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"`([A-Za-z_./]+(?:\.(?:py|ts|tsx|md|js|json)|/))`", page))
    assert len(named) > 40
    missing = [
        name for name in named if not any((PROJECT / package / name).exists() for package in PACKAGES + MORE)
    ]
    # Made at the first start, in the data folder.
    assert set(missing) <= {"keys.bin"}
