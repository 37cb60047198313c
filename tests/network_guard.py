"""Refuses every connection and name look-up that leaves this machine, and remembers that it was tried.

A test that reaches out is slow, flaky, and tells a stranger that it ran. The guard hooks the interpreter's audit
events, below every library. It does not see a child process, nor C code with sockets of its own (libpq).
"""

from __future__ import annotations

import ipaddress
import sys
from typing import Any


class NetworkRefused(OSError):
    """A test tried to leave the loopback interface."""


def _is_loopback(host: str | bytes) -> bool:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name == "localhost":
        return True
    try:
        # A zone ("fe80::1%eth0") is no part of the address.
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


class NetworkGuard:
    """One for the process: an audit hook cannot be taken out again."""

    def __init__(self) -> None:
        self.attempts: list[str] = []

    def install(self) -> None:
        sys.addaudithook(self._audit)

    def take_attempts(self) -> list[str]:
        """The attempts since the last call."""
        taken, self.attempts = self.attempts, []
        return taken

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.sendto"):
            address = args[1]
            # Unix sockets have a path for an address, and stay on this machine.
            if isinstance(address, tuple) and not _is_loopback(address[0]):
                self._refuse(f"{event} to {address[0]} port {address[1]}")
        elif event == "socket.getaddrinfo":
            host = args[0]
            # None and the unspecified address are for listening.
            if host not in (None, "", b"", "0.0.0.0", "::") and not _is_loopback(host):  # noqa: S104
                self._refuse(f"look-up of {host}")

    def _refuse(self, attempt: str) -> None:
        self.attempts.append(attempt)
        raise NetworkRefused(f"tests stay on this machine: {attempt}")


guard = NetworkGuard()
