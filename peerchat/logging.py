"""Logging by allow-list: nothing reaches a log but where a record came from, a code, and numbers.

Libraries put addresses, paths, header values and bodies into their messages, and tracebacks carry what an exception
said. So each record is cut *as it is made* (the record factory), before any handler or formatter of anyone's sees it:

* ours, made by ``event``: a code and numbers;
* all others, our own stray ``logger.warning`` too: logger, level, and the line of code that logged;
* an exception: its type, those it came from, and the lines of *our* files it passed - never its words or locals.

Not covered, and switched off elsewhere: access logs (``serve``), core files (deploy), and what a command prints.
"""

import asyncio
import logging
import re
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

_HERE = Path(__file__).resolve().parent
_PROJECT = _HERE.parent
_OURS = tuple(_PROJECT / name for name in ("peerchat", "rooms", "moderation", "tests"))
_CODE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*\Z")
_CAUSES_MAX = 4
_LINES_MAX = 6
_logger = logging.getLogger("peerchat")


@dataclass(frozen=True, slots=True)
class _Event:
    """What ``event`` logs. Its class is the pass: nothing else gets its words through."""

    code: str
    numbers: Mapping[str, int | float]

    def __str__(self) -> str:
        return " ".join([self.code, *(f"{name}={value}" for name, value in self.numbers.items())])


def event(
    code: str, /, *, level: int = logging.INFO, error: BaseException | None = None, **numbers: int | float
) -> None:
    """Log that ``code`` happened (``hub.hint_lost``), with numbers alone: counts, sizes in bytes, times in ms.

    ``error`` adds its type and our lines, and raises the level to ERROR. Raises ``ValueError`` for anything that
    could be words of a person: a mistake of the caller, found by the first test that runs the line.
    """
    if not _CODE.match(code):
        raise ValueError("a log code is lower-case words with dots between")
    for value in numbers.values():
        if not isinstance(value, int | float):
            raise ValueError("only numbers are logged")
    _logger.log(
        max(level, logging.ERROR) if error is not None else level, _Event(code, numbers), exc_info=error
    )


def describe(error: BaseException) -> str:
    """Return the type of ``error``, of what caused it, and our lines that it passed: nothing of what it says."""
    parts = []
    seen: BaseException | None = error
    for _ in range(_CAUSES_MAX):
        if seen is None:
            break
        kind = type(seen)
        places = ",".join(_our_lines(seen.__traceback__)) or "elsewhere"
        parts.append(f"{kind.__module__}.{kind.__qualname__} at {places}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return " from ".join(parts)


def _our_lines(trace: TracebackType | None) -> list[str]:
    lines = []
    # The walk reads code objects and line numbers only, so no local is ever rendered.
    for frame, line in traceback.walk_tb(trace):
        path = Path(frame.f_code.co_filename)
        if any(path.is_relative_to(root) for root in _OURS):
            lines.append(f"{path.relative_to(_PROJECT)}:{line}")
    return lines[-_LINES_MAX:]


def _cut_record(
    name: str,
    level: int,
    fn: str,
    lno: int,
    msg: Any,
    args: Any,
    exc_info: Any,
    func: str | None = None,
    sinfo: str | None = None,
    **kwargs: Any,
) -> logging.LogRecord:
    """Stand in for ``logging.LogRecord``: the parameters are those that ``logging`` calls it with."""
    text = str(msg) if isinstance(msg, _Event) else f"{Path(fn).stem}.{func or 'unknown'}:{lno}"
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if isinstance(error, BaseException):
        text += f" raised {describe(error)}"
    # A percent sign stays as it is, since there are no args to fill in.
    return logging.LogRecord(name, level, fn, lno, text, (), None, func)


class _Format(logging.Formatter):
    """One line each: UTC time, level, logger, what was left of the message."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        moment = self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ")
        # getMessage of a cut record; a record that someone built by hand is cut here at the latest.
        whole = not record.args and record.exc_info is None
        text = record.msg if whole else f"{record.module}:{record.lineno}"
        return f"{moment} {record.levelname} {record.name} {text}"


def configure(settings: Mapping[str, Any]) -> None:
    """Take over logging for the whole process (Django's ``LOGGING_CONFIG``).

    ``settings`` may name a ``level`` for our own records; libraries are heard from WARNING on.
    """
    logging.setLogRecordFactory(_cut_record)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Format())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    _logger.setLevel(settings.get("level", logging.INFO))
    # Django's own set-up ran before: its handlers would mail and print.
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] == "django":
            known = logging.getLogger(name)
            known.handlers.clear()
            known.propagate = True
    # A line for each 404 would tell how often somebody looked, and nothing else.
    logging.getLogger("django.request").setLevel(logging.ERROR)
    logging.captureWarnings(True)


def take_over_hooks() -> None:
    """Log what nothing caught, cut as all else is. For the process of a command or server; tests keep their own."""
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda args: event("thread.broken", error=args.exc_value)
    sys.unraisablehook = lambda args: event("cleanup.broken", error=args.exc_value)


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        event("process.broken", error=error)


def log_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Handle what no task handled (``loop.set_exception_handler``); the loop's own handler shows messages and tasks."""
    error = context.get("exception")
    event("loop.broken", level=logging.ERROR, error=error if isinstance(error, BaseException) else None)


def take_over_twisted() -> None:
    """Give Twisted's log to ours. Without this it prints unhandled errors in full to standard error."""
    from twisted.logger import LogLevel, globalLogBeginner

    def observe(record: dict[str, Any]) -> None:
        if record.get("log_level") in (LogLevel.critical, LogLevel.error):
            failure = record.get("log_failure")
            event("twisted.broken", level=logging.ERROR, error=getattr(failure, "value", None))

    # An observer is any callable; its interface is zope's, which types do not know.
    observers: list[Any] = [observe]
    globalLogBeginner.beginLoggingTo(observers, redirectStandardIO=False, discardBuffer=True)
