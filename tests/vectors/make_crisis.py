"""Writes crisis.json: lines of ours and random ones, and what the Python matcher finds in them.

The same seed gives the same bytes. ``--lines FILE`` answers other lines instead, one JSON string a line, for a larger
comparison than the tests make.
"""

import hashlib
import json
import random
import sys
from pathlib import Path

from moderation.crisis.checking import read_pack
from moderation.crisis.folding import fold_point
from moderation.crisis.matcher import COMPILED, Matcher, load_compiled

PATH = Path(__file__).parent / "crisis.json"
FOLDS = Path(__file__).parent / "crisis_folds.sha256"
RANDOM_LINES = 500
DISGUISES = [
    "I want to d1e",
    "I w.a.n.t to d.i.e",
    "i w a n t to d i e",
    "iwanttodie",
    "gonna k*ll myself",
    "I wаnt to diе",
    "𝓘 𝔀𝓪𝓷𝓽 𝓽𝓸 𝓭𝓲𝓮 👩‍👩‍👧 now",
    "\ud800 I want to die \udfff",
    'he said "I want to die" and left',
    "I don't want to die. I want to die!",
    "a letter younger than Unicode 14: arido \U0001e061me bate",
    "İ wäñt tö dîê ﷺ",
]


def example_lines() -> list[str]:
    packs = [read_pack(path) for path in sorted((COMPILED.parent / "packs").glob("*.json"))]
    return [
        line
        for pack in packs
        for entry in pack.entries
        for line in (*entry.examples_pos, *entry.examples_neg)
    ]


def random_lines(count: int, seed: int) -> list[str]:
    """Words of the packs in new orders, with noise of every script between and within them."""
    chance = random.Random(seed)
    words = [word.rstrip("*") for pack in load_compiled() for word in pack["words"]]
    examples = example_lines()
    lines = []
    for _ in range(count):
        parts = chance.choices(words, k=chance.randint(0, 8)) + chance.choices(
            examples, k=chance.randint(0, 2)
        )
        chance.shuffle(parts)
        text = chance.choice([" ", " ", "  ", ", ", ".", "\n", ""]).join(parts)
        letters = list(text)
        for _ in range(chance.randint(0, 6)):
            noise = chance.choice(
                [
                    "*",
                    "\u0301",
                    "\u200b",
                    '"',
                    "!",
                    "@",
                    "3",
                    "а",
                    "ο",
                    "💊",
                    "𝓪",
                    ". ",
                    chr(chance.randrange(0x110000)),
                ]
            )
            place = chance.randint(0, len(letters))
            letters[place : place + chance.randint(0, 1)] = [noise]
        lines.append("".join(letters))
    return lines


def answers(lines: list[str]) -> list[list[object]]:
    matcher = Matcher(load_compiled())
    return [
        [
            line,
            [[each.entry, each.category, each.severity, each.start, each.end] for each in matcher.find(line)],
        ]
        for line in lines
    ]


def folds_digest() -> str:
    """SHA-256 of what every code point folds to, each followed by a zero, in UTF-16."""
    folded = "\0".join(fold_point(chr(point)) for point in range(0x110000)) + "\0"
    return hashlib.sha256(folded.encode("utf-16-le", "surrogatepass")).hexdigest() + "\n"


def content() -> str:
    cases = answers([*DISGUISES, *example_lines(), *random_lines(RANDOM_LINES, seed=6)])
    return "[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--random"]:
        for answer in answers(random_lines(int(sys.argv[2]), seed=int(sys.argv[3]))):
            print(json.dumps(answer))
    elif sys.argv[1:2] == ["--lines"]:
        for answer in answers(
            [json.loads(line) for line in Path(sys.argv[2]).read_text("utf-8").splitlines()]
        ):
            print(json.dumps(answer))
    else:
        PATH.write_text(content(), "utf-8")
        FOLDS.write_text(folds_digest(), "ascii")
