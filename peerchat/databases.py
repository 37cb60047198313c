"""What Django is told about each of the two databases: how durable, how many connections, and when to give up."""

from pathlib import Path
from typing import Any

_SQLITE_PRAGMAS = (
    # Readers go on while one writes. FULL: an acknowledged message survives a power cut.
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"
    # What is deleted is overwritten. The WAL keeps copies for a while: only a destroyed key is sure.
    "PRAGMA secure_delete=ON;"
    "PRAGMA busy_timeout=5000;"
)

# A database that does not answer costs a caller this long, and then an error that it recovers from.
_POSTGRESQL_LIMITS = {
    "connect_timeout": 5,
    # A cut network is noticed in about 15 s, also while we wait for an answer.
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    # A process that hangs must not hold a room's lock for ever, nor a queue before one grow without end.
    "options": "-c lock_timeout=10s -c idle_in_transaction_session_timeout=30s",
}
POOL_MAX = 16
"""Connections of one process: writer, readers, keeper, and ten HTTP calls at once; the others wait their turn."""


def database(url: str, *, test_file: Path) -> dict[str, Any]:
    """Return Django's settings for ``url``, which ``config`` checked. Tests on SQLite use ``test_file``."""
    return _postgresql(url) if url.startswith("postgresql:") else _sqlite(url, test_file)


def _sqlite(url: str, test_file: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": url.removeprefix("sqlite:///"),
        "OPTIONS": {"init_command": _SQLITE_PRAGMAS, "transaction_mode": "IMMEDIATE", "timeout": 5},
        # A file, since the writer's thread has a connection of its own.
        "TEST": {"NAME": str(test_file)},
    }


def _postgresql(url: str) -> dict[str, Any]:
    """Isolation is READ COMMITTED, PostgreSQL's default: what must not change meanwhile is locked by row.

    The pool keeps connections open and looks whether one lives before it lends it. Django's own persistent connections
    belong to a thread, and under ASGI each call has a thread of its own: a thousand phones that come back at once would
    be a thousand connections.
    """
    from psycopg.conninfo import conninfo_to_dict

    given: dict[str, Any] = {
        name: value for name, value in conninfo_to_dict(url).items() if value is not None
    }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": given.pop("dbname"),
        "USER": given.pop("user", ""),
        "PASSWORD": given.pop("password", ""),
        "HOST": given.pop("host", ""),
        "PORT": given.pop("port", ""),
        "CONN_HEALTH_CHECKS": True,
        # A transaction-pooling proxy in between may lend another connection for each transaction.
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": {
            **_POSTGRESQL_LIMITS,
            **given,
            "pool": {
                "min_size": 1,
                "max_size": POOL_MAX,
                "timeout": 10,
                # After an outage the pool waits twice as long before each try: begin anew instead of waiting long.
                "reconnect_timeout": 3,
            },
        },
    }
