"""The main job, as its people do it: the links that ``make run`` prints, in browsers of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.e2e.browser import Profile
from tests.e2e.conftest import NewProfile
from tests.e2e.screens import Person
from tests.support import traces
from tests.support.server import RunningServer, start_server

CANARY = "the heron waits by the old mill at dusk"
ROOM = "Evening room"


@dataclass
class Demo:
    server: RunningServer
    links: dict[str, str]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """The demo community, as the command of ``make run`` makes it, served by the real server."""
    with start_server(tmp_path) as server:
        links = json.loads(server.manage("demo", "--no-serve", "--json"))
        yield Demo(server, {one["name"]: one["link"] for one in links})


async def open_person(new_profile: NewProfile, handle: str, **options: Any) -> tuple[Person, Profile]:
    profile = await new_profile(handle, **options)
    # Two phones that carry out the same wish at once: one loses the race and takes the winner in. The browser
    # writes the answer's status to its console, whatever the app makes of it.
    profile.allow_complaint("status of 409")
    return Person(handle, profile.page), profile


async def test_two_survivors_and_a_leader_talk_in_a_room_that_the_server_cannot_read(
    demo: Demo, new_profile: NewProfile, tmp_path: Path
) -> None:
    phone = {"width": 360, "height": 740}
    lee, _ = await open_person(new_profile, "Lee", viewport=phone)
    mo, mos_browser = await open_person(new_profile, "Mo", viewport=phone)
    ana, _ = await open_person(new_profile, "Ana", viewport=phone)
    ada, _ = await open_person(new_profile, "Ada", viewport=phone)
    # What the browser itself says of requests that fail while Mo is offline.
    mos_browser.allow_complaint("ERR_INTERNET_DISCONNECTED")
    # The steward and the leader come first; a leader opens the room.
    await ada.sign_up(demo.links["steward"])
    await lee.sign_up(demo.links["leader"])
    await lee.create_room()
    # Two survivors ask, wait, are let in, and each agrees before entering.
    await mo.sign_up(demo.links["survivor 1"])
    await mo.ask_to_come_in(ROOM)
    await lee.let_in("Mo")
    await mo.agree()
    await ana.sign_up(demo.links["survivor 2"], own_device=False)
    await ana.ask_to_come_in(ROOM)
    await lee.let_in("Ana")
    await ana.agree()

    # They talk, in all directions, and each message is there once.
    for speaker, text in (
        (lee, "welcome, both of you"),
        (mo, CANARY),
        (ana, "thank you, I am glad to be here"),
    ):
        await speaker.say(text)
        await speaker.sent(text)
        for reader in (lee, mo, ana):
            await reader.hears(text)
    await ana.see("You\u2019ll see messages from now on.")

    # A reload locks; the PIN opens; nothing is lost or doubled.
    await mo.page.reload()
    await mo.unlock()
    await mo.enter(ROOM)
    for text in ("welcome, both of you", CANARY, "thank you, I am glad to be here"):
        await mo.hears(text)
    # Whoever comes back listens first: nobody learns from a reload that a person is ready to talk.
    await mo.press("I want to write")

    # Offline, what is written waits; back again, it goes out once, and what was missed comes in.
    await mo.page.context.set_offline(True)
    await mo.say("written under a bridge")
    await lee.say("written meanwhile")
    await ana.hears("written meanwhile")
    await expect(ana.messages.filter(has_text="written under a bridge")).to_have_count(0)
    await mo.page.context.set_offline(False)
    await mo.sent("written under a bridge")
    for reader in (lee, mo, ana):
        await reader.hears("written under a bridge")
        await reader.hears("written meanwhile")

    # The steward has no way into the room.
    await expect(ada.page.get_by_text(CANARY)).to_have_count(0)

    # The server never held the sentence; that it would be found is shown by what the server does know.
    process = demo.server.process
    assert process is not None
    folders = [tmp_path, Path("/dev/shm")]  # noqa: S108 - searched, not written
    assert traces.in_files(CANARY, folders) == []
    assert traces.in_memory(CANARY, process.pid) == []
    planted = demo.server.data_dir / "planted"
    planted.write_bytes(b"\0\1" + CANARY.encode() + b"\2")
    assert traces.in_files(CANARY, folders) == [f"{planted} (utf-8)", f"{planted} (json)"]
    assert traces.in_files(ROOM, [demo.server.data_dir])
    assert demo.links["leader"].rsplit("#", 1)[1] not in demo.server.log.read_text()
    assert ROOM not in demo.server.log.read_text()


async def test_a_leader_can_close_the_room_to_someone_and_the_rest_goes_on(
    demo: Demo, new_profile: NewProfile
) -> None:
    lee, _ = await open_person(new_profile, "Lee")
    mo, _ = await open_person(new_profile, "Mo")
    ana, _ = await open_person(new_profile, "Ana")
    await lee.sign_up(demo.links["leader"])
    await lee.create_room()
    for guest, link in ((mo, "survivor 1"), (ana, "survivor 2")):
        await guest.sign_up(demo.links[link])
        await guest.ask_to_come_in(ROOM)
        await lee.let_in(guest.handle)
        await guest.agree()
    await mo.say("something hurtful")
    await ana.hears("something hurtful")

    # Mute: Mo reads on and cannot write.
    await lee.press("People")
    card = lee.page.get_by_role("listitem").filter(has_text="Mo")
    await card.get_by_text("What you can do").click()
    await card.get_by_role("button", name="Only read").click()
    dialog = lee.page.get_by_role("dialog")
    await dialog.get_by_role("radio", name="It is against what we agreed on").check()
    await dialog.get_by_role("button", name="Only read").click()
    await mo.see("A leader asked you to only read for now.")
    await expect(mo.page.get_by_label("Write a message")).to_have_count(0)

    # Hide: the place of the message says so, for everyone.
    await lee.press("Back")
    line = lee.messages.filter(has_text="something hurtful")
    await line.get_by_role("button", name="Hide this message").click()
    await lee.page.get_by_role("dialog").get_by_role("button", name="Hide this message").click()
    await expect(ana.messages.filter(has_text="A leader hid this message.")).to_have_count(1, timeout=20_000)
    await expect(ana.page.get_by_text("something hurtful")).to_have_count(0)

    # Remove: closed to Mo at once, told to the room, and the others talk on.
    await lee.press("People")
    await card.get_by_text("What you can do").click()
    await card.get_by_role("button", name="Close the room to them").click()
    await dialog.get_by_role("button", name="Close the room to them").click()
    await mo.see("Leaders closed this room to you.")
    await lee.press("Back")
    await ana.see("Someone was removed; they may have read messages")
    await ana.say("we go on")
    await lee.hears("we go on")
    await expect(mo.page.get_by_text("we go on")).to_have_count(0)


async def test_a_survivor_who_comes_before_the_leader_waits_calmly_and_is_not_lost(
    demo: Demo, new_profile: NewProfile
) -> None:
    mo, early = await open_person(new_profile, "Mo")
    # What the browser itself says when the room that is asked for is not there yet.
    early.allow_complaint("status of 404")
    lee, _ = await open_person(new_profile, "Lee")
    await mo.sign_up(demo.links["survivor 1"])
    await mo.enter("the room you are invited to")
    await mo.press("Ask to come in")
    await mo.see("A leader will answer. You can close this page and come back.")
    await lee.sign_up(demo.links["leader"])
    await lee.create_room()
    await lee.see("1 person waits to come in")
    await lee.let_in("Mo")
    await mo.agree()
    await mo.say("I was early")
    await lee.hears("I was early")


async def test_the_way_out_hides_everything_and_back_does_not_bring_it_again(
    demo: Demo, new_profile: NewProfile
) -> None:
    lee, profile = await open_person(new_profile, "Lee")
    # The ordinary page that the exit leads to cannot be reached from here.
    profile.allow_complaint("ERR_NAME_NOT_RESOLVED|ERR_FAILED")
    await lee.sign_up(demo.links["leader"])
    for _ in range(3):
        await lee.page.keyboard.press("Shift")
    await expect(lee.page.get_by_role("heading", name="Rooms")).to_have_count(0)
    await lee.page.wait_for_url(lambda url: not url.startswith(demo.server.url), timeout=20_000)
    await lee.page.goto(f"{demo.server.url}/app")
    await lee.heading("Locked")
    await expect(lee.page.get_by_text("Lee")).to_have_count(0)
