"""The servers that are compared, each in processes of its own on ports of its own, and how the load reaches them."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.support.ports import ReservedPort
from tests.support.services import PostgreSQL, Redis

PROJECT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0


@dataclass(frozen=True)
class Shape:
    """How many rooms of how many people."""

    rooms: int
    members: int

    def __str__(self) -> str:
        return f"{self.rooms}x{self.members}"


@dataclass
class Contender:
    """A server that runs. ``helpers``: the database's processes and Redis, whose CPU is told beside ours."""

    name: str
    kind: str
    rooms: list[dict[str, Any]]
    servers: list[int]
    services: list[PostgreSQL | Redis] = field(default_factory=list)

    def job(self, *, phases: list[dict[str, Any]], payload_bytes: int) -> dict[str, Any]:
        """Return what ``bench.load`` is told."""
        return {
            "kind": self.kind,
            "rooms": self.rooms,
            "servers": self.servers,
            "helpers": [pid for service in self.services for pid in service.pids()],
            "bytes": payload_bytes,
            "phases": phases,
        }


class Bench:
    """Starts contenders; everything ends with it."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="peerchat-bench-")))
        self._postgresql: PostgreSQL | None = None
        self._redis: Redis | None = None

    # --- others ----------------------------------------------------------------------------------------------

    def bare(self, shape: Shape) -> Contender:
        """Start the bare picows server."""
        port = self._port()
        pid = self._spawn(f"bare-{shape}", [sys.executable, "-m", "bench.bare", str(port)])
        return self._plain("picows", "bare", shape, port, pid)

    def tutorial(self, shape: Shape) -> Contender:
        """Start the tutorial's chat on Daphne, as its page says but for the access log, which costs CPU."""
        port = self._port()
        command = [
            sys.executable,
            "-m",
            "daphne",
            "-p",
            str(port),
            "--verbosity",
            "0",
            "bench.tutorial:application",
        ]
        return self._plain("tutorial", "tutorial", shape, port, self._spawn(f"tutorial-{shape}", command))

    def _plain(self, name: str, kind: str, shape: Shape, port: int, pid: int) -> Contender:
        _wait_for_port(port)
        rooms = [
            {
                "id": f"{number:032x}",
                "epoch": 0,
                "members": [
                    {"url": f"ws://127.0.0.1:{port}/{number}", "headers": []} for _ in range(shape.members)
                ],
            }
            for number in range(shape.rooms)
        ]
        return Contender(name=name, kind=kind, rooms=rooms, servers=[pid])

    # --- ours ------------------------------------------------------------------------------------------------

    def ours(
        self, shape: Shape, *, server: str = "daphne", database: str = "sqlite", processes: int = 1
    ) -> Contender:
        """Start ours; more than one process needs PostgreSQL, and gets Redis."""
        name = f"ours-{server}-{database}" + (f"-{processes}" if processes > 1 else "")
        folder = self._folder / f"{name}-{shape}"
        folder.mkdir()
        first = self._port()
        settings = {
            "DATA_DIR": str(folder),
            "DEBUG": "1",
            "SERVER": server,
            "ORIGIN": f"http://127.0.0.1:{first}",
        }
        services: list[PostgreSQL | Redis] = []
        if database == "postgresql":
            if self._postgresql is None:
                self._postgresql = self._stack.enter_context(PostgreSQL(durable=True))
            services.append(self._postgresql)
            settings["DATABASE_URL"] = self._postgresql.create_database(folder.name)
        if processes > 1:
            if self._redis is None:
                self._redis = self._stack.enter_context(Redis())
            services.append(self._redis)
            settings["REDIS_URL"] = self._redis.url
        seeded = self._seed(settings, shape, folder)
        ports = [first, *(self._port() for _ in range(processes - 1))]
        pids = [self._serve(name, settings, port) for port in ports]
        for port in ports:
            _wait_until_ready(port)
        rooms = [
            {
                "id": room["room_id"],
                "epoch": room["epoch"],
                "members": [
                    {
                        "url": f"ws://127.0.0.1:{ports[number % processes]}/ws",
                        "headers": [
                            ("Origin", seeded["origin"]),
                            ("Cookie", f"pc_session={person['session']}"),
                            ("Sec-WebSocket-Protocol", "peerchat.1"),
                        ],
                    }
                    for number, person in enumerate(room["members"])
                ],
            }
            for room in seeded["rooms"]
        ]
        return Contender(name=name, kind="ours", rooms=rooms, servers=pids, services=services)

    def _seed(self, settings: dict[str, str], shape: Shape, folder: Path) -> dict[str, Any]:
        out = folder / "seed.json"
        for command in (
            ["migrate", "--no-input", "-v0"],
            ["seed", "--rooms", str(shape.rooms), "--members", str(shape.members), "--out", str(out)],
        ):
            subprocess.run(
                [sys.executable, "-m", "peerchat", *command],
                cwd=PROJECT,
                env=_environment(settings),
                check=True,
                stdout=subprocess.DEVNULL,
            )
        seeded: dict[str, Any] = json.loads(out.read_text())
        return seeded

    def _serve(self, name: str, settings: dict[str, str], port: int) -> int:
        command = [sys.executable, "-m", "peerchat", "serve"]
        return self._spawn(f"{name}-{port}", command, _environment({**settings, "PORT": str(port)}))

    # --- processes -------------------------------------------------------------------------------------------

    def _port(self) -> int:
        return self._stack.enter_context(ReservedPort()).number

    def _spawn(self, name: str, command: list[str], environment: dict[str, str] | None = None) -> int:
        log = self._stack.enter_context((self._folder / f"{name}.log").open("wb"))
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        self._stack.callback(_end, process)
        return process.pid


@contextmanager
def bench() -> Iterator[Bench]:
    """Run contenders inside the block."""
    with ExitStack() as stack:
        yield Bench(stack)


def _environment(settings: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PEERCHAT_")}
    return kept | {f"PEERCHAT_{name}": value for name, value in settings.items()}


def _end(process: subprocess.Popen[bytes]) -> None:
    # Nothing of a bench is kept, so nothing is drained.
    process.kill()
    process.wait()


def _wait_for_port(port: int) -> None:
    import socket

    _wait(lambda: socket.create_connection(("127.0.0.1", port), timeout=1).close())


def _wait_until_ready(port: int) -> None:
    _wait(lambda: urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2).close())


def _wait(attempt: Any) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with suppress(OSError):
            attempt()
            return
        if time.monotonic() > deadline:
            raise TimeoutError("a server did not start")
        time.sleep(0.05)
