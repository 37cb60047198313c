"""Real PostgreSQL and Redis, started by the tests on ports of their own, with data in folders that go away.

They can be stopped, killed as a power cut would, frozen, and started again on the same port and data. Nothing of a
database that runs on the machine already is used or touched. Whoever starts one stops it: use them as context managers.
Linux: children are found through ``/proc``.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
import redis
from psycopg import sql
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.ports import ReservedPort

START_SECONDS = 30.0
STOP_SECONDS = 30.0
_STEP_SECONDS = 0.02


class ServiceFailed(AssertionError):
    """A service is not installed, did not start or did not end; holds the end of its log."""


class Service:
    """One server process on a reserved port, with a folder of its own."""

    name = "service"

    def __init__(self) -> None:
        self._port = ReservedPort()
        self.folder = Path(tempfile.mkdtemp(prefix=f"peerchat-{self.name}-"))
        self.log = self.folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return self._port.number

    @property
    def pid(self) -> int:
        """The main process's id."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def pids(self) -> list[int]:
        """Return the main process and its children."""
        return [self.pid, *_children(self.pid)] if self.is_running else []

    def start(self) -> None:
        """Start on the same port and data as ever, and return once it answers."""
        assert not self.is_running
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A Ctrl-C is for the tests: they stop it in their own order.
                start_new_session=True,
                **_as_user(),
            )
        try:
            _wait_until(self._answers, lambda: self.is_running)
        except TimeoutError:
            self.kill()
            raise self._failed("did not start") from None

    def stop(self) -> None:
        """Let it end in good order."""
        if not self.is_running:
            return
        self.resume()
        family = self.pids()
        os.kill(self.pid, self._stop_signal)
        self._wait_for_end(family)

    def kill(self) -> None:
        """End every process of it at once, as a power cut would (``kill -9``)."""
        if not self.is_running:
            return
        # The parent first and frozen: else it would start new children, or tidy up.
        os.kill(self.pid, signal.SIGSTOP)
        family = self.pids()
        for pid in reversed(family):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._wait_for_end(family)

    def restart(self) -> None:
        """Stop it in good order if it runs, and start it again."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Let every process of it hang until ``resume``: connections stay open, and nothing answers."""
        self._signal_everyone(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after ``freeze``."""
        self._signal_everyone(signal.SIGCONT)

    def close(self) -> None:
        """Stop it and remove all that it had."""
        try:
            self.stop()
        finally:
            self._port.release()
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- for each kind -----------------------------------------------------------------------------------

    _stop_signal = signal.SIGTERM

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    # --- shared ------------------------------------------------------------------------------------------

    def _signal_everyone(self, number: signal.Signals) -> None:
        for pid in self.pids():
            # A backend ends with its connection, at any moment.
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _wait_for_end(self, family: list[int]) -> None:
        assert self._process is not None
        try:
            self._process.wait(STOP_SECONDS)
            # Children of a killed parent may outlive it for a moment, with its shared memory.
            _wait_until(lambda: not any(_is_alive(pid) for pid in family), lambda: True)
        except (subprocess.TimeoutExpired, TimeoutError):
            raise self._failed("did not end") from None

    def _failed(self, what: str) -> ServiceFailed:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return ServiceFailed(f"{self.name} {what}\n{text[-4000:]}")


class PostgreSQL(Service):
    """A database cluster. ``durable``: it flushes as in production, for tests that crash it; else it is fast."""

    name = "postgresql"
    # "Fast" shutdown: open connections are ended, what was committed is kept.
    _stop_signal = signal.SIGINT

    def __init__(self, *, durable: bool = False) -> None:
        super().__init__()
        self._password = secrets.token_hex(16)
        self._durable = durable
        self._data = self.folder / "data"
        self._programs = _postgresql_programs()
        try:
            self._initialise()
            self.start()
        except BaseException:
            self.close()
            raise

    def url(self, database: str = "postgres") -> str:
        """Return where ``database`` is, in the form of ``PEERCHAT_DATABASE_URL``."""
        return f"postgresql://postgres:{self._password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """Make an empty database; return its URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def crash_a_backend(self) -> None:
        """Kill the process of one connection: the server ends all others, recovers from its log, and goes on."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            os.kill(connection.info.backend_pid, signal.SIGKILL)
            with suppress(psycopg.Error):
                connection.execute("SELECT 1")
        _wait_until(self._answers, lambda: self.is_running)

    def _initialise(self) -> None:
        _give_away(self.folder)
        password = self.folder / "password"
        password.write_text(self._password)
        _give_away(password)
        done = subprocess.run(
            [
                str(self._programs / "initdb"),
                f"--pgdata={self._data}",
                "--username=postgres",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                # Texts sort by bytes, whatever the machine's language is.
                "--no-locale",
                "--no-sync",
            ],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            **_as_user(),
        )
        password.unlink()
        if done.returncode:
            raise ServiceFailed(f"initdb ended with {done.returncode}\n{done.stderr[-4000:]}")

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 60,
            "shared_buffers": "64MB",
            # /dev/shm is tiny in many containers.
            "dynamic_shared_memory_type": "mmap",
            "autovacuum_naptime": "5min",
            # As the deployment notes ask: statements hold ids.
            "log_statement": "none",
            "log_min_error_statement": "panic",
            "lc_messages": "C",
            "timezone": "UTC",
        }
        if not self._durable:
            settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [str(self._programs / "postgres"), f"-D{self._data}", *options]

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


class Redis(Service):
    """A Redis that keeps nothing: only hints pass through it."""

    name = "redis"

    def __init__(self) -> None:
        super().__init__()
        self._password = secrets.token_hex(16)
        self._program = _program("redis-server", [])
        try:
            _give_away(self.folder)
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """Where it is, in the form of ``PEERCHAT_REDIS_URL``."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        """Return a client of it that never tries twice; close it after use."""
        return redis.Redis.from_url(self.url, socket_timeout=0.5, retry=Retry(NoBackoff(), 0))

    def _command(self) -> list[str]:
        return [
            str(self._program),
            *("--port", str(self.port), "--bind", "127.0.0.1", "--requirepass", self._password),
            *("--save", "", "--appendonly", "no", "--dir", str(self.folder), "--daemonize", "no"),
        ]

    def _answers(self) -> bool:
        client = self.client()
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()


@contextmanager
def frozen(service: Service) -> Iterator[None]:
    """Let ``service`` hang inside the block."""
    service.freeze()
    try:
        yield
    finally:
        service.resume()


# --- the machine -------------------------------------------------------------------------------------------


def _postgresql_programs() -> Path:
    """Return the folder of PostgreSQL's server programs, which Debian keeps off ``PATH``."""
    folders: list[Path] = []
    if pg_config := shutil.which("pg_config"):
        told = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, timeout=30)
        folders.append(Path(told.stdout.strip()))
    versions = (path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit())
    folders += sorted(versions, key=lambda path: int(path.parent.name), reverse=True)
    initdb = _program("initdb", folders)
    # Where a link on PATH leads: its neighbours need not be linked.
    return initdb.resolve().parent


