"""``peerchat demo``: what ``make run`` does. A community to try, its links, and the server."""

import importlib
import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from peerchat.accounts.demo import PrintedLink, ensure_demo
from peerchat.errors import PeerChatError

_WHAT = {
    "steward": "looks after the community, reads no conversation",
    "leader": "opens the room and lets people in",
    "survivor 1": "asks to be let in, and talks",
    "survivor 2": "asks to be let in, and talks",
    "counselor": "is there when someone asks for help",
}


class Command(BaseCommand):
    help = "Make a demo community if there is none, print one link for each person, and run the server."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--no-serve", action="store_true", help="do not run the server")
        parser.add_argument("--json", action="store_true", help="print the links as JSON and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, make what is missing, print, and serve."""
        call_command("migrate", interactive=False, verbosity=0)
        try:
            links = ensure_demo()
        except PeerChatError as error:
            raise CommandError(error.message) from None
        if options["json"]:
            shown = [{"name": link.name, "link": link.link, "used": link.used} for link in links]
            self.stdout.write(json.dumps(shown))
        else:
            self._print(links)
        self.stdout.flush()
        if not options["no_serve"]:
            # By name: serve is the composition and stands above this app.
            sys.exit(importlib.import_module("peerchat.serve").run())

    def _print(self, links: list[PrintedLink]) -> None:
        self.stdout.write("\nA demo community. Each link is for one browser profile, and works once.\n")
        for link in links:
            self.stdout.write(f"\n  {link.name}: {_WHAT[link.name]}")
            self.stdout.write(
                "    used; open this address in the same profile" if link.used else f"    {link.link}"
            )
        self.stdout.write(
            "\nBegin with the leader. Nothing written here is safe: the demo's keys lie open.\n\n"
        )
