"""A port of this machine that nobody else can take while a test needs it, also while its server is down.

Asking for a free port and binding it later is a race, and a server that a test kills would lose its port before the
restart. Here a socket is bound and never listens: the kernel gives its port to nobody who asks for any port, nor to an
outgoing connection, yet a server that sets ``SO_REUSEADDR`` (PostgreSQL, Redis, Twisted, asyncio) may listen there.
Linux.
"""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Self


class ReservedPort:
    """``number`` is ours until ``release``."""

    def __init__(self) -> None:
        self._holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._holder.bind(("127.0.0.1", 0))
        self.number = int(self._holder.getsockname()[1])

    def release(self) -> None:
        """Give the port back."""
        self._holder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
