"""``peerchat generate``: writes what is made from the code for readers in other languages."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from peerchat.protocol import generate
from peerchat.resources import openapi

PROJECT = Path(__file__).resolve().parents[4]


class Command(BaseCommand):
    help = "Write schema.json, generated.ts and openapi.json; --check only says whether they are up to date."
    # It reads models alone, so that it runs before there is a database.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail when a file is not up to date"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = {**generate.targets(PROJECT), **openapi.targets(PROJECT)}
        stale = [
            path for path, text in wanted.items() if not path.is_file() or path.read_text("utf-8") != text
        ]
        names = ", ".join(str(path.relative_to(PROJECT)) for path in sorted(stale))
        if options["check"]:
            if stale:
                raise CommandError(f"not up to date: {names}. Run `make generate`.")
            return
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
        self.stdout.write(f"wrote {names}" if stale else "everything was up to date")
