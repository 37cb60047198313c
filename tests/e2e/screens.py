"""What people do on the screens, step by step, by the words they see: the alphabet of the browser scenarios."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.async_api import Locator, Page, expect

PIN = "482915"
PATIENCE_MS = 20_000


@dataclass
class Person:
    """Someone with a browser: what they are called here, and the six words they were shown."""

    handle: str
    page: Page
    phrase: str = ""

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    async def press(self, name: str) -> None:
        await self.button(name).click(timeout=PATIENCE_MS)

    async def see(self, text: str | re.Pattern[str]) -> None:
        await expect(self.page.get_by_text(text).first).to_be_visible(timeout=PATIENCE_MS)

    async def heading(self, text: str) -> None:
        await expect(self.page.get_by_role("heading", level=1, name=text)).to_be_visible(timeout=PATIENCE_MS)

    @property
    def messages(self) -> Locator:
        return self.page.get_by_role("log").locator("li")

    async def open_link(self, link: str) -> None:
        await self.page.goto(link)
        await self.heading("You are invited")

    async def sign_up(self, link: str, *, own_device: bool = True) -> None:
        """From the link to the list of rooms, as somebody new does it."""
        await self.open_link(link)
        await self.press("Go on")
        await self.heading("Could someone else see this device?")
        answer = "No, only I use it" if own_device else "Yes, or I am not sure"
        await self.page.get_by_role("radio", name=re.compile(f"^{answer}")).check()
        await self.press("Go on")
        await self.page.get_by_label("Name", exact=True).fill(self.handle)
        await self.press("Go on")
        await self.press("I understand. Go on")
        await self.press("Exit")
        await self.press("Come back")
        await self.see("You did it. You know the way out.")
        await self.press("Go on")
        words = self.page.get_by_role("list", name="Six words").locator("li")
        await expect(words).to_have_count(6, timeout=PATIENCE_MS)
        shown = [word.strip() for word in await words.all_inner_texts()]
        self.phrase = " ".join(shown)
        await self.press("I have them. Go on")
        for field in await self.page.get_by_label(re.compile(r"^Word \d$")).all():
            label = await field.evaluate("field => field.labels[0].textContent")
            await field.fill(shown[int(re.sub(r"\D", "", label)) - 1])
        await self.press("Go on")
        if own_device:
            for label in ("PIN, 6 to 12 numbers", "The same PIN again"):
                await self.page.get_by_label(label, exact=True).fill(PIN)
            await self.press("Finish")
        await self.heading("Rooms")

    async def unlock(self) -> None:
        await self.heading("Locked")
        await self.page.get_by_label("Your PIN", exact=True).fill(PIN)
        await self.press("Open")
        await self.heading("Rooms")

    async def create_room(self) -> None:
        """A leader opens the room that the demo suggests."""
        await self.press("Open a room")
        await self.press("Open the room")
        await self.agree()

    async def enter(self, room: str) -> None:
        await self.page.get_by_role("button", name=re.compile(re.escape(room))).click(timeout=PATIENCE_MS)

    async def ask_to_come_in(self, room: str) -> None:
        await self.enter(room)
        await self.press("Ask to come in")
        await self.heading("Waiting")

    async def agree(self, *, how: str = "Speaking") -> None:
        await self.heading("Before you enter")
        await self.page.get_by_role("radio", name=re.compile(f"^{how}")).check()
        await self.press("I agree. Enter")

    async def let_in(self, handle: str) -> None:
        """The leader, from the room: open People, let one in, and come back to the talk."""
        await self.press("People")
        card = self.page.get_by_role("listitem").filter(has_text=handle)
        await expect(card.get_by_text("Their link is good.")).to_be_visible(timeout=PATIENCE_MS)
        await card.get_by_role("button", name="Let in").click()
        await expect(card.get_by_role("button", name="Let in")).to_have_count(0, timeout=PATIENCE_MS)
        await self.press("Back")

    async def say(self, text: str) -> None:
        await self.page.get_by_label("Write a message").fill(text)
        await self.press("Send")

    async def hears(self, text: str) -> None:
        """The message is there, once."""
        line = self.messages.filter(has_text=text)
        await expect(line).to_have_count(1, timeout=PATIENCE_MS)
        await expect(line).to_be_visible()

    async def sent(self, text: str) -> None:
        await expect(self.messages.filter(has_text=text).get_by_text(re.compile("Sent$"))).to_be_visible(
            timeout=PATIENCE_MS
        )
