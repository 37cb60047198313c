"""``peerchat seed``: rooms full of signed-in people, for load tools. In debug mode alone."""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from peerchat.errors import PeerChatError
from rooms.seeding import as_json, seed


class Command(BaseCommand):
    help = "Fill an empty database with rooms of signed-in people and write their credentials to a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--rooms", type=int, required=True)
        parser.add_argument("--members", type=int, required=True, help="in each room, its leader counted")
        parser.add_argument("--out", type=Path, required=True, help="the file to write; it must not exist")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make them all, or none."""
        if options["rooms"] < 1 or options["members"] < 1:
            raise CommandError("--rooms and --members are at least 1.")
        # Before the work, and closed to others: it holds everybody's keys.
        try:
            file = os.open(options["out"], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise CommandError(f"The file cannot be made: {error.strerror}.") from None
        try:
            with os.fdopen(file, "w", encoding="utf-8") as writer:
                seeded = seed(rooms=options["rooms"], members=options["members"])
                json.dump(as_json(seeded, origin=str(settings.PEERCHAT.origin)), writer)
        except PeerChatError as error:
            options["out"].unlink()
            raise CommandError(error.message) from None
        self.stdout.write(f"Seeded {options['rooms']} rooms of {options['members']}.")
