"""The only reader of the environment: one frozen value, checked at start.

A setting that is misspelt, impossible or unsafe stops the start with a message that names it and says what would be
right; nothing falls back to a guess. ``settings`` maps the value to Django's names; all other code uses
``settings.PEERCHAT``.
"""

import os
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

PREFIX = "PEERCHAT_"
# Read by the tests and scripts, not by the server; a shell that has them set must not stop it.
_NOT_FOR_THE_SERVER = frozenset({"PEERCHAT_CHROMIUM", "PEERCHAT_TEST_DATABASE"})
_SECRET_MIN_CHARS = 32
T = TypeVar("T")
ServerKind = Literal["daphne", "uvicorn"]
KeeperPlace = Literal["inside", "apart"]


class SettingsWrong(Exception):
    """What is wrong with the environment, one line for each setting. Says no value: it could be a secret."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port as a browser writes them in ``Origin``."""

    scheme: Literal["http", "https"]
    host: str
    port: int

    def __str__(self) -> str:
        default = 443 if self.scheme == "https" else 80
        return f"{self.scheme}://{self.host}" + ("" if self.port == default else f":{self.port}")

    @property
    def websocket(self) -> str:
        """The same place for a WebSocket, as a content security policy names it."""
        return "ws" + str(self).removeprefix("http")

    @property
    def is_secure(self) -> bool:
        return self.scheme == "https"

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)


@dataclass(frozen=True, slots=True)
class Relay:
    """The mail server that carries pages, and the address that they come from."""

    host: str
    port: int
    tls: Literal["starttls", "implicit", "none"]
    user: str
    password: str = field(repr=False)
    sender: str


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting. ``docs/settings.md`` says for each what it is for; a test compares the two."""

    debug: bool
    """Allows the demo community. Only on a loopback origin, so that no real deployment can turn it on by mistake."""
    host: str
    """The address to listen on."""
    port: int
    """The TCP port to listen on."""
    listen_fd: int | None
    """A listening socket that systemd, or whoever started us, handed over; ``host`` and ``port`` are unused then."""
    origin: Origin
    """Where browsers find this deployment; writes and sockets from any other origin are refused."""
    data_dir: Path
    """Where the database, the key file and the server's secret live."""
    database_url: str = field(repr=False)
    """``sqlite:///`` and an absolute path, or ``postgresql://``; more than one process needs the latter."""
    redis_url: str | None = field(repr=False)
    """Channel layer between processes; ``None``: one process, in memory."""
    secret_key: str = field(repr=False)
    """Signs sign-in challenges. Never leaves this deployment."""
    server: ServerKind
    """The web server that ``peerchat serve`` starts."""
    keeper: KeeperPlace
    """Where the keeper runs: in every ``peerchat serve``, or as ``peerchat keeper`` alone. One works at a time."""
    drain_seconds: int
    """How long a server that was told to stop lets sockets and requests end."""
    heartbeat_seconds: int
    """How often a silent socket is asked whether it is still there."""
    connections_max: int
    """How many TCP connections this process takes; more are closed at once."""
    smtp: Relay | None = field(repr=False)
    """Carries pages by e-mail; ``None``: no contact can be an e-mail address."""
    page_private_targets: bool
    """Lets webhooks lead to private addresses, and by plain http: for a pager in one's own network, and for tests."""
    title: str
    """What the browser's tab, history and bookmarks show: nothing that gives the purpose away."""
    exit_url: str
    """The ordinary page that the exit leads to."""
    shell_dir: Path
    """The built app (``make build``)."""

    @property
    def key_file(self) -> Path:
        """The preallocated file of keys that are destroyed by overwriting. In no backup."""
        return self.data_dir / "keys.bin"


