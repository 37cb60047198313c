"""Pages that need no JavaScript, and the app's shell.

They set no cookie, read none, and look the same to everybody.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, get_language_bidi
from django.views.decorators.http import require_safe

from peerchat.headers import PAGE_POLICY, shell_policy
from peerchat.resources.assets import asset_at, assets
from peerchat.resources.hotlines import hotlines

_KEPT = "public, max-age=31536000, immutable"


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The first page: says little to whoever looks over a shoulder."""
    return _page(request, "home")


@require_safe
def help_lines(request: HttpRequest) -> HttpResponse:
    """Help lines, before any sign-up."""
    found = hotlines()
    oldest = min(line.checked for region in found.regions for line in region.lines)
    return _page(request, "help", regions=found.regions, oldest=oldest.isoformat())


@require_safe
def safety(request: HttpRequest) -> HttpResponse:
    """Leaving fast, watched devices, and what the exit cannot do."""
    return _page(request, "safety")


@require_safe
def agreement(request: HttpRequest) -> HttpResponse:
    """Who reads what."""
    return _page(request, "agreement")


@require_safe
def leave(request: HttpRequest) -> HttpResponse:
    """Where the shell's exit leads, since the shell knows no setting: on to the ordinary page, in one history entry."""
    return HttpResponse(status=303, headers={"Location": settings.PEERCHAT.exit_url})


@require_safe
def shell(request: HttpRequest) -> HttpResponse:
    """The app as Vite built it, to the byte: what it shows is decided in the browser."""
    try:
        page = (settings.PEERCHAT.shell_dir / "index.html").read_bytes()
    except OSError:
        return HttpResponse(
            "The app is not built yet: run `make build`.\n",
            status=503,
            content_type="text/plain; charset=utf-8",
        )
    response = HttpResponse(page, content_type="text/html; charset=utf-8")
    response["Content-Security-Policy"] = shell_policy(settings.PEERCHAT.origin)
    return response


@require_safe
def asset(request: HttpRequest) -> HttpResponse:
    """The pages' style, script and icon, under names that change with their content."""
    found = asset_at(request.path)
    if found is None:
        return not_found(request)
    return HttpResponse(found.content, content_type=found.content_type, headers={"Cache-Control": _KEPT})


@require_safe
def icon(request: HttpRequest) -> HttpResponse:
    """The icon under the fixed name that the shell and browsers ask for."""
    found = assets()["svg"]
    return HttpResponse(found.content, content_type=found.content_type)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer for what is not there, without repeating what was asked for."""
    return HttpResponse(
        "There is nothing here for you.\n", status=404, content_type="text/plain; charset=utf-8"
    )


def broken(request: HttpRequest) -> HttpResponse:
    """Answer for a fault of ours."""
    return HttpResponse(
        "Something broke on our side.\n", status=500, content_type="text/plain; charset=utf-8"
    )


def malformed(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer for a request that Django itself refused."""
    return HttpResponse(
        "This request is not understood.\n", status=400, content_type="text/plain; charset=utf-8"
    )


def _page(request: HttpRequest, name: str, **context: object) -> HttpResponse:
    found = assets()
    response = render(
        request,
        f"pages/{name}.html",
        {
            "title": settings.PEERCHAT.title,
            "exit_url": settings.PEERCHAT.exit_url,
            "language": get_language() or "en",
            "direction": "rtl" if get_language_bidi() else "ltr",
            "style": found["css"].path,
            "script": found["js"].path,
            "icon": found["svg"].path,
            **context,
        },
    )
    response["Content-Security-Policy"] = PAGE_POLICY
    return response
