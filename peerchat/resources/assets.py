"""The style, the script and the icon of the pages that need no JavaScript: three files, named by their content.

They live in memory; a changed file has a new name, so that browsers may keep them for a year.
"""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

FOLDER = Path(__file__).parent / "assets"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served."""

    path: str
    content_type: str
    content: bytes


@cache
def assets() -> dict[str, Asset]:
    """Return the assets by their plain names: ``css``, ``js``, ``svg``."""
    found = {}
    for file in sorted(FOLDER.iterdir()):
        content = file.read_bytes()
        mark = sha256(content).hexdigest()[:10]
        path = f"/pages/{file.stem}.{mark}{file.suffix}"
        found[file.suffix[1:]] = Asset(path, _TYPES[file.suffix], content)
    return found


def asset_at(path: str) -> Asset | None:
    """Return the asset whose address ``path`` is, or ``None``."""
    return next((asset for asset in assets().values() if asset.path == path), None)
