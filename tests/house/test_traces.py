"""The search for traces finds what is there; else a clean result would mean nothing."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import traces

SENTENCE = "the heron waits by the old mill"


@pytest.mark.parametrize(
    "content",
    [
        f"before {SENTENCE} after".encode(),
        SENTENCE.encode("utf-16-le"),
        base64.b64encode(f"x{SENTENCE}yz".encode()),
        base64.b64encode(f"xy{SENTENCE}z".encode()),
        base64.b64encode(f"xyz{SENTENCE}".encode()),
        json.dumps({"text": SENTENCE}).encode(),
        SENTENCE.encode().hex().encode(),
    ],
)
def test_a_sentence_planted_in_a_file_is_found(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file.bin").write_bytes(os.urandom(9999) + content + os.urandom(9999))
    assert traces.in_files(SENTENCE, [tmp_path])


def test_a_sentence_that_is_nowhere_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "file.bin").write_bytes(os.urandom(9999) + SENTENCE[1:].encode())
    assert traces.in_files(SENTENCE, [tmp_path]) == []


def test_a_sentence_in_a_process_is_found_and_another_is_not() -> None:
    # Built in the process, so that it stands in its heap and not in its command line.
    program = (
        "import sys; kept = ' '.join(sys.stdin.readline().split('_'));"
        "print('ready', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("_".join(SENTENCE.split(" ")) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ready\n"
        assert traces.in_memory(SENTENCE, process.pid)
        assert traces.in_memory("a kingfisher that nobody wrote of", process.pid) == []
        process.stdin.close()
