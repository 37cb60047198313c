"""Whether this deployment works (``/healthz``) and this process wants new work (``/readyz``). Both tell nothing else.

A part that people depend on and that can stop by itself registers a check; with one that fails, ``/healthz`` does.
"""

from collections.abc import Callable

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse

_draining = False
_checks: list[Callable[[], bool]] = []


def register_check(works: Callable[[], bool]) -> None:
    """Let ``works`` be asked by each ``/healthz``; it may raise ``DatabaseError``. Called while Django starts."""
    _checks.append(works)


def set_draining(draining: bool) -> None:
    """Say whether this process is ending; ``serve`` calls it before it closes sockets. Any thread."""
    global _draining
    _draining = draining


def is_draining() -> bool:
    """Return whether this process takes no new work."""
    return _draining


def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 while the process can answer and what it depends on works; else 503."""
    try:
        works = all(check() for check in _checks)
    except DatabaseError:
        works = False
    if not works:
        return HttpResponse("not working\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when work is welcome, 503 while draining or without the database."""
    if is_draining():
        return HttpResponse("draining\n", status=503, content_type="text/plain")
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("no database\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")
