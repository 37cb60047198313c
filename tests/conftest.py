"""What holds for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.network_guard import guard

guard.install()


@pytest.fixture(autouse=True)
def _no_network() -> Iterator[None]:
    """Fails a test that tried to leave the machine, even when the code under test swallowed the refusal."""
    guard.take_attempts()
    yield
    attempts = guard.take_attempts()
    if attempts:
        pytest.fail(f"the test tried to leave this machine: {', '.join(attempts)}", pytrace=False)
