"""The first seconds of the app on a slow network: before its chunks are there, the link is safe and the exit works."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.async_api import Page, Route

from tests.e2e.browser import assert_accessible, until
from tests.e2e.conftest import NewProfile
from tests.e2e.screens import Person
from tests.support.server import RunningServer, start_server

LINK = "/join#" + "QUJD" * 16
UNUSABLE = "This link can\u2019t be used"
ENTRY = re.compile(r"/assets/index-")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with start_server(tmp_path_factory.mktemp("first-second")) as running:
        yield running


@pytest.fixture(scope="module")
def origin(server: RunningServer) -> str:
    return server.url


async def hold_chunks(page: Page) -> list[Route]:
    """Let the entry through, and everything that it asks for wait for ever."""
    held: list[Route] = []

    async def hold(route: Route) -> None:
        if ENTRY.search(route.request.url):
            await route.continue_()
        else:
            held.append(route)

    await page.route("**/assets/*.js", hold)
    return held


async def address_is(page: Page, path: str) -> None:
    async def holds() -> bool:
        return page.url.endswith(path)

    await until(holds, what=f"the address {path}")


async def test_the_links_secret_leaves_address_and_history_before_the_app_is_there(
    origin: str, new_profile: NewProfile
) -> None:
    page = (await new_profile()).page
    held = await hold_chunks(page)
    entries = await page.evaluate("history.length")
    await page.goto(origin + LINK, wait_until="commit")
    await address_is(page, "/app")
    assert held, "the app's chunks are not asked for at once"
    assert await page.evaluate("history.length") <= entries + 1
    assert await page.title() == "Notes"
    assert (await page.inner_text("body")).split() == ["Exit", "One", "moment…"]
    await assert_accessible(page)


async def test_the_exit_works_before_the_app_is_there(origin: str, new_profile: NewProfile) -> None:
    someone = await new_profile()
    page = someone.page
    await page.route(
        "**/leave", lambda route: route.fulfill(body="an ordinary page", content_type="text/plain")
    )
    told: list[str] = []
    page.on("request", lambda request: told.append(request.url) if "/exit" in request.url else None)
    await hold_chunks(page)
    await page.goto(origin + LINK, wait_until="commit")
    await address_is(page, "/app")
    await page.get_by_role("link", name="Exit").click()
    await address_is(page, "/leave")
    assert told == [origin + "/api/v1/exit"]


async def test_a_page_that_did_not_load_says_so_and_tries_again_with_the_link(
    origin: str, new_profile: NewProfile
) -> None:
    someone = await new_profile()
    someone.allow_complaint("ERR_FAILED|Failed to fetch")
    page = someone.page
    broken = True

    async def fail_at_first(route: Route) -> None:
        if broken and "joined" in route.request.url:
            await route.abort()
        else:
            await route.continue_()

    await page.route("**/assets/*.js", fail_at_first)
    await page.goto(origin + LINK)
    again = page.get_by_role("button", name="Try again")
    await again.wait_for()
    assert "did not load fully" in await page.inner_text("main")
    assert await page.get_by_role("link", name="Exit").is_visible()
    await assert_accessible(page)

    broken = False
    someone.allow_complaint("40[04]")
    await again.click()
    # The link is one of nobody: what matters is that the app got it.
    await page.get_by_role("heading", name=UNUSABLE).wait_for()
    await address_is(page, "/app")


async def test_nothing_is_kept_by_looking(origin: str, new_profile: NewProfile) -> None:
    someone = await new_profile()
    someone.allow_complaint("40[04]")
    page = someone.page
    await page.goto(origin + LINK)
    await page.get_by_role("heading", name=UNUSABLE).wait_for()
    kept = await page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")
    assert kept == [0, 0, ""]
    assert await page.evaluate("indexedDB.databases()") == []


async def test_a_shared_device_keeps_nothing_of_someone_who_signed_up(
    server: RunningServer, new_profile: NewProfile
) -> None:
    links = json.loads(server.manage("demo", "--no-serve", "--json"))
    link = next(one["link"] for one in links if one["name"] == "survivor 1")
    page = (await new_profile()).page
    await Person("Wren", page).sign_up(link, own_device=False)
    kept = await page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")
    assert kept == [0, 0, ""]
    assert await page.evaluate("indexedDB.databases()") == []
    await page.reload()
    await page.get_by_role("heading", name="Welcome").wait_for()


async def test_the_browser_offers_no_word_of_what_the_app_is(origin: str) -> None:
    """Title, icon and first bytes, as a history, a tab or a search would show them."""
    async with httpx.AsyncClient() as client:
        page = (await client.get(origin + "/app")).text
        icon = (await client.get(origin + "/icon.svg")).text
    for words in (page, icon):
        assert not re.search(r"traffick|surviv|peer|chat|support|abuse|crisis", words, re.IGNORECASE)
