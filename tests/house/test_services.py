"""The tests' own PostgreSQL and Redis do what the fault tests ask of them."""

import os
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.ports import ReservedPort
from tests.support.services import PostgreSQL, Redis, frozen


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    with PostgreSQL(durable=True) as service:
        yield service


@pytest.fixture(scope="module")
def redis_service() -> Iterator[Redis]:
    with Redis() as service:
        yield service


def row_count(url: str) -> int:
    with psycopg.connect(url, connect_timeout=5) as connection:
        found = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert found is not None
    return int(found[0])


def table(postgresql: PostgreSQL, name: str) -> str:
    url = postgresql.create_database(name)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (value int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    return url


def test_a_reserved_port_is_nobody_elses_but_a_server_may_listen_there() -> None:
    with ReservedPort() as port:
        others = [ReservedPort() for _ in range(200)]
        assert port.number not in {other.number for other in others}
        for other in others:
            other.release()
        with socket.socket() as rude, pytest.raises(OSError, match="in use"):
            rude.bind(("127.0.0.1", port.number))
        with socket.create_server(("127.0.0.1", port.number)) as server:
            socket.create_connection(server.getsockname()).close()


def test_what_was_committed_is_there_after_kill_9(postgresql: PostgreSQL) -> None:
    url = table(postgresql, "killed")
    before, port = postgresql.pid, postgresql.port
    postgresql.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)
    postgresql.start()
    assert row_count(url) == 1
    assert (postgresql.port, postgresql.pid != before) == (port, True)


def test_a_crashed_backend_ends_every_connection_and_the_server_recovers(postgresql: PostgreSQL) -> None:
    url = table(postgresql, "crashed")
    with psycopg.connect(url, autocommit=True) as connection:
        pid = postgresql.pid
        postgresql.crash_a_backend()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert (row_count(url), postgresql.pid) == (1, pid)


def test_a_frozen_database_answers_nothing_and_goes_on(postgresql: PostgreSQL) -> None:
    url = table(postgresql, "frozen")
    with frozen(postgresql), pytest.raises(psycopg.OperationalError, match="timeout"):
        psycopg.connect(url, connect_timeout=2)
    assert row_count(url) == 1


def test_a_durable_database_flushes_and_a_fast_one_does_not(postgresql: PostgreSQL) -> None:
    def setting(service: PostgreSQL) -> tuple[str, ...]:
        with psycopg.connect(service.url()) as connection:
            row = connection.execute("SELECT current_setting('fsync')").fetchone()
        assert row is not None
        return tuple(row)

    assert setting(postgresql) == ("on",)
    with PostgreSQL() as fast:
        assert setting(fast) == ("off",)
        assert fast.port != postgresql.port


def test_nobody_gets_in_without_the_password(postgresql: PostgreSQL, redis_service: Redis) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(postgresql.url().replace(":", ":x", 2).replace("postgresql:x", "postgresql:"))
    stranger = redis.Redis.from_url(f"redis://127.0.0.1:{redis_service.port}/0", retry=Retry(NoBackoff(), 0))
    with stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_a_killed_redis_forgets_and_comes_back_on_its_port(redis_service: Redis) -> None:
    with redis_service.client() as client:
        client.set("word", "kept")
        assert client.get("word") == b"kept"
    redis_service.kill()
    assert not redis_service.is_running
    with redis_service.client() as client, pytest.raises(redis.ConnectionError):
        client.ping()
    redis_service.start()
    with redis_service.client() as client:
        assert client.get("word") is None


def test_a_frozen_redis_lets_callers_wait(redis_service: Redis) -> None:
    with redis_service.client() as client:
        with frozen(redis_service), pytest.raises(redis.TimeoutError):
            client.ping()
        assert client.ping()


def test_a_process_that_ends_meanwhile_stops_no_one_from_stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    with Redis() as service:
        known = service.pids
        monkeypatch.setattr(service, "pids", lambda: [*known(), gone.pid])
        with frozen(service), service.client() as client, pytest.raises(redis.TimeoutError):
            client.ping()
        with service.client() as client:
            assert client.ping()


def test_a_closed_service_leaves_no_process_and_no_file() -> None:
    service = Redis()
    pid, folder = service.pid, service.folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    service.close()
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not Path(f"/proc/{pid}").exists()
