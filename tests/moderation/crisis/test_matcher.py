"""What the matcher finds, what it leaves alone, and that hostile text costs it no more than its length."""

from __future__ import annotations

import io
import json
import sys

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.crisis.folding import fold, original_span
from moderation.crisis.matcher import Matcher, load_compiled
from moderation.crisis.words import LONGEST_WORD, within_one


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(load_compiled())


@pytest.mark.parametrize(
    ("text", "category", "severity"),
    [
        ("I want to die", "suicide", 2),
        ("i dont want to be alive", "suicide", 2),
        ("I wish I had never been born", "suicide", 1),
        ("I am going to kill myself tonight", "suicide", 3),
        ("started cutting myself again", "self_harm", 2),
        ("my trafficker found my new address", "trafficker", 3),
        ("he is banging on my door", "danger", 3),
        ("I took a whole bottle of tylenol", "medical", 3),
        ("my sister wants to kill herself", "other_at_risk", 2),
    ],
)
def test_a_plain_sentence_has_its_category_and_severity(
    matcher: Matcher, text: str, category: str, severity: int
) -> None:
    gravest = matcher.find(text)[0]
    assert (gravest.category, gravest.severity) == (category, severity)


@pytest.mark.parametrize(
    "text",
    [
        "I want to d1e",
        "I want to diiiiiie",
        "I w.a.n.t to d.i.e",
        "i w a n t to d i e",
        "iwanttodie",
        "I wаnt to diе",
        "𝓘 𝔀𝓪𝓷𝓽 𝓽𝓸 𝓭𝓲𝓮",
        "Ｉ ｗａｎｔ ｔｏ ｄｉｅ",
        "I wa\u200bnt to d\u0301\u0302ie",
        "I WANT TO DIE",
        "feeling suicidl tonight, i cant",
    ],
)
def test_a_disguise_hides_nothing(matcher: Matcher, text: str) -> None:
    assert [match.category for match in matcher.find(text)][:1] == ["suicide"]


@pytest.mark.parametrize(
    "text",
    [
        "I don't want to die",
        "I killed myself laughing at that",
        "this traffic is killing me",
        "she is so skilled at chess",
        "I used to want to kill myself, years ago",
        'the poster says "are you suicidal? call someone"',
        "I cut myself some slack",
        "the suicide prevention training is on Friday",
        "",
        " ",
        "...",
        "\u200b\u0301",
    ],
)
def test_idioms_negation_and_the_past_are_left_alone(matcher: Matcher, text: str) -> None:
    assert matcher.find(text) == []


def test_a_guard_does_not_cancel_a_match_in_another_clause(matcher: Matcher) -> None:
    assert matcher.find("I don't want to hurt anyone, but I want to die")
    assert matcher.find("I'm not saying it for attention. I want to die")


@pytest.mark.parametrize("before", ["", "👩‍👩‍👧 ", "\U0001d4d8 said: ", "ﷺ ", "e\u0301\u0301 "])
def test_the_span_is_where_the_words_stand_in_the_original(matcher: Matcher, before: str) -> None:
    text = f"{before}so, I want to die."
    match = matcher.find(text)[0]
    assert text[match.start : match.end] == "want to die"


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_no_text_breaks_it_and_every_span_lies_in_the_text(text: str) -> None:
    for match in _SHARED.find(text + " i want to die " + text):
        assert 0 <= match.start < match.end <= 2 * len(text) + 15


@given(st.text(alphabet="aâﬁ𝓐ß\u0301\u200bİ ㌔", min_size=1, max_size=30), st.data())
def test_a_place_in_the_folded_text_leads_back_to_what_folded_to_it(text: str, data: st.DataObject) -> None:
    folded = fold(text)
    if not folded:
        return
    start = data.draw(st.integers(0, len(folded) - 1))
    end = data.draw(st.integers(start + 1, len(folded)))
    first, last = original_span(text, start, end)
    assert folded[start:end] in fold(text[first:last])


_SHARED = Matcher(load_compiled())

HOSTILE = {
    "one word repeated": "suicide " * 12_500,
    "one long word": "a" * 100_000,
    "one long word of signs": "a@" * 50_000,
    "combining marks": "e" + "\u0301" * 100_000,
    "spaced letters": "k i l l " * 12_500,
    "dotted letters": "a.b" * 33_000,
    "gaps that never close": "he he he will will want to to to kill " * 2_600,
    "quotation marks": '" kill myself " ' * 6_250,
    "both directions": "\u202eموت die \u2066" * 9_000,
    "lone surrogates": "\ud800want to die\udfff " * 6_000,
    "many words never seen": " ".join(f"wanto{number:x}die" for number in range(8_000)),
    "stars": "s*i*c*d*e* " * 9_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_work_grows_with_the_length_of_hostile_text_and_no_faster(text: str) -> None:
    def work(part: str) -> int:
        matcher = Matcher(load_compiled(["en"]))
        matcher.find(part)
        return matcher.work

    half, whole = work(text[: len(text) // 2]), work(text)
    assert whole <= 2.2 * half + 20_000
    # Edges and look-ups for each letter, however the letters stand.
    assert whole <= 400 * len(text)


def test_it_learns_no_more_than_its_tables_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moderation.crisis.lexicon.MOST_WORDS", 100)
    monkeypatch.setattr("moderation.crisis.automaton.MOST_STATES", 30)
    matcher = Matcher(load_compiled(["en"]))
    for number in range(500):
        matcher.find(f"word{number} he will hurt and kill want to be dead number {number}")
    assert len(matcher.words) <= 100
    assert len(matcher.entries.rows) <= 31
    assert matcher.find("I want to die")


@given(st.text("ab", max_size=5), st.text("ab", max_size=5))
def test_within_one_is_one_edit_or_one_exchange(word: str, other: str) -> None:
    edits = {word}
    for place in range(len(word) + 1):
        edits |= {word[:place] + letter + word[place:] for letter in "ab"}
        edits |= {word[:place] + word[place + 1 :]}
        edits |= {word[:place] + letter + word[place + 1 :] for letter in "ab" if place < len(word)}
        edits |= {word[:place] + word[place + 1 : place + 2] + word[place : place + 1] + word[place + 2 :]}
    assert within_one(word, other) == (other in edits)


def test_a_word_longer_than_any_word_is_cut_and_not_remembered(matcher: Matcher) -> None:
    matcher.find("x" * (LONGEST_WORD + 1))
    assert "x" * (LONGEST_WORD + 1) not in matcher.words


def run_command(monkeypatch: pytest.MonkeyPatch, lines: bytes) -> list[dict[str, object]]:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    monkeypatch.setattr(sys, "stdout", out)
    call_command("crisis_match")
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_the_command_answers_each_line(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = run_command(monkeypatch, b'{"id":"a","text":"I want to die"}\n\n{"id":"b","text":"hello"}\n')
    assert answers == [
        {"id": "a", "crisis": True, "category": "suicide", "severity": 2},
        {"id": "b", "crisis": False, "category": None, "severity": 0},
    ]


@pytest.mark.parametrize("line", [b"nonsense", b"[]", b'{"id":1,"text":"x"}', b'{"id":"a"}', b"[" * 100_000])
def test_a_line_that_is_no_message_is_named_by_number_and_not_by_word(
    monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    with pytest.raises(CommandError, match=r"^line 2 is not a message$"):
        run_command(monkeypatch, b'{"id":"a","text":"x"}\n' + line + b"\n")
