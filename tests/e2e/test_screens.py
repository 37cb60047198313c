"""Every screen in every state, in a real browser, under the app's own policy: see frontend/tests/gallery.

Nothing here runs the store or the server. Axe finds no fault of text direction and none of taste: look at pictures too,
with ``SCREEN_PICTURES=folder pytest tests/e2e/test_screens.py``.
"""

from __future__ import annotations

import functools
import http.server
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from peerchat.config import Origin
from peerchat.headers import shell_policy
from tests.e2e.browser import Profile, assert_accessible, until, violations_on
from tests.e2e.conftest import NewProfile

PROJECT = Path(__file__).resolve().parents[2]
PHONE = {"width": 360, "height": 740}
SMALL = {"width": 320, "height": 640}
PICTURES = os.environ.get("SCREEN_PICTURES")

_source = (PROJECT / "frontend/tests/gallery/scenes.ts").read_text()
SCENES = re.findall(r'^  "?([a-z-]+)"?: ', _source.partition("export const SCENES")[2], re.MULTILINE)


class _Gallery(http.server.SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        assert isinstance(self.server, http.server.HTTPServer)
        policy = shell_policy(Origin("http", "127.0.0.1", self.server.server_port))
        self.send_header("Content-Security-Policy", policy)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the gallery, built as the app is built."""
    folder = tmp_path_factory.mktemp("gallery") / "built"
    build = f"source scripts/node.sh && cd frontend && npm run --silent gallery -- --outDir {folder}"
    subprocess.run(["bash", "-c", build], cwd=PROJECT, check=True, capture_output=True)
    handler = functools.partial(_Gallery, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


async def show(page: Page, gallery: str, scene: str) -> None:
    # A change of the fragment alone would load nothing.
    await page.goto("about:blank")
    await page.goto(f"{gallery}#{scene}")

    async def stands() -> bool:
        return bool(await page.evaluate("document.documentElement.dataset.scene") == scene)

    await until(stands, what=f"the scene {scene}")


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png")


WIDER_THAN_ITS_BOX = """
() => [document.documentElement, ...document.querySelectorAll('main, section, dialog, form, ul, ol, .bar')]
  .filter((element) => element.scrollWidth > element.clientWidth + 1 && !element.matches('.for-readers'))
  .map((element) => element.tagName + '.' + element.className)
"""

TARGETS_TOO_SMALL = """
() => [...document.querySelectorAll('button, a[href], summary, select, textarea, input[type=text], label.option')]
  .filter((element) => element.checkVisibility())
  .filter((element) => {
    const { width, height } = element.getBoundingClientRect();
    return width < 43.9 || height < 43.9;
  })
  .map((element) => element.textContent)
"""

# The exit in front: the one in the dialog where one is open, since that makes the rest inert.
EXIT_IN_SIGHT = """
() => {
  const inFront = document.querySelector('dialog[open]') ?? document;
  const exit = inFront.querySelector('[data-exit]');
  const box = exit.getBoundingClientRect();
  const seen = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  return box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth && exit.contains(seen);
}
"""


async def assert_fits(page: Page) -> None:
    assert await page.evaluate(WIDER_THAN_ITS_BOX) == []
    assert await page.evaluate(TARGETS_TOO_SMALL) == []
    assert await page.evaluate(EXIT_IN_SIGHT), "the exit is not in sight"


async def test_the_scenes_are_found() -> None:
    assert len(SCENES) > 60
    assert len(SCENES) == len(set(SCENES))


@pytest.mark.parametrize("scene", SCENES)
async def test_a_screen_is_accessible_and_fits(new_profile: NewProfile, gallery: str, scene: str) -> None:
    someone = await new_profile(viewport=PHONE, reduced_motion="reduce")
    page = someone.page
    await show(page, gallery, scene)
    await picture(page, f"{scene}-light")
    await assert_accessible(page)
    await assert_fits(page)

    await page.emulate_media(color_scheme="dark")
    await picture(page, f"{scene}-dark")
    assert await violations_on(page, runOnly=["color-contrast"]) == []

    # 320 pixels wide, with letters of twice the size.
    await page.set_viewport_size(SMALL)  # type: ignore[arg-type]
    await page.evaluate("document.documentElement.style.fontSize = '200%'")
    await picture(page, f"{scene}-large")
    await assert_fits(page)

    await page.evaluate("document.documentElement.style.fontSize = ''; document.documentElement.dir = 'rtl'")
    await picture(page, f"{scene}-rtl")
    await assert_fits(page)


@pytest_asyncio.fixture(loop_scope="session")
async def someone(new_profile: NewProfile) -> Profile:
    return await new_profile(viewport=PHONE)


async def test_the_gallery_shows_all_its_scenes(someone: Profile, gallery: str) -> None:
    await someone.page.goto(gallery)
    assert (await someone.page.inner_text("body")).split() == SCENES


async def test_the_exit_stays_in_sight_while_scrolling_and_typing(someone: Profile, gallery: str) -> None:
    page = someone.page
    await show(page, gallery, "people-leader")
    await page.mouse.move(180, 400)
    await page.mouse.wheel(0, 2_000)

    async def has_scrolled() -> bool:
        return bool(await page.evaluate("document.querySelector('main').scrollTop") > 200)

    await until(has_scrolled, what="the page further down")
    assert await page.evaluate(EXIT_IN_SIGHT)

    await show(page, gallery, "room")
    await page.get_by_label("Write a message").fill(
        "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\neleven"
    )
    assert await page.evaluate(EXIT_IN_SIGHT)
    # A phone's keyboard leaves this much.
    await page.set_viewport_size({"width": 360, "height": 330})
    assert await page.evaluate(EXIT_IN_SIGHT)


async def test_nothing_typed_is_completed_kept_or_sent_to_a_spelling_service(
    someone: Profile, gallery: str
) -> None:
    for scene in ("room", "sign-up-pin", "sign-up-check", "locked-phrase", "start"):
        await show(someone.page, gallery, scene)
        fields = await someone.page.evaluate(
            "() => [...document.querySelectorAll('input, textarea')].map((field) => "
            "[field.type, field.autocomplete, field.getAttribute('spellcheck')])"
        )
        assert fields
        for kind, autocomplete, spellcheck in fields:
            assert kind != "password"
            assert (autocomplete, spellcheck) == ("off", "false")


async def test_what_is_said_in_a_room_is_not_offered_for_translation(someone: Profile, gallery: str) -> None:
    await show(someone.page, gallery, "room")
    assert await someone.page.get_attribute("section[role=log]", "translate") == "no"


async def test_the_exit_leaves_no_entry_to_go_back_to(someone: Profile, gallery: str) -> None:
    page = someone.page
    await show(page, gallery, "room")
    entries = await page.evaluate("history.length")
    await page.get_by_role("button", name="Exit").click()

    async def is_gone() -> bool:
        return page.url == gallery

    await until(is_gone, what="another page")
    assert await page.evaluate("history.length") == entries
    await page.go_back()
    assert page.url == "about:blank"


async def test_the_exit_is_one_step_back_from_the_heading_by_keyboard(someone: Profile, gallery: str) -> None:
    page = someone.page
    await show(page, gallery, "room")

    async def is_at_heading() -> bool:
        return bool(await page.evaluate("document.activeElement.matches('h1')"))

    await until(is_at_heading, what="the focus on the heading")
    await page.keyboard.press("Shift+Tab")
    assert await page.evaluate("document.activeElement.matches('[data-exit]')")
    await page.keyboard.press("Enter")

    async def is_gone() -> bool:
        return page.url == gallery

    await until(is_gone, what="another page")


async def test_three_taps_of_shift_exit_from_an_open_dialog_and_capitals_do_not(
    someone: Profile, gallery: str
) -> None:
    page = someone.page
    await show(page, gallery, "room")
    await page.get_by_label("Write a message").focus()
    for letter in "HELLO":
        await page.keyboard.press(f"Shift+{letter}")
    assert await page.get_by_label("Write a message").input_value() == "HELLO"

    await page.get_by_role("button", name="I need help now").click()
    for _ in range(3):
        await page.keyboard.press("Shift")

    async def is_gone() -> bool:
        return page.url == gallery

    await until(is_gone, what="another page")


async def test_escape_closes_a_dialog_gives_the_focus_back_and_never_exits(
    someone: Profile, gallery: str
) -> None:
    page = someone.page
    await show(page, gallery, "room")
    await page.get_by_role("button", name="I need help now").click()
    await expect(page.get_by_role("heading", name="Help now")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog")).to_have_count(0)
    await expect(page.get_by_role("button", name="I need help now")).to_be_focused()
    for _ in range(4):
        await page.keyboard.press("Escape")
    assert await page.get_by_label("Write a message").is_visible()


async def test_a_new_screen_takes_the_focus_to_its_heading(someone: Profile, gallery: str) -> None:
    page = someone.page
    await show(page, gallery, "room")
    await page.get_by_role("button", name="People").click()

    async def is_at_heading() -> bool:
        return bool(await page.evaluate("document.activeElement.matches('h1')"))

    await until(is_at_heading, what="the focus on the heading")


async def test_markup_in_a_message_stays_text(someone: Profile, gallery: str) -> None:
    await show(someone.page, gallery, "room")
    assert "<b>Not bold</b>" in await someone.page.inner_text("section[role=log]")
    assert await someone.page.locator("main b, main img").count() == 0


async def test_the_newest_line_is_in_sight_and_a_reader_who_scrolled_up_is_left_alone(
    someone: Profile, gallery: str
) -> None:
    page = someone.page
    await show(page, gallery, "room")
    distance = (
        "(() => { const log = document.querySelector('section[role=log]');"
        " return log.scrollHeight - log.scrollTop - log.clientHeight; })()"
    )
    assert await page.evaluate(distance) < 2
    # The keyboard opens: what was in sight stays.
    await page.set_viewport_size({"width": 360, "height": 420})

    async def is_at_end() -> bool:
        return bool(await page.evaluate(distance) < 2)

    await until(is_at_end, what="the newest line in sight")
    await page.evaluate("document.querySelector('section[role=log]').scrollTop = 0")
    await page.get_by_role("button", name="Go to the newest").click()
    await until(is_at_end, what="the newest line in sight")
