"""Several real ``peerchat serve`` processes on one port, which they share by a socket that we hold: as systemd does it.

While a process is stopped or gone, the others take what comes: a socket that opens meanwhile is theirs.
"""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.server import PROJECT, READY_SECONDS, STOP_SECONDS, ServerFailed, environment_for, manage

# In the child, before it becomes the server: sd_listen_fds(3) asks for descriptor 3 and the process's own id.
_HAND_OVER = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1');"
    " os.execv(sys.executable, [sys.executable, '-m', 'peerchat', 'serve'])"
)
BACKLOG = 4096


@dataclass
class ClusterProcess:
    """One of them; ``log`` holds the output of all its lives."""

    log: Path
    environment: dict[str, str] = field(repr=False)
    listener: socket.socket = field(repr=False)
    process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Start it, and do not wait."""
        number = self.listener.fileno()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _HAND_OVER, str(number)],
                cwd=PROJECT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(number,),
            )

    def wait_until_listening(self, *, lives: int) -> None:
        """Return once it listens, for the ``lives``-th time."""
        assert self.process is not None
        deadline = time.monotonic() + READY_SECONDS
        while self.times_it_listened() < lives:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise ServerFailed(f"the server did not start\n{self.log.read_text()[-4000:]}")
            time.sleep(0.02)

    def times_it_listened(self) -> int:
        return len(re.findall(r"serve\.listening", self.log.read_text())) if self.log.exists() else 0

    def start(self) -> None:
        """Start it, and return once it listens."""
        lives = self.times_it_listened() + 1
        self.begin()
        self.wait_until_listening(lives=lives)

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it hang inside the block."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(STOP_SECONDS)

    def stop(self) -> None:
        """Let it drain and end in good order."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerFailed(f"the server did not end\n{self.log.read_text()[-4000:]}") from None
        if status:
            raise ServerFailed(f"the server ended with {status}\n{self.log.read_text()[-4000:]}")


class Cluster:
    """``url`` is the origin. ``behind``: a port of a proxy of ours that clients come through."""

    def __init__(self, tmp_path: Path, *, processes: int, behind: int | None = None, **settings: str) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{behind or self.port}"
        self.environment = environment_for(tmp_path, origin=self.url, **settings)
        self.data_dir = tmp_path / "data"
        self.processes = [
            ClusterProcess(tmp_path / f"server-{number}.log", self.environment, self._listener)
            for number in range(processes)
        ]

    def manage(self, *arguments: str) -> str:
        """Run another ``peerchat`` command on the same data and return what it printed."""
        return manage(self.environment, *arguments)

    def start(self) -> None:
        """Migrate, and start all of them."""
        self.manage("migrate", "--no-input")
        for one in self.processes:
            one.begin()
        for one in self.processes:
            one.wait_until_listening(lives=1)

    def logs(self) -> str:
        """Return what all of them logged."""
        return "".join(one.log.read_text() for one in self.processes if one.log.exists())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for one in self.processes:
                if error is not None:
                    one.kill()
                else:
                    one.stop()
        finally:
            for one in self.processes:
                one.kill()
            self._listener.close()
