"""Both databases are told how durable to be, how many connections to hold, and when to give up."""

from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from peerchat.databases import POOL_MAX, database

TEST_FILE = Path("/nowhere/test.sqlite3")


def asked(question: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return str(cursor.fetchone()[0])


def test_a_postgresql_address_is_taken_apart_and_may_say_more() -> None:
    given = database(
        "postgresql://someone:se%40cret@db.example.org:5433/peerchat?sslmode=verify-full&connect_timeout=9",
        test_file=TEST_FILE,
    )
    assert (given["NAME"], given["USER"], given["PASSWORD"]) == ("peerchat", "someone", "se@cret")
    assert (given["HOST"], given["PORT"]) == ("db.example.org", "5433")
    assert given["OPTIONS"]["sslmode"] == "verify-full"
    assert given["OPTIONS"]["connect_timeout"] == "9"
    assert given["OPTIONS"]["pool"]["max_size"] == POOL_MAX
    assert given["CONN_HEALTH_CHECKS"] is True


def test_a_postgresql_address_may_name_a_unix_socket() -> None:
    given = database("postgresql:///peerchat?host=/run/postgresql", test_file=TEST_FILE)
    assert (given["NAME"], given["HOST"], given["USER"]) == ("peerchat", "/run/postgresql", "")


def test_sqlite_is_a_file_with_immediate_transactions() -> None:
    given = database("sqlite:////var/lib/peerchat.sqlite3", test_file=TEST_FILE)
    assert given["NAME"] == "/var/lib/peerchat.sqlite3"
    assert given["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


@pytest.mark.django_db
def test_what_was_acknowledged_survives_a_power_cut() -> None:
    if connection.vendor == "sqlite":
        assert (asked("PRAGMA synchronous"), asked("PRAGMA journal_mode")) == ("2", "wal")
        assert asked("PRAGMA secure_delete") == "1"
    else:
        # Not asked of the tests' own cluster, which is careless: that ours asks for nothing less than the default.
        assert "synchronous_commit" not in str(settings.DATABASES)


@pytest.mark.django_db
def test_no_lock_is_waited_for_without_end() -> None:
    if connection.vendor == "sqlite":
        assert asked("PRAGMA busy_timeout") == "5000"
    else:
        assert asked("SHOW lock_timeout") == "10s"
        assert asked("SHOW idle_in_transaction_session_timeout") == "30s"
        assert asked("SHOW transaction_isolation") == "read committed"
