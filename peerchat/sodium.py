"""libsodium, under the names this product uses; with ``client/crypto.py`` the only importer of PyNaCl.

It decides nothing: which key may sign what is judged by the logs. No error holds a key or a plaintext.
"""

from nacl import bindings, utils
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.signing import SigningKey

KEY_BYTES = 32
SIGNATURE_BYTES = 64
NONCE_BYTES = bindings.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
WRAP_OVERHEAD_BYTES = NONCE_BYTES + bindings.crypto_aead_xchacha20poly1305_ietf_ABYTES
SEAL_OVERHEAD_BYTES = bindings.crypto_box_SEALBYTES


class OpenFailed(Exception):
    """A wrapped or sealed thing is not whole, or the key or the associated data are others."""


def random_bytes(count: int) -> bytes:
    """Return ``count`` bytes from the operating system's generator."""
    return utils.random(count)


def equal(left: bytes, right: bytes) -> bool:
    """Compare in a time that depends on the length alone."""
    return len(left) == len(right) and bindings.sodium_memcmp(left, right)


def _signed_bytes(label: str, root: bytes, body: bytes) -> bytes:
    if len(root) != KEY_BYTES:
        raise ValueError("a community root has 32 bytes")
    return b"peerchat/v1/" + label.encode() + b"\x00" + root + body


def public_key(*, seed: bytes) -> bytes:
    """Return the Ed25519 public key of a 32-byte ``seed``."""
    return bytes(SigningKey(seed).verify_key)


def sign(*, seed: bytes, label: str, root: bytes, body: bytes) -> bytes:
    """Return the signature of ``body`` under ``label`` in ``root``'s community (docs/protocol.md, "Signed bytes")."""
    return SigningKey(seed).sign(_signed_bytes(label, root, body)).signature


def verify(*, key: bytes, label: str, root: bytes, body: bytes, signature: bytes) -> bool:
    """Return whether ``key`` signed ``body`` under ``label`` in the community of ``root``.

    libsodium refuses small-order keys and scalars that are not reduced (RFC 8032 §5.1.7).
    """
    if len(key) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        bindings.crypto_sign_open(signature + _signed_bytes(label, root, body), key)
    except CryptoError:
        return False
    return True


def wrap(*, key: bytes, plaintext: bytes, associated: bytes) -> bytes:
    """Return a fresh 24-byte nonce and the XChaCha20-Poly1305 ciphertext of ``plaintext``, bound to ``associated``."""
    nonce = utils.random(NONCE_BYTES)
    return nonce + bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, associated, nonce, key)


def unwrap(*, key: bytes, wrapped: bytes, associated: bytes) -> bytes:
    """Return what ``wrap`` was given; raise ``OpenFailed``."""
    if len(wrapped) < WRAP_OVERHEAD_BYTES:
        raise OpenFailed
    nonce, ciphertext = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
    try:
        return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(ciphertext, associated, nonce, key)
    except CryptoError:
        raise OpenFailed from None


def box_public_key(*, private_key: bytes) -> bytes:
    """Return the X25519 public key of a 32-byte private key."""
    return bytes(PrivateKey(private_key).public_key)


def seal(*, recipient: bytes, plaintext: bytes) -> bytes:
    """Return ``crypto_box_seal`` of ``plaintext``: only ``recipient`` opens it, and it names no sender."""
    return SealedBox(PublicKey(recipient)).encrypt(plaintext)


def open_sealed(*, private_key: bytes, sealed: bytes) -> bytes:
    """Return what was sealed to ``private_key``; raise ``OpenFailed``."""
    try:
        return SealedBox(PrivateKey(private_key)).decrypt(sealed)
    except (CryptoError, ValueError):
        raise OpenFailed from None
