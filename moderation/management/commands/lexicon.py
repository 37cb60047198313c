"""``peerchat lexicon build`` and ``peerchat lexicon check``: from the packs that people read to those that run."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from pydantic import ValidationError

from moderation.crisis.checking import check_pack, read_pack
from moderation.crisis.compiling import compile_pack, encode_compiled
from moderation.crisis.matcher import COMPILED
from moderation.crisis.patterns import PatternWrong
from moderation.crisis.twin import tables_json

SOURCES = COMPILED.parent / "packs"
TABLES = COMPILED.parents[2] / "frontend" / "src" / "crisis" / "tables.json"


class Command(BaseCommand):
    help = "build: write the compiled packs. check: try every example, and whether the compiled packs are up to date."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["build", "check"])
        parser.add_argument("lang", nargs="*", help="only these languages")

    def handle(self, *args: Any, **options: Any) -> None:
        paths = sorted(SOURCES.glob("*.json"))
        if options["lang"]:
            paths = [SOURCES / f"{lang}.json" for lang in options["lang"]]
        problems: list[str] = []
        for path in paths:
            problems += self._one(path, build=options["what"] == "build")
        problems += self._tables(build=options["what"] == "build")
        for problem in problems:
            self.stderr.write(problem)
        if problems:
            raise CommandError(f"{len(problems)} to put right")
        self.stdout.write(f"{len(paths)} packs are right")

    def _tables(self, *, build: bool) -> list[str]:
        """The front end's tables. An installed server has no front end's source, and nothing to do."""
        if not TABLES.parent.is_dir():
            return []
        if build:
            TABLES.write_text(tables_json(), "utf-8")
        elif not TABLES.is_file() or TABLES.read_text("utf-8") != tables_json():
            return ["frontend/src/crisis/tables.json is not up to date: run `peerchat lexicon build`"]
        return []

    def _one(self, path: Path, *, build: bool) -> list[str]:
        if not path.is_file():
            return [f"there is no {path.name}"]
        try:
            pack = read_pack(path)
            compiled = compile_pack(pack)
        except ValidationError as error:
            return [
                f"{path.name}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()
            ]
        except PatternWrong as error:
            return [str(error)]
        target, wanted = COMPILED / path.name, encode_compiled(compiled)
        if build:
            target.write_bytes(wanted)
        elif not target.is_file() or target.read_bytes() != wanted:
            return [f"{path.name} changed since it was compiled: run `peerchat lexicon build`"]
        return check_pack(pack, compiled)
