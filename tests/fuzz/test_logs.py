"""A short run of `make fuzz`, and that it can fail."""

import secrets

import pytest

from peerchat import sodium
from tests.fuzz import logs


def test_nothing_spoilt_is_accepted_and_nothing_crashes() -> None:
    seed = secrets.randbelow(1 << 32)
    print(f"fuzz: seed {seed}")
    assert set(logs.fuzz(cases=8_000, seed=seed).values()) == {2_000}


def test_it_notices_when_signatures_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sodium, "verify", lambda **_: True)
    with pytest.raises(logs.AcceptedError):
        logs.fuzz(cases=2_000, seed=1)