def is_loopback(host: str) -> bool:
    """Return whether ``host`` (a name or an address, IPv6 with or without brackets) is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def load(environ: Mapping[str, str] | None = None) -> Config:
    """Return the configuration in ``environ`` (the process's own, if none is given).

    Creates ``data_dir`` and, where no secret key is given, a file with a fresh one in it. Raises ``SettingsWrong``.
    """
    return _Reader(os.environ if environ is None else environ).read()


class _Reader:
    """Collects every problem before it gives up, so that one start shows them all."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._given = {
            name: value
            for name, value in environ.items()
            if name.startswith(PREFIX) and name not in _NOT_FOR_THE_SERVER
        }
        self._handed_over = (environ.get("LISTEN_PID"), environ.get("LISTEN_FDS"))
        self._known: set[str] = set()
        self._problems: list[str] = []

    def read(self) -> Config:
        data_dir = self._take("DATA_DIR", _absolute, Path("var").resolve())
        host = self._take("HOST", _host, "127.0.0.1")
        port = self._take("PORT", _whole(1, 65_535), 8000)
        debug = self._take("DEBUG", _yes_or_no, False)
        here = Origin("http", f"[{host}]" if ":" in host else host, port)
        origin = self._take("ORIGIN", _origin, here)
        if "PEERCHAT_ORIGIN" not in self._given and not is_loopback(host):
            self._problems.append(
                "PEERCHAT_ORIGIN is needed when PEERCHAT_HOST is not this machine alone: the address that people"
                " open, such as https://chat.example.org"
            )
        if debug and not origin.is_loopback:
            self._problems.append("PEERCHAT_DEBUG works only where PEERCHAT_ORIGIN is on this machine")
        given_key = self._take("SECRET_KEY", _secret, "")
        values = {
            "debug": debug,
            "host": host,
            "port": port,
            "listen_fd": self._listen_fd(),
            "origin": origin,
            "data_dir": data_dir,
            "database_url": self._take(
                "DATABASE_URL", _database_url, f"sqlite:///{data_dir / 'peerchat.sqlite3'}"
            ),
            "redis_url": self._take("REDIS_URL", _redis_url, None),
            "server": self._take("SERVER", _server, "daphne"),
            "keeper": self._take("KEEPER", _keeper, "inside"),
            "drain_seconds": self._take("DRAIN_SECONDS", _whole(0, 300), 10),
            "heartbeat_seconds": self._take("HEARTBEAT_SECONDS", _whole(1, 60), 25),
            "connections_max": self._take("CONNECTIONS_MAX", _whole(10, 100_000), 5_000),
            "smtp": self._take("SMTP", _relay, None),
            "page_private_targets": self._take("PAGE_PRIVATE_TARGETS", _yes_or_no, False),
            "title": self._take("TITLE", _title, "Notes"),
            "exit_url": self._take("EXIT_URL", _web_page, "https://www.wikipedia.org/"),
            "shell_dir": self._take("SHELL_DIR", _absolute, _PROJECT / "frontend" / "dist"),
        }
        unknown = sorted(self._given.keys() - self._known)
        self._problems += [f"{name} is not a setting; docs/settings.md lists them" for name in unknown]
        if self._problems:
            raise SettingsWrong(self._problems)
        return Config(**values, secret_key=given_key or _kept_secret(data_dir))  # type: ignore[arg-type]  # checked one by one above

    def _listen_fd(self) -> int | None:
        """Return the first handed-over socket (sd_listen_fds(3)); one that is meant for another process is not ours."""
        pid, count = self._handed_over
        if pid != str(os.getpid()):
            return None
        if count != "1":
            self._problems.append("LISTEN_FDS must be 1: this server listens on one socket")
        return 3

    def _take(self, name: str, parse: Callable[[str], T], default: T) -> T:
        name = PREFIX + name
        self._known.add(name)
        text = self._given.get(name, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self._problems.append(f"{name} {error}")
            return default


_PROJECT = Path(__file__).resolve().parent.parent


def _absolute(text: str) -> Path:
    return Path(text).expanduser().resolve()


def _yes_or_no(text: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if text.lower() not in known:
        raise ValueError("must be 1 or 0")
    return known[text.lower()]


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return parse


def _host(text: str) -> str:
    host = text.strip("[]")
    if not host or any(character.isspace() or character in "/@?#" for character in host):
        raise ValueError("must be an address or a name to listen on, such as 127.0.0.1")
    return host


def _origin(text: str) -> Origin:
    wrong = ValueError("must be scheme, host and perhaps port, such as https://chat.example.org")
    try:
        parts = urlsplit(text)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except ValueError as error:
        raise wrong from error
    if parts.scheme not in ("http", "https") or not host or parts.path or parts.query or parts.fragment:
        raise wrong
    if parts.username is not None or port == 0:
        raise wrong
    # Browsers offer WebCrypto and Web Locks to secure contexts alone: without them the app cannot run.
    if parts.scheme == "http" and not is_loopback(host) and not host.endswith(".onion"):
        raise ValueError("must be https:// unless it is on this machine")
    shown = f"[{host}]" if ":" in host else host
    return Origin(
        "https" if parts.scheme == "https" else "http",
        shown,
        port or (443 if parts.scheme == "https" else 80),
    )


def _database_url(text: str) -> str:
    if text.startswith("sqlite:////"):
        return text
    wrong = ValueError(
        "must be sqlite:/// and an absolute path, such as sqlite:////var/lib/peerchat/peerchat.sqlite3, or"
        " postgresql://USER:PASSWORD@HOST/NAME"
    )
    if not text.startswith("postgresql://"):
        raise wrong
    # Only here: whoever uses SQLite need not load libpq.
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        if not conninfo_to_dict(text).get("dbname"):
            raise wrong
    except ProgrammingError:
        # Not as the cause: libpq repeats the part that it does not like.
        raise wrong from None
    return text


def _relay(text: str) -> Relay:
    wrong = ValueError(
        "must be smtp://USER:PASSWORD@HOST:PORT?from=ADDRESS or smtps://..., and smtp+plain:// on this machine alone"
    )
    try:
        parts = urlsplit(text)
        port = parts.port
        senders = parse_qs(parts.query, strict_parsing=True).get("from", [])
    except ValueError:
        # Not as the cause: it could repeat a password.
        raise wrong from None
    tls: dict[str, tuple[Literal["starttls", "implicit", "none"], int]] = {
        "smtp": ("starttls", 587),
        "smtps": ("implicit", 465),
        "smtp+plain": ("none", 25),
    }
    if parts.scheme not in tls or not parts.hostname or parts.path or len(senders) != 1:
        raise wrong
    if parts.scheme == "smtp+plain" and not is_loopback(parts.hostname):
        raise wrong
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", senders[0]):
        raise wrong
    kind, usual = tls[parts.scheme]
    return Relay(
        host=parts.hostname,
        port=port or usual,
        tls=kind,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        sender=senders[0],
    )


def _redis_url(text: str) -> str:
    if urlsplit(text).scheme not in ("redis", "rediss", "unix"):
        raise ValueError("must begin with redis://, rediss:// or unix://")
    return text


def _server(text: str) -> ServerKind:
    if text == "daphne":
        return "daphne"
    if text == "uvicorn":
        return "uvicorn"
    raise ValueError("must be daphne or uvicorn")


def _keeper(text: str) -> KeeperPlace:
    if text == "inside":
        return "inside"
    if text == "apart":
        return "apart"
    raise ValueError("must be inside or apart")


def _title(text: str) -> str:
    if len(text) > 40 or not text.isprintable():
        raise ValueError("must be at most 40 visible characters")
    return text


def _web_page(text: str) -> str:
    parts = urlsplit(text)
    # A page on this machine serves nobody but a test.
    here = parts.scheme == "http" and is_loopback(parts.hostname or "")
    if not (parts.scheme == "https" or here) or not parts.hostname or not text.isprintable() or " " in text:
        raise ValueError("must be the https:// address of an ordinary page")
    return text


def _secret(text: str) -> str:
    if len(text) < _SECRET_MIN_CHARS:
        raise ValueError(f"must have at least {_SECRET_MIN_CHARS} characters, made at random")
    return text


def _kept_secret(data_dir: Path) -> str:
    """Return the secret kept in ``data_dir``; the first start makes it, readable by its own user alone."""
    path = data_dir / "secret.key"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            # Written whole under another name first: a second process that starts now must not read half of it.
            fresh = data_dir / f".secret.{os.getpid()}"
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_urlsafe(48), encoding="ascii")
            with suppress(FileExistsError):
                os.link(fresh, path)
            fresh.unlink()
        return _secret(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise SettingsWrong([f"PEERCHAT_DATA_DIR cannot be used: {error.strerror}"]) from error
    except ValueError as error:
        raise SettingsWrong([f"secret.key in PEERCHAT_DATA_DIR {error}"]) from error
