"""Where a page may be sent, and a connection that goes there and nowhere else.

A counselor gives the address of a webhook, so without care our server could be made to call machines inside its own
network. A name is resolved once, every address behind it must be public, and the connection is made to an address that
was checked: a name that answers differently the second time (DNS rebinding) gains nothing. No redirects are followed.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
from dataclasses import dataclass, field
from urllib.parse import urlsplit

SECONDS_MAX = 8.0
"""For the whole call, however slowly the other side answers."""
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


class TargetRefused(Exception):
    """The address is none that a page may go to. It says no more: the text could hold the address."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart; ``path`` may hold a token, so nothing of it is printed."""

    scheme: str
    host: str
    port: int
    path: str = field(repr=False)


def read_target(url: str, *, allow_private: bool) -> Target:
    """Return the parts of ``url``. Raises ``TargetRefused`` for all but ``https`` (``http`` too, if private)."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except ValueError as error:
        raise TargetRefused from error
    schemes = ("https", "http") if allow_private else ("https",)
    if parts.scheme not in schemes or not host or parts.username is not None or parts.fragment:
        raise TargetRefused
    if not url.isascii() or not url.isprintable() or " " in url:
        raise TargetRefused
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), path)


def is_public(address: str) -> bool:
    """Return whether ``address`` is one of the open internet, whatever it is wrapped in."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and any(ip in network for network in _NAT64):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def resolve(target: Target, *, allow_private: bool) -> list[str]:
    """Return the addresses behind the name, all of them checked. Raises ``TargetRefused``, ``OSError``."""
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if not addresses or not (allow_private or all(is_public(one) for one in addresses)):
        raise TargetRefused
    return addresses


def post(
    target: Target,
    body: bytes,
    headers: dict[str, str],
    *,
    allow_private: bool,
    seconds: float = SECONDS_MAX,
) -> int:
    """Post ``body`` and return the status; the answer's body is not read. Raises ``TargetRefused``, ``OSError``,
    ``http.client.HTTPException``."""
    address = resolve(target, allow_private=allow_private)[0]
    connection = _Checked(target, address, timeout=seconds)
    # A time-out counts for each byte that comes: one who sends a byte a second would hold us for hours.
    cut = threading.Timer(seconds, connection.cut)
    cut.daemon = True
    cut.start()
    try:
        connection.request("POST", target.path, body, headers)
        return connection.getresponse().status
    finally:
        cut.cancel()
        connection.close()


class _Checked(http.client.HTTPConnection):
    """Connects to the checked address; name and certificate are still the target's."""

    def __init__(self, target: Target, address: str, *, timeout: float) -> None:
        super().__init__(target.host, target.port, timeout=timeout)
        self._target, self._address = target, address

    def connect(self) -> None:
        raw = socket.create_connection((self._address, self._target.port), self.timeout)
        if self._target.scheme == "https":
            raw = ssl.create_default_context().wrap_socket(raw, server_hostname=self._target.host)
        self.sock = raw

    def cut(self) -> None:
        sock = self.sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return
