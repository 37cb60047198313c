"""Nothing of a person reaches a log, whoever writes it: tried with a canary in every place where one could stand."""

import asyncio
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from peerchat import logging as ours
from peerchat.asgi import application
from peerchat.logging import describe, event
from tests.peerchat.asgi_client import ask, write_headers

CANARY = "canary-6f1e"


class Seen(logging.Handler):
    """A handler of somebody else's, that prints all a record has."""

    def __init__(self) -> None:
        super().__init__(0)
        self.lines: list[str] = []
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self.lines.append(logging.Formatter("%(name)s %(levelname)s %(message)s").format(record))


@pytest.fixture
def seen() -> Iterator[Seen]:
    """Every record of the process, at every level."""
    handler = Seen()
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(0)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)


LIBRARIES = [
    "daphne",
    "daphne.server",
    "daphne.http_protocol",
    "twisted",
    "autobahn",
    "uvicorn.error",
    "uvicorn.access",
    "django.request",
    "django.security.DisallowedHost",
    "django.db.backends",
    "django.server",
    "asyncio",
    "channels_redis",
    "peerchat",
    "rooms.consumers",
    "",
]


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_record_keeps_where_it_came_from_and_loses_what_it_says(name: str, seen: Seen) -> None:
    logger = logging.getLogger(name)
    try:
        local = CANARY
        raise ValueError(f"it said {local}")
    except ValueError:
        logger.exception("%s timed out: %s", CANARY, {"path": CANARY}, stack_info=True)
    logger.error(f"disconnect {CANARY}")
    logger.error(CANARY, extra={"request": CANARY})
    assert len(seen.lines) == 3
    assert CANARY not in "\n".join(seen.lines)
    assert "raised builtins.ValueError at tests/peerchat/test_logging.py:" in seen.lines[0]
    assert "test_logging.test_a_record_keeps" in seen.lines[1]


def test_our_event_says_a_code_and_numbers(seen: Seen) -> None:
    event("writer.batch_failed", rooms=3, wait_ms=1.5)
    assert seen.lines == ["peerchat INFO writer.batch_failed rooms=3 wait_ms=1.5"]


@pytest.mark.parametrize("code", ["Something happened", f"{CANARY} x", "", "a..b", "a.b\n", "ä"])
def test_an_event_takes_no_words(code: str) -> None:
    with pytest.raises(ValueError, match="code"):
        event(code)


@pytest.mark.parametrize("value", [CANARY, b"x", None, ["x"]])
def test_an_event_takes_no_values_but_numbers(value: Any) -> None:
    with pytest.raises(ValueError, match="numbers"):
        event("a.b", value=value)


def test_an_error_is_told_by_its_type_its_causes_and_our_lines() -> None:
    def inner() -> None:
        raise KeyError(CANARY)

    try:
        try:
            inner()
        except KeyError as error:
            raise DatabaseError(CANARY) from error
    except DatabaseError as error:
        told = describe(error)
    first, second = told.split(" from ")
    assert first.startswith("django.db.utils.DatabaseError at tests/peerchat/test_logging.py:")
    assert second.startswith("builtins.KeyError at tests/peerchat/test_logging.py:")
    assert second.count("test_logging.py") == 2
    assert CANARY not in told


def test_a_warning_keeps_its_words_to_itself(seen: Seen) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        # Anew: pytest has put its own in between.
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn(CANARY, stacklevel=1)
    assert len(seen.lines) == 1
    assert CANARY not in seen.lines[0]


def test_the_handler_of_the_process_prints_one_line() -> None:
    record = logging.getLogRecordFactory()("daphne", 30, "/x/server.py", 7, CANARY, (CANARY,), None, "check")
    line = ours._Format().format(record)
    assert line.endswith("Z WARNING daphne server.check:7")
    by_hand = logging.LogRecord("x", 30, "/x/y.py", 7, "%s", (CANARY,), None)
    assert CANARY not in ours._Format().format(by_hand)


async def test_an_event_loop_tells_nothing_of_its_tasks(seen: Seen) -> None:
    loop = asyncio.get_running_loop()
    seen.lines.clear()
    ours.log_loop_error(loop, {"message": CANARY, "exception": RuntimeError(CANARY), "task": CANARY})
    loop.default_exception_handler({"message": CANARY, "exception": RuntimeError(CANARY)})
    assert len(seen.lines) == 2
    assert CANARY not in "\n".join(seen.lines)


def failing(request: HttpRequest) -> HttpResponse:
    secret = request.body.decode() + request.headers["x-canary"]
    raise RuntimeError(secret)


def querying(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM no_such_table WHERE word = %s", [CANARY])
    return HttpResponse()


urlpatterns = [path(f"fail/{CANARY}", failing), path("query", querying)]
handler500 = "peerchat.resources.views.broken"


@pytest.mark.parametrize("debug", [False, True])
async def test_a_request_that_breaks_leaves_no_trace_of_what_it_held(seen: Seen, debug: bool) -> None:
    body = f'{{"text": "{CANARY}"}}'.encode()
    headers = {
        **write_headers(body),
        "x-canary": CANARY,
        "cookie": f"pc_session={CANARY}",
        "user-agent": CANARY,
    }
    with override_settings(ROOT_URLCONF=__name__, DEBUG=False, DEBUG_PROPAGATE_EXCEPTIONS=False):
        answer = await ask(application, "POST", f"/fail/{CANARY}", body=body, headers=headers)
        assert (answer.status, answer.body) == (500, b"Something broke on our side.\n")
        await ask(application, "POST", f"/{CANARY}", body=b"", headers={**headers, "content-length": "0"})
    assert any(
        "raised builtins.RuntimeError at tests/peerchat/test_logging.py" in line for line in seen.lines
    )
    assert CANARY not in "\n".join(seen.lines)


def test_a_command_that_breaks_says_where_and_not_what(tmp_path: Path) -> None:
    program = (
        "import sys, threading\n"
        "from peerchat.logging import configure, take_over_hooks\n"
        "configure({}); take_over_hooks()\n"
        f"secret = '{CANARY}'\n"
        "thread = threading.Thread(target=lambda: {}[secret]); thread.start(); thread.join()\n"
        "class Trap:\n"
        "    def __del__(self): raise OSError(secret)\n"
        "Trap()\n"
        "raise ValueError(secret)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert CANARY not in done.stdout + done.stderr
    told = [line.split(" ", 3)[3] for line in done.stderr.splitlines()]
    assert told == [
        "thread.broken raised builtins.KeyError at elsewhere",
        "cleanup.broken raised builtins.OSError at elsewhere",
        "process.broken raised builtins.ValueError at elsewhere",
    ]
