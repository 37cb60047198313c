"""Every shipped pack does what its own examples say, is compiled, small enough, and says who has read it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import brotli
import pytest
from django.core.management import CommandError, call_command
from pydantic import ValidationError

from moderation.crisis.checking import check_pack, read_pack
from moderation.crisis.compiling import compile_pack, encode_compiled
from moderation.crisis.matcher import COMPILED, Matcher, PackUnreadable, load_compiled
from moderation.crisis.packs import Pack
from moderation.crisis.patterns import PatternWrong
from tests.vectors import make_crisis

SOURCES = sorted((COMPILED.parent / "packs").glob("*.json"))
LARGEST_PACK = 25 * 1024


def small_pack(**changes: Any) -> Pack:
    entry = {
        "id": "en.suicide.wish",
        "category": "suicide",
        "severity": 1,
        "pattern": ["want to die"],
        "rationale": "a wish",
        "source": "C-SSRS screener 1",
        "added_in": 1,
        "examples_pos": ["I want to die"],
        "examples_neg": ["I want to dine"],
    }
    whole = {
        "schema_version": 1,
        "pack_version": 1,
        "lang": "en",
        "created": "2026-11-24",
        "reviewers": [],
        "changelog": [{"version": 1, "date": "2026-11-24", "what": "First."}],
        "slots": {},
        "guards": {},
        "requirements": {},
        "fuzzy": [],
        "deny": [],
        "entries": [entry | changes.pop("entry", {})],
    }
    return Pack.model_validate_json(json.dumps(whole | changes))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_shipped_pack_is_right_compiled_and_small(path: Path) -> None:
    pack = read_pack(path)
    compiled = compile_pack(pack)
    encoded = encode_compiled(compiled)
    assert (COMPILED / path.name).read_bytes() == encoded, "run `peerchat lexicon build`"
    assert check_pack(pack, compiled) == []
    assert len(brotli.compress(encoded, quality=11)) <= LARGEST_PACK


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_pack_that_nobody_reviewed_says_so(path: Path) -> None:
    assert read_pack(path).reviewers == []
    assert json.loads((COMPILED / path.name).read_text("utf-8"))["reviewed"] is False


def test_the_packs_of_all_languages_leave_each_others_negative_examples_alone() -> None:
    together = Matcher(load_compiled())
    wrong = [
        (example, match.entry)
        for path in SOURCES
        for entry in read_pack(path).entries
        for example in entry.examples_neg
        for match in together.find(example)
    ]
    assert wrong == []


def test_an_example_that_goes_wrong_is_named() -> None:
    pack = small_pack(entry={"examples_pos": ["hello"], "examples_neg": ["I want to die"]})
    problems = check_pack(pack, compile_pack(pack))
    assert problems == [
        "en.suicide.wish misses its own example: hello",
        "en.suicide.wish finds what it must not (en.suicide.wish): I want to die",
    ]


@pytest.mark.parametrize(
    "line", ["(want", "want)", "(|)", "{nobody}", "a | ?", "()", "!!", "want to | (die", "die?", "{itself}"]
)
def test_a_pattern_that_cannot_be_read_is_refused_by_name(line: str) -> None:
    with pytest.raises(PatternWrong):
        compile_pack(small_pack(slots={"itself": ["x {itself}"]}, entry={"pattern": [line]}))


@pytest.mark.parametrize(
    ("pattern", "matches", "leaves"),
    [
        ("want to? die", ["want die", "want to die"], ["want", "want to to die"]),
        ("want _2 die", ["want die", "want red hot die"], ["want red hot new die", "want. die"]),
        ("(rope|two pills) now", ["rope now", "two pills now"], ["two now", "pills now"]),
        ("kill* me", ["killing me", "kill me"], ["skill me"]),
        ("自杀", ["我想自杀"], ["自我杀"]),
    ],
)
def test_the_pattern_language_means_what_it_says(pattern: str, matches: list[str], leaves: list[str]) -> None:
    matcher = Matcher([compile_pack(small_pack(entry={"pattern": [pattern]}))])
    assert [text for text in [*matches, *leaves] if matcher.find(text)] == matches


@pytest.mark.parametrize(
    "changes",
    [{"fuzzy": ["die"]}, {"entry": {"guards": ["nobody"]}}, {"entry": {"requires": ["nobody"]}}],
)
def test_a_pack_that_names_what_is_not_there_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(PatternWrong):
        compile_pack(small_pack(**changes))


@pytest.mark.parametrize(
    "changes",
    [{"entry": {"severity": 4}}, {"entry": {"category": "sadness"}}, {"reviewed": True}, {"entries": []}],
)
def test_a_pack_outside_the_schema_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        small_pack(**changes)


def test_a_pack_of_another_format_is_not_loaded() -> None:
    with pytest.raises(PackUnreadable):
        Matcher([compile_pack(small_pack()) | {"format": 2}])


def test_check_says_what_is_wrong_and_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moderation.management.commands.lexicon.SOURCES", tmp_path)
    monkeypatch.setattr("moderation.management.commands.lexicon.COMPILED", tmp_path / "out")
    monkeypatch.setattr("moderation.management.commands.lexicon.TABLES", tmp_path / "nowhere" / "tables.json")
    (tmp_path / "out").mkdir()
    text = small_pack(entry={"examples_pos": ["hello"]}).model_dump_json()
    (tmp_path / "en.json").write_text(text, "utf-8")
    said = io.StringIO()
    with pytest.raises(CommandError):
        call_command("lexicon", "check", stderr=said)
    assert "run `peerchat lexicon build`" in said.getvalue()
    with pytest.raises(CommandError):
        call_command("lexicon", "build", stderr=said)
    assert "misses its own example" in said.getvalue()


def test_what_is_shipped_passes_its_own_check() -> None:
    call_command("lexicon", "check", stdout=io.StringIO())


def test_the_vectors_are_what_the_matcher_finds_today() -> None:
    assert make_crisis.PATH.read_text("utf-8") == make_crisis.content(), (
        "run `python -m tests.vectors.make_crisis`"
    )


def test_every_code_point_folds_as_it_always_did() -> None:
    assert make_crisis.FOLDS.read_text("ascii") == make_crisis.folds_digest()
