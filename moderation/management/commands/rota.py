"""``peerchat rota``: who is on call when. Counselors name their own contacts in the app."""

from argparse import ArgumentParser
from datetime import date, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from moderation.oncall.calendar_import import CalendarWrong, import_calendar
from moderation.oncall.coverage import coverage_at
from moderation.oncall.ladder import ladder_at
from moderation.oncall.models import Layer, LayerMember, Shift
from peerchat.accounts.models import Account
from peerchat.clock import from_ms, now_ms


class Command(BaseCommand):
    help = "Show the rota, add a rotation, import a calendar, or clear a tier."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare ``show``, ``add``, ``import`` and ``clear``."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="show | add | import | clear")
        actions.add_parser("show", help="who can be paged now, and the gaps of the coming week")
        add = actions.add_parser("add", help="a rotation of these handles")
        add.add_argument("handles", nargs="+")
        add.add_argument("--zone", required=True, help="such as Europe/Berlin")
        add.add_argument("--first-day", required=True, type=date.fromisoformat)
        add.add_argument("--handoff", type=time.fromisoformat, default=time(9))
        add.add_argument("--days", type=int, default=7, help="how long a turn is")
        add.add_argument("--from-time", type=time.fromisoformat)
        add.add_argument("--to-time", type=time.fromisoformat)
        take = actions.add_parser("import", help="shifts from an .ics file; summaries are handles")
        take.add_argument("file", type=Path)
        take.add_argument("--override", action="store_true", help="nobody else of the tier meanwhile")
        clear = actions.add_parser("clear", help="forget all rotations and shifts of a tier")
        for one in (add, take, clear):
            one.add_argument("--tier", type=int, default=0, choices=range(10), metavar="0..9")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the action that was named, then show what came of it."""
        match options["action"]:
            case "add":
                self._add(options)
            case "import":
                self._import(options)
            case "clear":
                Layer.objects.filter(tier=options["tier"]).delete()
                Shift.objects.filter(tier=options["tier"]).delete()
        self._show()

    def _add(self, options: dict[str, Any]) -> None:
        try:
            ZoneInfo(options["zone"])
        except (ZoneInfoNotFoundError, ValueError):
            raise CommandError("--zone is no time zone, such as Europe/Berlin.") from None
        if options["days"] < 1 or (options["from_time"] is None) != (options["to_time"] is None):
            raise CommandError("A turn has a day at least, and hours have both ends.")
        people = [
            Account.objects.filter(handle=one, forgotten_at__isnull=True).first()
            for one in options["handles"]
        ]
        if None in people:
            raise CommandError("Nobody here has one of these handles.")
        with transaction.atomic():
            layer = Layer.objects.create(
                tier=options["tier"],
                time_zone=options["zone"],
                first_day=options["first_day"],
                handoff=options["handoff"],
                turn_days=options["days"],
                from_time=options["from_time"],
                to_time=options["to_time"],
            )
            LayerMember.objects.bulk_create(
                LayerMember(layer=layer, position=position, account=person)
                for position, person in enumerate(people)
                if person is not None
            )

    def _import(self, options: dict[str, Any]) -> None:
        try:
            content = options["file"].read_bytes()
            done = import_calendar(
                content=content,
                tier=options["tier"],
                source=options["file"].name[:40],
                now=now_ms(),
                replaces=options["override"],
            )
        except OSError as error:
            raise CommandError(f"The file cannot be read: {error.strerror}.") from None
        except CalendarWrong:
            raise CommandError("The file is no calendar that can be imported.") from None
        self.stdout.write(f"{done.shifts} shifts; {done.unknown} events named nobody here and were left out.")

    def _show(self) -> None:
        now = now_ms()
        ladder, coverage = ladder_at(now), coverage_at(now)
        for tier, contacts in enumerate(ladder[:-1]):
            self.stdout.write(f"tier {tier}: {len(contacts)} verified contacts on call now")
        self.stdout.write(f"everyone: {coverage.reachable} people can be paged now")
        for gap in coverage.gaps:
            starts, ends = from_ms(gap.starts), from_ms(gap.ends)
            self.stdout.write(
                f"GAP tier {gap.tier}: {starts:%a %Y-%m-%d %H:%M} to {ends:%a %Y-%m-%d %H:%M} UTC"
            )
        if not coverage.reachable:
            self.stdout.write("NOBODY can be paged: every call for help will be unanswered.")
