"""What the tests of escalation begin with: a survivor and three counselors who can be paged."""

from __future__ import annotations

import pytest

from tests.support.cases import Counselor, counselor
from tests.support.people import Person, Village


@pytest.fixture
def ada(village: Village) -> Counselor:
    return counselor(village, "Ada")


@pytest.fixture
def bea(village: Village) -> Counselor:
    return counselor(village, "Bea")


@pytest.fixture
def survivor(village: Village) -> Person:
    return village.join("Sam")
