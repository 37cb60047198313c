"""Write sodium.json: what libsodium computes, for both languages' tests to compare with.

Run it with ``python tests/vectors/make_sodium.py``. It gives the same bytes each time, so that a change shows
in review. The sealed boxes have a fixed ephemeral key, and PyNaCl's own ``SealedBox`` opens them.
"""

import hashlib
import hmac
import json
import unicodedata
from pathlib import Path

from nacl import bindings
from nacl.encoding import RawEncoder
from nacl.hash import blake2b
from nacl.public import PrivateKey, SealedBox
from nacl.pwhash import argon2id
from nacl.signing import SigningKey

PREFIX = "peerchat/v1/"
ROOT = bytes(range(32))


def fixed(label: str, length: int = 32) -> bytes:
    return hashlib.shake_256(label.encode()).digest(length)


def signatures() -> list[dict[str, str]]:
    cases = [
        ("room-log", b""),
        ("device", b"body"),
        ("message", fixed("long body", 5000)),
        ("t\u00eate", b"\x00"),
    ]
    out = []
    for label, body in cases:
        key = SigningKey(fixed(f"seed {label}"))
        signed = (PREFIX + label).encode() + b"\x00" + ROOT + body
        out.append(
            {
                "label": label,
                "body": body.hex(),
                "seed": bytes(key).hex(),
                "public_key": bytes(key.verify_key).hex(),
                "signature": key.sign(signed).signature.hex(),
            }
        )
    return out


def sealed_boxes() -> list[dict[str, str]]:
    recipient = PrivateKey(fixed("box key"))
    public = bytes(recipient.public_key)
    out = []
    for length in (0, 1, 64, 1000):
        plaintext = fixed("plaintext", length) if length else b""
        ephemeral = PrivateKey(fixed(f"ephemeral {length}"))
        nonce = blake2b(bytes(ephemeral.public_key) + public, digest_size=24, encoder=RawEncoder)
        sealed = bytes(ephemeral.public_key) + bindings.crypto_box(plaintext, nonce, public, bytes(ephemeral))
        assert SealedBox(recipient).decrypt(sealed) == plaintext
        out.append(
            {
                "private_key": bytes(recipient).hex(),
                "public_key": public.hex(),
                "plaintext": plaintext.hex(),
                "sealed": sealed.hex(),
            }
        )
    return out


def aead() -> list[dict[str, str]]:
    out = []
    for length, data in ((0, b""), (5, b"room 1"), (1000, fixed("data", 100))):
        key, nonce = fixed(f"aead key {length}"), fixed(f"aead nonce {length}", 24)
        plaintext = fixed("aead plaintext", length) if length else b""
        ciphertext = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, data, nonce, key)
        out.append(
            {
                "key": key.hex(),
                "associated_data": data.hex(),
                "plaintext": plaintext.hex(),
                "sealed": (nonce + ciphertext).hex(),
            }
        )
    return out


def hkdf_sha256(secret: bytes, info: bytes) -> bytes:
    """RFC 5869 with no salt and one block of output."""
    prk = hmac.digest(b"\x00" * 32, secret, "sha256")
    return hmac.digest(prk, info + b"\x01", "sha256")


def phrase_keys() -> list[dict[str, str]]:
    cases = [
        ("copper lantern orbit meadow violin thaw", "river"),
        (
            "copper lantern orbit meadow violin thaw",
            "\uff32\uff49\uff36\uff25\uff32",
        ),  # full width: the same handle
        ("\u0633\u0644\u0627\u0645 phrase", "\u0130STANBUL \u03a3\u0391\u03a3"),
    ]
    out = []
    for phrase, handle in cases:
        normalized = unicodedata.normalize("NFKC", handle).lower()
        salt = hashlib.sha256(
            (PREFIX + "argon2-salt").encode() + b"\x00" + ROOT + normalized.encode()
        ).digest()[:16]
        secret = argon2id.kdf(32, phrase.encode(), salt, opslimit=3, memlimit=32 * 1024 * 1024)
        out.append(
            {
                "phrase": phrase,
                "handle": handle,
                "salt": salt.hex(),
                "sign_in": hkdf_sha256(secret, b"sign-in").hex(),
                "backup": hkdf_sha256(secret, b"backup").hex(),
                "local": hkdf_sha256(secret, b"local").hex(),
            }
        )
    return out


def main() -> None:
    vectors = {
        "root": ROOT.hex(),
        "signatures": signatures(),
        "sealed_boxes": sealed_boxes(),
        "aead": aead(),
        "phrase_keys": phrase_keys(),
    }
    path = Path(__file__).with_name("sodium.json")
    path.write_text(json.dumps(vectors, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
