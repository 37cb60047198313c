"""A real browser for tests: people with a profile each, whose pages may not complain.

Playwright's async interface, since its sync one keeps an event loop running in the test's thread, which Django and
pytest-asyncio both refuse. Tests in this folder share one loop for the session: see conftest.py.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, WebError

# No look-up leaves the machine, even if a page asks for one: the request fails, and with it the test.
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
)


def find_chromium() -> Path:
    """``$PEERCHAT_CHROMIUM``, else the system's. Its absence is an error: a skipped browser test protects nobody."""
    named = os.environ.get("PEERCHAT_CHROMIUM", "chromium")
    found = shutil.which(named)
    if found is None:
        raise FileNotFoundError(f"no browser at {named!r}: install chromium, or set PEERCHAT_CHROMIUM")
    return Path(found)


async def start_chromium(playwright: Playwright) -> Browser:
    return await playwright.chromium.launch(executable_path=find_chromium(), args=[*CHROMIUM_FLAGS])


@dataclass
class Profile:
    """One person's browser: a context that shares nothing with another's, and a first page in it."""

    name: str
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    _allowed: list[re.Pattern[str]] = field(default_factory=list)

    def allow_complaint(self, pattern: str) -> None:
        """Expect console errors that match, such as the browser's own line about a 403 that the test provokes."""
        self._allowed.append(re.compile(pattern))

    def unexpected_complaints(self) -> list[str]:
        return [
            f"{self.name}: {complaint}"
            for complaint in self.complaints
            if not any(pattern.search(complaint) for pattern in self._allowed)
        ]

    def _heed_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _heed_page_error(self, error: WebError) -> None:
        self.complaints.append(f"page error: {error.error}")


async def open_profile(browser: Browser, name: str, **context_options: Any) -> Profile:
    """Options are those of Playwright's ``new_context``: locale, viewport, color_scheme, reduced_motion and so on.

    Listening starts before the first page exists, so that no complaint is missed.
    """
    context = await browser.new_context(**context_options)
    complaints: list[str] = []
    page = await context.new_page()
    profile = Profile(name=name, context=context, page=page, complaints=complaints)
    context.on("console", profile._heed_console)
    context.on("weberror", profile._heed_page_error)
    return profile


async def until(
    holds: Callable[[], Awaitable[object]], *, timeout_seconds: float = 10, what: str = "the condition"
) -> None:
    """Poll until ``holds`` answers something true.

    Playwright's ``wait_for_function`` evaluates a string in the page, which a strict content security policy refuses.
    """
    deadline = time.monotonic() + timeout_seconds
    while not await holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout_seconds} s")
        await asyncio.sleep(0.02)


RUN_AXE = "options => axe.run({resultTypes: ['violations'], ...options}).then(results => results.violations)"


async def violations_on(page: Page, **options: Any) -> list[dict[str, Any]]:
    """Return what axe finds on the page as it is now. ``options`` are axe's own.

    Its script is half a megabyte, and by far the most of a run: each document gets it once.
    """
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    found: list[dict[str, Any]] = await page.evaluate(RUN_AXE, options)
    return found


async def assert_accessible(page: Page) -> None:
    """Axe finds nothing on the page as it is now. Axe sees no fault of text direction: look at a screenshot too."""
    violations = await violations_on(page)
    assert not violations, "\n".join(
        f"{violation['id']} ({violation['impact']}): {node['html']}"
        for violation in violations
        for node in violation["nodes"]
    )
