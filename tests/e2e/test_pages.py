"""The pages that need no JavaScript, and the shell, in a real browser: no complaint, and a way out that holds."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.e2e.browser import assert_accessible, until
from tests.e2e.conftest import NewProfile

PROJECT = Path(__file__).resolve().parents[2]
PAGES = ["/", "/help", "/safety", "/agreement"]
ORDINARY = "/healthz"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def pages(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The origin of a real server with an empty database. Its exit leads to a page of this machine."""
    port = free_port()
    folder = tmp_path_factory.mktemp("pages")
    origin = f"http://127.0.0.1:{port}"
    shell = folder / "shell"
    (shell / "assets").mkdir(parents=True)
    (shell / "index.html").write_text(SHELL)
    (shell / "assets" / "index-AbCdEf12.js").write_text(SHELL_SCRIPT)
    environment = {
        **os.environ,
        "PEERCHAT_DATA_DIR": str(folder / "data"),
        "PEERCHAT_PORT": str(port),
        "PEERCHAT_EXIT_URL": origin + ORDINARY,
        "PEERCHAT_SHELL_DIR": str(shell),
    }
    command = (sys.executable, "-m", "peerchat")
    migrate = await asyncio.create_subprocess_exec(*command, "migrate", "-v0", env=environment, cwd=PROJECT)
    assert await migrate.wait() == 0
    server = await asyncio.create_subprocess_exec(*command, "serve", env=environment, cwd=PROJECT)
    try:

        async def is_up() -> bool:
            try:
                async with httpx.AsyncClient() as client:
                    return (await client.get(origin + "/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        await until(is_up, timeout_seconds=30, what="the server")
        yield origin
    finally:
        server.terminate()
        assert await asyncio.wait_for(server.wait(), 30) == 0


# What the app needs of its policy: modules, WebAssembly, a socket; and what it must not be able to do.
SHELL = """<!doctype html><title>Notes</title><link rel="icon" href="/icon.svg" type="image/svg+xml">
<script type="module" src="/assets/index-AbCdEf12.js"></script>"""
SHELL_SCRIPT = """
const tried = {};
const attempt = (name, act) => { try { act(); tried[name] = "done"; } catch (error) { tried[name] = error.name; } };
attempt("wasm", () => new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])));
attempt("eval", () => (0, eval)("1"));
attempt("html", () => { document.body.innerHTML = "<b>x</b>"; });
attempt("policy", () => trustedTypes.createPolicy("default", { createHTML: (text) => text }));
const socket = new WebSocket(location.origin.replace("http", "ws") + "/ws", ["peerchat.1"]);
socket.onclose = (event) => { document.title = JSON.stringify({ ...tried, socket: event.code }); };
"""


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_page_is_accessible_and_fits_a_small_screen(
    pages: str, new_profile: NewProfile, path: str, scheme: str
) -> None:
    profile = await new_profile(color_scheme=scheme, viewport={"width": 320, "height": 480})
    await profile.page.goto(pages + path)
    await assert_accessible(profile.page)
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await profile.page.evaluate(wide) == 0
    # 200 % text at 320 px.
    await profile.page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
    assert await profile.page.evaluate(wide) == 0
    small = await profile.page.evaluate(
        "[...document.querySelectorAll('header a, nav a, .go, .number')].filter("
        "(a) => a.getBoundingClientRect().height < 44).map((a) => a.textContent)"
    )
    assert small == []


async def shows_the_ordinary_page(page: Page) -> bool:
    return page.url.endswith(ORDINARY)


@pytest.mark.parametrize("way", ["click", "shift"])
async def test_the_exit_hides_at_once_and_back_does_not_show_the_page_again(
    pages: str, new_profile: NewProfile, way: str
) -> None:
    page = (await new_profile()).page
    beacons: list[str] = []
    page.on("request", lambda request: beacons.append(request.method + " " + request.url))
    await page.goto("about:blank")
    await page.goto(pages + "/")
    await page.goto(pages + "/help")
    if way == "click":
        await page.get_by_role("link", name="Leave now").click()
    else:
        for _ in range(3):
            await page.keyboard.press("Shift")
    await until(lambda: shows_the_ordinary_page(page))
    assert f"POST {pages}/api/v1/exit" in beacons
    await page.evaluate("history.back()")
    # The page before comes for a moment, and leaves by itself.
    await until(lambda: shows_the_ordinary_page(page))
    assert re.fullmatch(r"ok\s*", await page.inner_text("body"))


async def test_shift_for_capitals_and_escape_do_not_exit(pages: str, new_profile: NewProfile) -> None:
    page = (await new_profile()).page
    await page.goto(pages + "/help")
    for _ in range(4):
        await page.keyboard.press("Shift+A")
        await page.keyboard.press("Escape")
    await page.keyboard.press("Shift")
    await page.keyboard.press("Shift")
    assert page.url == pages + "/help"


async def test_who_asks_for_a_page_anew_after_an_exit_gets_it(pages: str, new_profile: NewProfile) -> None:
    page = (await new_profile()).page
    await page.goto(pages + "/help")
    await page.get_by_role("link", name="Leave now").click()
    await until(lambda: shows_the_ordinary_page(page))
    await page.goto(pages + "/help")
    assert await page.get_by_role("heading", name="Help lines").is_visible()


async def test_without_javascript_all_pages_work_and_the_exit_is_a_link(
    pages: str, new_profile: NewProfile
) -> None:
    page = (await new_profile(java_script_enabled=False)).page
    await page.goto(pages + "/")
    await page.get_by_role("link", name="Help lines you can call now").click()
    assert await page.get_by_role("link", name="Call 988").first.is_visible()
    await page.get_by_role("link", name="Leave now").click()
    assert page.url == pages + ORDINARY


async def test_the_shells_policy_lets_the_app_run_and_nothing_else(
    pages: str, new_profile: NewProfile
) -> None:
    profile = await new_profile()
    profile.allow_complaint("TrustedScript|TrustedHTML|TrustedTypePolicy|Content Security Policy")
    await profile.page.goto(pages + "/app")

    async def tried() -> bool:
        return (await profile.page.title()).startswith("{")

    await until(tried, what="the attempts")
    assert await profile.page.title() == (
        '{"wasm":"done","eval":"EvalError","html":"TypeError","policy":"TypeError","socket":4401}'
    )
