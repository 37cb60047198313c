"""Receivers on loopback, which pages may reach in these tests alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from django.conf import settings

from peerchat.config import Config, Relay
from tests.support.cases import Counselor, counselor
from tests.support.people import Person, Village
from tests.support.sinks import MailSink, WebSink


@pytest.fixture
def web() -> Iterator[WebSink]:
    with WebSink.running() as sink:
        yield sink


@pytest.fixture
def mail() -> Iterator[MailSink]:
    with MailSink.running() as sink:
        yield sink


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch, mail: MailSink) -> Config:
    relay = Relay(
        host="127.0.0.1", port=mail.port, tls="none", user="", password="", sender="pager@example.org"
    )
    changed: Config = dataclasses.replace(settings.PEERCHAT, page_private_targets=True, smtp=relay)
    monkeypatch.setattr(settings, "PEERCHAT", changed)
    return changed


@pytest.fixture
def ada(village: Village) -> Counselor:
    return counselor(village, "Ada", contact=None)


@pytest.fixture
def bea(village: Village) -> Counselor:
    return counselor(village, "Bea", contact=None)


@pytest.fixture
def survivor(village: Village) -> Person:
    return village.join("Sam")