def _program(name: str, folders: Sequence[Path]) -> Path:
    for folder in folders:
        if os.access(folder / name, os.X_OK):
            return folder / name
    found = shutil.which(name)
    if found is None:
        raise ServiceFailed(f"{name} is not installed: `make setup` installs it, or says how")
    return Path(found)


def _unprivileged() -> pwd.struct_passwd | None:
    """Return whom services run as when we are root, which PostgreSQL refuses; ``None``: as ourselves."""
    if os.getuid():
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServiceFailed("root needs a user 'postgres' or 'nobody' to run PostgreSQL as")


def _as_user() -> dict[str, Any]:
    user = _unprivileged()
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _give_away(path: Path) -> None:
    user = _unprivileged()
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


def _status(pid: int) -> tuple[str, int] | None:
    """Return state and parent of a process; ``None``: there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name stands in brackets and may hold anything.
    state, parent = text.rpartition(")")[2].split()[:2]
    return state, int(parent)


def _children(pid: int) -> list[int]:
    everyone = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [one for one in everyone if (status := _status(one)) is not None and status[1] == pid]


def _is_alive(pid: int) -> bool:
    status = _status(pid)
    # In a container nobody may ever collect a zombie.
    return status is not None and status[0] not in "ZX"


def _wait_until(reached: Callable[[], bool], possible: Callable[[], bool]) -> None:
    """Return once ``reached``; raise ``TimeoutError`` after ``START_SECONDS``, or once it is not ``possible``."""
    deadline = time.monotonic() + START_SECONDS
    while not reached():
        if not possible() or time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(_STEP_SECONDS)
