"""``peerchat community``: found one away from the server, and take it in."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError

from peerchat.accounts.founding import file_text, found_community, invite_link, read_public_part
from peerchat.accounts.loading import load_community
from peerchat.clock import now_ms
from peerchat.errors import PeerChatError

_NAME_MAX_CHARS = 80


class Command(BaseCommand):
    help = "Found a community (create, away from the server) or take one in (load, on the server)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare ``create`` and ``load``."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="create | load")
        create = actions.add_parser("create", help="make the root key and the first steward's invite")
        create.add_argument("--name", required=True, help="what people see the community called")
        create.add_argument("--out", required=True, type=Path, help="the file to write; it must not exist")
        create.add_argument("--origin", help="print the first steward's link for this address")
        create.add_argument("--demo", action="store_true", help="a demo, refused by real deployments")
        load = actions.add_parser("load", help="take in the public part of a community file")
        load.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the action that was named."""
        if options["action"] == "create":
            self._create(options["name"], options["out"], options["origin"], demo=options["demo"])
        else:
            self._load(options["file"])

    def _create(self, name: str, out: Path, origin: str | None, *, demo: bool) -> None:
        if not name.strip() or len(name) > _NAME_MAX_CHARS or not name.isprintable():
            raise CommandError(f"--name must be 1 to {_NAME_MAX_CHARS} visible characters.")
        if origin is not None and (not urlsplit(origin).hostname or urlsplit(origin).path):
            raise CommandError("--origin must be scheme and host, such as https://chat.example.org")
        founded = found_community(name=name.strip(), demo=demo, at=now_ms())
        try:
            file = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise CommandError("The file exists. A root key is never written over another.") from None
        except OSError as error:
            raise CommandError(f"The file cannot be written: {error.strerror}.") from None
        with os.fdopen(file, "w", encoding="utf-8") as writer:
            writer.write(file_text(founded))
            writer.flush()
            os.fsync(writer.fileno())
        self.stdout.write(f"The community is in {out}. Keep that file away from the server and from others.")
        self.stdout.write(
            'On the server, a copy without its "secret" part is enough: peerchat community load FILE'
        )
        if origin is None:
            self.stdout.write("Run create with --origin to have the first steward's link printed.")
        else:
            link = invite_link(origin=origin, root=founded.root, seed=founded.first_invite_seed)
            self.stdout.write(f"The first steward's link, to be opened once and by one person:\n  {link}")

    def _load(self, path: Path) -> None:
        try:
            genesis, name, languages = read_public_part(path)
        except OSError as error:
            raise CommandError(f"The file cannot be read: {error.strerror}.") from None
        except ValueError:
            # pydantic's and json's own words could repeat the file's secrets.
            raise CommandError("This is no community file.") from None
        try:
            community = load_community(genesis=genesis, name=name, languages=languages)
        except PeerChatError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"Loaded. The first steward's link works for 30 days. Demo: {community.demo}.")
