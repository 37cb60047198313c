"""Invite links: ``ORIGIN/join#`` and, in the part that no server sees, the community's fingerprint and a
seed.
"""

import base64
import binascii
from dataclasses import dataclass, field

FINGERPRINT_BYTES = 16
SEED_BYTES = 32


@dataclass(frozen=True, slots=True)
class InviteLink:
    """``origin`` as a browser writes it; ``fingerprint`` pins the community's root; ``seed`` is the invite's
    key.
    """

    origin: str
    fingerprint: bytes
    seed: bytes = field(repr=False)

    def __str__(self) -> str:
        fragment = base64.urlsafe_b64encode(self.fingerprint + self.seed).decode("ascii").rstrip("=")
        return f"{self.origin}/join#{fragment}"


def parse_link(text: str) -> InviteLink:
    """Return the invite in ``text``; raise ``ValueError``."""
    address, found, fragment = text.strip().partition("/join#")
    try:
        raw = base64.b64decode(fragment, altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("this is no invite link") from error
    if not found or len(raw) != FINGERPRINT_BYTES + SEED_BYTES:
        raise ValueError("this is no invite link")
    return InviteLink(origin=address, fingerprint=raw[:FINGERPRINT_BYTES], seed=raw[FINGERPRINT_BYTES:])
