"""Looks for a sentence wherever a server could have left it: its files, temporary files, and its own memory.

Memory is read through ``/proc``: it holds what a core file would hold, without the crash. Linux only.
"""

import base64
import re
from collections.abc import Iterable, Iterator
from io import FileIO
from pathlib import Path

_CHUNK_BYTES = 8 << 20


def spellings(sentence: str) -> dict[str, bytes]:
    """Return the forms in which software keeps a text, by name; base64 at each of its three alignments."""
    raw = sentence.encode()
    forms = {
        "utf-8": raw,
        "utf-16": sentence.encode("utf-16-le"),
        "utf-32": sentence.encode("utf-32-le"),
        "hex": raw.hex().encode(),
        "url": "%20".join(sentence.split(" ")).encode(),
        "json": sentence.encode("unicode_escape"),
    }
    for shift in range(3):
        # The letters at both ends depend on what stands beside the sentence, so they are left out.
        encoded = base64.b64encode(b"\0" * shift + raw)
        forms[f"base64+{shift}"] = encoded[4 if shift else 0 : -4]
    return forms


def _search(data: bytes, forms: dict[str, bytes]) -> Iterator[str]:
    return (name for name, form in forms.items() if form in data)


def in_files(sentence: str, folders: Iterable[Path]) -> list[str]:
    """Return ``path (spelling)`` for each regular file below ``folders`` that holds the sentence."""
    forms = spellings(sentence)
    found = []
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                found += [f"{path} ({name})" for name in _search(path.read_bytes(), forms)]
    return found


def in_memory(sentence: str, pid: int) -> list[str]:
    """Return ``mapping (spelling)`` for each readable mapping of process ``pid`` that holds the sentence."""
    forms = spellings(sentence)
    overlap = max(map(len, forms.values()))
    found: set[str] = set()
    maps = Path(f"/proc/{pid}/maps").read_text()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in maps.splitlines():
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
            if match is None or line.endswith(("[vvar]", "[vsyscall]")):
                continue
            start, end = (int(part, 16) for part in match.groups())
            found |= {f"{line[73:] or 'heap'} ({name})" for name in _scan(memory, start, end, overlap, forms)}
    return sorted(found)


def _scan(memory: FileIO, start: int, end: int, overlap: int, forms: dict[str, bytes]) -> set[str]:
    found: set[str] = set()
    tail = b""
    while start < end:
        memory.seek(start)
        try:
            data = memory.read(min(_CHUNK_BYTES, end - start))
        except OSError:
            break  # a page that the kernel keeps to itself
        if not data:
            break
        found |= set(_search(tail + data, forms))
        tail = data[-overlap:]
        start += len(data)
    return found
