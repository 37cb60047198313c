"""When nobody steps cases any more, the deployment says so."""

from __future__ import annotations

import pytest
from django.test import Client

from moderation import dead_man, keeper_watch, lease
from moderation.dead_man import DeadMan
from moderation.escalation import claim_due
from peerchat import health
from tests.support.cases import ask, counselor, raise_request
from tests.support.people import Village
from tests.support.time import HandClock


def test_a_keeper_that_never_came_is_missed_after_a_while(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    switch = DeadMan()
    assert switch.works()
    monkeypatch.setattr(dead_man, "MISSING_SECONDS", -1.0)
    assert not switch.works()
    assert lease.take("one") is not None
    monkeypatch.setattr(dead_man, "MISSING_SECONDS", keeper_watch.MISSING_SECONDS)
    assert switch.works()


def test_a_case_that_is_overdue_fails_the_health_check_until_it_is_stepped(
    village: Village, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_checks", [DeadMan().works])
    ada = counselor(village, "Ada")
    ask(village.join("Sam"), raise_request([ada]))
    assert Client().get("/healthz").status_code == 200
    clock.forward(seconds=46)
    assert Client().get("/healthz").status_code == 503
    claim_due.step_due(clock.ms)
    assert Client().get("/healthz").status_code == 200
