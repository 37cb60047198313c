"""The test browser itself: if it missed a complaint, every other test in this folder would be worth less."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import ClassVar

import pytest

from tests.e2e.browser import assert_accessible, until
from tests.e2e.conftest import NewProfile

STRICT_POLICY = (
    "default-src 'none'; script-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
)


class _Pages(http.server.BaseHTTPRequestHandler):
    pages: ClassVar[dict[str, tuple[str, str]]] = {
        "/": ("text/html", "<!doctype html><html lang=en><title>t</title><main><h1>Hello</h1></main></html>"),
        "/throws": ("text/html", "<!doctype html><script src=/throws.js></script>"),
        "/throws.js": ("text/javascript", "throw new Error('broken')"),
        "/inline": ("text/html", "<!doctype html><script>document.title = 'ran'</script>"),
        "/outside": ("text/html", "<!doctype html><script src=/outside.js></script>"),
        "/outside.js": ("text/javascript", "location.href = 'http://host.example/'"),
        "/unlabelled": ("text/html", "<!doctype html><html lang=en><title>t</title><main><h1>x</h1><input>"),
    }

    def do_GET(self) -> None:
        content_type, body = self.pages.get(self.path, ("text/plain", ""))
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Security-Policy", STRICT_POLICY)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def pages() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


async def test_a_page_without_fault_passes(new_profile: NewProfile, pages: str) -> None:
    someone = await new_profile()
    await someone.page.goto(pages)
    await assert_accessible(someone.page)
    assert someone.complaints == []


async def test_profiles_share_nothing(new_profile: NewProfile, pages: str) -> None:
    one, other = await new_profile("one"), await new_profile("other")
    await one.page.goto(pages)
    await other.page.goto(pages)
    await one.page.evaluate("localStorage.setItem('k', 'v')")
    assert await one.page.evaluate("localStorage.getItem('k')") == "v"
    assert await other.page.evaluate("localStorage.getItem('k')") is None


@pytest.mark.parametrize("path", ["/throws", "/inline"])
async def test_errors_and_refused_scripts_are_complaints(
    new_profile: NewProfile, pages: str, path: str
) -> None:
    someone = await new_profile("someone")
    await someone.page.goto(pages + path)

    async def complained() -> bool:
        return bool(someone.complaints)

    await until(complained, what="a complaint")
    assert someone.unexpected_complaints()
    someone.allow_complaint(".*")
    assert someone.unexpected_complaints() == []


async def test_an_unlabelled_field_is_not_accessible(new_profile: NewProfile, pages: str) -> None:
    someone = await new_profile()
    await someone.page.goto(pages + "/unlabelled")
    with pytest.raises(AssertionError, match="label"):
        await assert_accessible(someone.page)


async def test_no_page_leaves_this_machine(new_profile: NewProfile, pages: str) -> None:
    someone = await new_profile()
    await someone.page.goto(pages + "/outside")

    async def failed() -> bool:
        return someone.page.url.startswith("chrome-error:")

    await until(failed, what="the browser's error page")
