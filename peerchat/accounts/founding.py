"""Founding a community, away from the server: its root key signs genesis once, and is needed no more.

The file it makes is in two parts. ``genesis`` and ``name`` are public, and are what ``community load`` takes
in; ``secret`` holds the root's seed and the first steward's invite, and never belongs on the server.
"""

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from peerchat import signed_log, sodium
from peerchat.protocol.http_bodies import CommunityEntryRequest
from peerchat.protocol.signed import Action, Author, GenesisBody, LogKind, SignedEntry
from peerchat.signed_log import make_entry

DELAY_HOURS = 24
LANGUAGES = ("en",)


@dataclass(frozen=True, slots=True)
class Founded:
    """A new community: what is public, and the two seeds that are not."""

    name: str
    languages: tuple[str, ...]
    genesis: SignedEntry = field(repr=False)
    root: bytes
    root_seed: bytes = field(repr=False)
    first_invite_seed: bytes = field(repr=False)


def found_community(*, name: str, demo: bool, at: int) -> Founded:
    """Make the root and genesis; ``at`` is UTC ms. A demo certifies without delay, and says so in its genesis."""
    root_seed, first_invite_seed = sodium.random_bytes(32), sodium.random_bytes(32)
    root = sodium.public_key(seed=root_seed)
    genesis = make_entry(
        log=LogKind.COMMUNITY,
        log_id=signed_log.root_fingerprint(root),
        place=None,
        community_head=None,
        author=Author(account_id=None, device_id=None),
        action=Action.GENESIS,
        body=GenesisBody(
            salt=sodium.random_bytes(16),
            root=root,
            first_steward_invite=sodium.public_key(seed=first_invite_seed),
            demo=demo,
            certify_delay_hours=0 if demo else DELAY_HOURS,
        ),
        at=at,
        sign=lambda label, body: sodium.sign(seed=root_seed, label=label, root=root, body=body),
    )
    return Founded(
        name=name,
        languages=LANGUAGES,
        genesis=genesis,
        root=root,
        root_seed=root_seed,
        first_invite_seed=first_invite_seed,
    )


def invite_link(*, origin: str, root: bytes, seed: bytes) -> str:
    """Return the link of an invite. All of it that matters stands after ``#``, which browsers send to no server."""
    fragment = base64.urlsafe_b64encode(signed_log.root_fingerprint(root) + seed).decode().rstrip("=")
    return f"{origin}/join#{fragment}"


def file_text(founded: Founded) -> str:
    """Return what ``community create`` writes."""
    entry = CommunityEntryRequest(entry=founded.genesis).model_dump(mode="json")["entry"]
    content = {
        "peerchat": "community",
        "version": 1,
        "name": founded.name,
        "languages": list(founded.languages),
        "genesis": entry,
        "secret": {
            "root_seed": founded.root_seed.hex(),
            "first_invite_seed": founded.first_invite_seed.hex(),
        },
    }
    return json.dumps(content, indent=2) + "\n"


def read_public_part(path: Path) -> tuple[SignedEntry, str, list[str]]:
    """Return genesis, name and languages of the file at ``path``, and nothing of its secrets. Raises ``ValueError``."""
    content: Any = json.loads(path.read_text("utf-8"))
    if not isinstance(content, dict) or content.get("peerchat") != "community" or content.get("version") != 1:
        raise ValueError("this is no community file")
    name, languages = content.get("name"), content.get("languages")
    if not isinstance(name, str) or not isinstance(languages, list):
        raise ValueError("the community file has no name or no languages")
    genesis = CommunityEntryRequest.model_validate({"entry": content.get("genesis")}).entry
    return genesis, name, [str(language) for language in languages]
