"""Fixtures for tests with a real browser: ``chromium`` for the session, ``new_profile`` for each person in a test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.e2e.browser import Profile, open_profile, start_chromium

HERE = Path(__file__).parent


class NewProfile(Protocol):
    async def __call__(self, name: str = ..., **context_options: Any) -> Profile: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            # A browser belongs to the loop that started it, and starting one for each test is slow. Put in front,
            # before the loop that pytest-asyncio chose by itself.
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await start_chromium(playwright)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def new_profile(chromium: Browser) -> AsyncIterator[NewProfile]:
    """Make a person's browser: ``await new_profile("survivor", locale="ar")``.

    The test fails if any page of any profile raised an error or wrote one to the console.
    """
    profiles: list[Profile] = []

    async def make(name: str = "someone", **context_options: Any) -> Profile:
        profile = await open_profile(chromium, name, **context_options)
        profiles.append(profile)
        return profile

    yield make

    for profile in profiles:
        await profile.context.close()
    complaints = [complaint for profile in profiles for complaint in profile.unexpected_complaints()]
    if complaints:
        pytest.fail("the browser complained:\n" + "\n".join(complaints), pytrace=False)
