"""A real ``peerchat serve`` in a process of its own, on a free port of this machine, with its own data
folder.

``start_server`` migrates, starts and waits until it is ready. ``restart`` keeps port and data, as a
supervisor would. Whoever starts one stops it: use it as a context manager.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen

from tests.support.ports import ReservedPort

PROJECT = Path(__file__).resolve().parent.parent.parent
READY_SECONDS = 60.0
STOP_SECONDS = 40.0


class ServerFailed(AssertionError):
    """The server did not start, or ended by itself; holds the end of its log."""


@dataclass
class RunningServer:
    """``url`` is the origin. ``log`` holds standard output and error of all its lives."""

    reserved: ReservedPort
    data_dir: Path
    log: Path
    environment: dict[str, str] = field(repr=False)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.reserved.number}"

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "peerchat", "serve"]

    def manage(self, *arguments: str) -> str:
        """Run another ``peerchat`` command on the same data and return what it printed."""
        return manage(self.environment, *arguments)

    def start(self) -> None:
        """Start the process and return once it is ready for work."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=PROJECT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise ServerFailed(f"the server did not start\n{self.log.read_text()[-4000:]}")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            with urlopen(f"{self.url}/readyz", timeout=2) as answer:  # noqa: S310 - loopback, see url
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def terminate(self) -> None:
        """Ask it to drain and end, and do not wait."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Wait for its end and return its status."""
        assert self.process is not None
        return self.process.wait(STOP_SECONDS)

    def stop(self) -> int:
        """Let it drain and end; return its status."""
        if self.process is None or self.process.poll() is not None:
            return 0 if self.process is None else self.process.returncode
        self.terminate()
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerFailed(f"the server did not end\n{self.log.read_text()[-4000:]}") from None

    def kill(self) -> None:
        """End it as a power cut would (``kill -9``)."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(STOP_SECONDS)

    def restart(self) -> None:
        """Start it again on the same port and data, after ``stop`` or ``kill``."""
        if self.process is not None and self.process.poll() is None:
            self.stop()
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is not None:
                self.kill()
            else:
                self.stop()
        finally:
            self.reserved.release()


def start_server(tmp_path: Path, **settings: str) -> RunningServer:
    """Return a server that is ready. ``settings`` are ``PEERCHAT_`` settings by their names in lower case."""
    data_dir = _folder(tmp_path / "data")
    reserved = ReservedPort()
    environment = environment_for(tmp_path, port=str(reserved.number), **settings)
    server = RunningServer(
        reserved=reserved, data_dir=data_dir, log=tmp_path / "server.log", environment=environment
    )
    try:
        server.manage("migrate", "--no-input")
        server.start()
    except BaseException:
        reserved.release()
        raise
    return server


def manage(environment: dict[str, str], *arguments: str) -> str:
    """Run a ``peerchat`` command in ``environment`` and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "peerchat", *arguments],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode:
        raise ServerFailed(f"peerchat {arguments[0]} ended with {done.returncode}\n{done.stderr}")
    return done.stdout


def environment_for(tmp_path: Path, **settings: str) -> dict[str, str]:
    """Return the environment of a process whose data lies in ``tmp_path``; it sees no setting of the shell's."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PEERCHAT_")}
    environment |= {
        "PEERCHAT_DATA_DIR": str(_folder(tmp_path / "data")),
        "PEERCHAT_DEBUG": "1",
        # Where a crash would leave something, the tests look for it.
        "TMPDIR": str(_folder(tmp_path / "tmp")),
        **{f"PEERCHAT_{name.upper()}": value for name, value in settings.items()},
    }
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    return environment


def _folder(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
