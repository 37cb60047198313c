"""What a client computes, by libsodium: signatures over labelled bytes, keys from a phrase, the sealed
backup.

Agrees with ``frontend/src/crypto/sodium.ts``; ``tests/vectors/sodium.json`` holds both to the same answers.
Parameters are constants: a server that could choose them could choose weak ones. It does not speak MLS: a
message is opaque here.
"""

import hashlib
import hmac
import unicodedata
from dataclasses import dataclass, field

from nacl import bindings, pwhash, utils
from nacl.exceptions import CryptoError
from nacl.signing import SigningKey

from peerchat.protocol.signed import Label

_PREFIX = b"peerchat/v1/"
_ARGON2_OPS = 3
_ARGON2_BYTES = 32 * 1024 * 1024
_NONCE_BYTES = bindings.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES


class CannotOpen(Exception):
    """The phrase is another, or the sealed bytes are not whole; the two cannot be told apart."""


@dataclass(frozen=True, slots=True)
class PhraseKeys:
    """What a phrase opens. What the server sees (``sign_in``) says nothing about the others."""

    sign_in: bytes = field(repr=False)
    backup: bytes = field(repr=False)
    local: bytes = field(repr=False)


def random_bytes(count: int) -> bytes:
    """Return ``count`` bytes from the operating system's generator."""
    return utils.random(count)


def new_id() -> bytes:
    """Return a fresh 16-byte id."""
    return utils.random(16)


def public_key(seed: bytes) -> bytes:
    """Return the Ed25519 public key of a 32-byte ``seed``."""
    return bytes(SigningKey(seed).verify_key)


def signed_bytes(label: Label, root: bytes, body: bytes) -> bytes:
    """Return the bytes under a signature (docs/protocol.md, "Signed bytes")."""
    if len(root) != 32:
        raise ValueError("a community root has 32 bytes")
    return _PREFIX + label.value.encode("ascii") + b"\x00" + root + body


def sign(*, seed: bytes, label: Label, root: bytes, body: bytes) -> bytes:
    """Return the Ed25519 signature of ``body`` under ``label`` in the community of ``root``."""
    return SigningKey(seed).sign(signed_bytes(label, root, body)).signature


def verify(*, key: bytes, label: Label, root: bytes, body: bytes, signature: bytes) -> bool:
    """Return whether ``key`` signed ``body`` under ``label`` in the community of ``root``."""
    if len(key) != 32 or len(signature) != 64:
        return False
    try:
        bindings.crypto_sign_open(signature + signed_bytes(label, root, body), key)
    except CryptoError:
        return False
    return True


def tagged_hash(label: str, *parts: bytes) -> bytes:
    """Return SHA-256 of ``"peerchat/v1/" + label``, a zero byte and ``parts``."""
    return hashlib.sha256(b"".join((_PREFIX, label.encode("ascii"), b"\x00", *parts))).digest()


def root_fingerprint(root: bytes) -> bytes:
    """Return the 16 bytes by which links and the community log name a community."""
    return tagged_hash("root", root)[:16]


def phrase_keys(*, phrase: str, root: bytes, handle: str) -> PhraseKeys:
    """Return the keys of a phrase: Argon2id (RFC 9106), then HKDF-SHA256 (RFC 5869) for each use. Takes 0.2 s
    and 32 MiB.
    """
    spelled = " ".join(unicodedata.normalize("NFKC", phrase).lower().split())
    secret = pwhash.argon2id.kdf(
        32,
        spelled.encode(),
        phrase_salt(root=root, handle=handle),
        opslimit=_ARGON2_OPS,
        memlimit=_ARGON2_BYTES,
    )
    return PhraseKeys(
        sign_in=derive_key(secret, "sign-in"),
        backup=derive_key(secret, "backup"),
        local=derive_key(secret, "local"),
    )


def phrase_salt(*, root: bytes, handle: str) -> bytes:
    """Return a salt of this community and this handle, so that one guess cannot be tried against two
    accounts.
    """
    return tagged_hash("argon2-salt", root, unicodedata.normalize("NFKC", handle).lower().encode())[:16]


def derive_key(secret: bytes, label: str) -> bytes:
    """Return HKDF-SHA256 of ``secret`` without a salt, 32 bytes."""
    extracted = hmac.digest(bytes(32), secret, "sha256")
    return hmac.digest(extracted, label.encode() + b"\x01", "sha256")


def seal_backup(*, key: bytes, root: bytes, plaintext: bytes) -> bytes:
    """Return a nonce and the XChaCha20-Poly1305 ciphertext of ``plaintext``, bound to ``root``."""
    nonce = utils.random(_NONCE_BYTES)
    return nonce + bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(
        plaintext, _backup_of(root), nonce, key
    )


def open_backup(*, key: bytes, root: bytes, sealed: bytes) -> bytes:
    """Return what ``seal_backup`` was given; raise ``CannotOpen``."""
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(ciphertext, _backup_of(root), nonce, key)
    except (CryptoError, ValueError, TypeError):
        raise CannotOpen from None


def _backup_of(root: bytes) -> bytes:
    return _PREFIX + b"backup\x00" + root
