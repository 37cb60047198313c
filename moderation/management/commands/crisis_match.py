"""``peerchat crisis-match < messages.jsonl``: what the matcher says of each message, for those who test it."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from moderation.crisis.lines import LineWrong, match_lines
from moderation.crisis.matcher import Matcher, load_compiled


class Command(BaseCommand):
    help = "Read JSON lines {id, text} and print {id, crisis, category, severity} for each. Nothing is kept."
    # Pure: it needs no database and no settings of the deployment.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--explain", action="store_true", help="also print entries and spans")
        parser.add_argument("--lang", nargs="*", help="only these packs; all without it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            matcher = Matcher(load_compiled(options["lang"]))
        except FileNotFoundError as error:
            raise CommandError("there is no pack for one of these languages") from error
        # Not line-buffered text: a terminal's encoding must not decide what a message says.
        lines = (line.decode("utf-8", "replace") for line in sys.stdin.buffer)
        try:
            for answer in match_lines(matcher, lines, explain=options["explain"]):
                sys.stdout.write(answer + "\n")
        except LineWrong as error:
            raise CommandError(str(error)) from error
