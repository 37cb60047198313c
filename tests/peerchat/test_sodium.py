"""libsodium under our names: signatures are bound to label and community, what is wrapped to its place."""

import json
from pathlib import Path
from typing import Any

import pytest

from peerchat import sodium

SEED, ROOT = bytes(range(32)), bytes(range(32, 64))
KEY = sodium.public_key(seed=SEED)
SIGNATURE = sodium.sign(seed=SEED, label="device", root=ROOT, body=b"body")
VECTORS = Path(__file__).parents[1] / "vectors" / "sodium.json"


def test_a_signature_holds_for_what_was_signed() -> None:
    assert sodium.verify(key=KEY, label="device", root=ROOT, body=b"body", signature=SIGNATURE)


@pytest.mark.parametrize(
    "change",
    [
        {"label": "profile"},
        {"root": bytes(32)},
        {"body": b"bodY"},
        {"body": b""},
        {"key": sodium.public_key(seed=bytes(32))},
        {"key": KEY[:-1]},
        {"key": bytes(32)},
        {"signature": SIGNATURE[:-1]},
        {"signature": SIGNATURE + b"\x00"},
        {"signature": bytes(64)},
        {"signature": SIGNATURE[:32] + bytes(32)},
    ],
)
def test_a_signature_holds_for_nothing_else(change: dict[str, Any]) -> None:
    right = {"key": KEY, "label": "device", "root": ROOT, "body": b"body", "signature": SIGNATURE}
    assert not sodium.verify(**(right | change))


def test_a_scalar_that_is_not_reduced_is_refused() -> None:
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(SIGNATURE[32:], "little") + order
    other = SIGNATURE[:32] + scalar.to_bytes(32, "little")
    assert not sodium.verify(key=KEY, label="device", root=ROOT, body=b"body", signature=other)


def test_the_label_and_the_body_cannot_flow_into_each_other() -> None:
    signature = sodium.sign(seed=SEED, label="a", root=ROOT, body=b"b")
    assert not sodium.verify(key=KEY, label="a\x00", root=ROOT, body=b"b", signature=signature)


def test_what_was_wrapped_opens_with_its_key_and_its_place_alone() -> None:
    key = sodium.random_bytes(32)
    wrapped = sodium.wrap(key=key, plaintext=b"sealed words", associated=b"room 1")
    assert b"words" not in wrapped
    assert len(wrapped) == len(b"sealed words") + sodium.WRAP_OVERHEAD_BYTES
    assert sodium.unwrap(key=key, wrapped=wrapped, associated=b"room 1") == b"sealed words"
    broken = wrapped[:-1] + bytes([wrapped[-1] ^ 1])
    for wrong_key, wrong_bytes, place in (
        (bytes(32), wrapped, b"room 1"),
        (key, wrapped, b"room 2"),
        (key, broken, b"room 1"),
        (key, wrapped[:39], b"room 1"),
        (key, b"", b"room 1"),
    ):
        with pytest.raises(sodium.OpenFailed):
            sodium.unwrap(key=wrong_key, wrapped=wrong_bytes, associated=place)


def test_the_same_words_wrapped_twice_look_different() -> None:
    wrapped = {sodium.wrap(key=bytes(32), plaintext=b"x", associated=b"") for _ in range(20)}
    assert len({one[: sodium.NONCE_BYTES] for one in wrapped}) == 20


def test_what_was_sealed_opens_for_its_recipient_alone() -> None:
    mine = sodium.random_bytes(32)
    sealed = sodium.seal(recipient=sodium.box_public_key(private_key=mine), plaintext=b"a report")
    assert len(sealed) == len(b"a report") + sodium.SEAL_OVERHEAD_BYTES
    assert sodium.open_sealed(private_key=mine, sealed=sealed) == b"a report"
    for key, box in ((bytes(31) + b"\x01", sealed), (mine, sealed[:-1]), (mine, b"")):
        with pytest.raises(sodium.OpenFailed):
            sodium.open_sealed(private_key=key, sealed=box)


def test_equal_compares_whole_values() -> None:
    assert sodium.equal(b"ab", b"ab")
    assert not sodium.equal(b"ab", b"ac")
    assert not sodium.equal(b"ab", b"abc")


def _cases(kind: str) -> list[dict[str, bytes]]:
    """Return the cases of ``sodium.json`` that the browser's tests read too (PyNaCl wrote them)."""
    return [
        {name: value.encode() if name == "label" else bytes.fromhex(value) for name, value in case.items()}
        for case in json.loads(VECTORS.read_text())[kind]
    ]


@pytest.mark.parametrize("case", _cases("signatures"))
def test_signatures_are_the_browsers(case: dict[str, bytes]) -> None:
    root = bytes.fromhex(json.loads(VECTORS.read_text())["root"])
    label, body = case["label"].decode(), case["body"]
    assert sodium.public_key(seed=case["seed"]) == case["public_key"]
    assert sodium.sign(seed=case["seed"], label=label, root=root, body=body) == case["signature"]
    assert sodium.verify(
        key=case["public_key"], label=label, root=root, body=body, signature=case["signature"]
    )


@pytest.mark.parametrize("case", _cases("sealed_boxes"))
def test_sealed_boxes_of_the_browser_open_here(case: dict[str, bytes]) -> None:
    assert sodium.box_public_key(private_key=case["private_key"]) == case["public_key"]
    assert sodium.open_sealed(private_key=case["private_key"], sealed=case["sealed"]) == case["plaintext"]


@pytest.mark.parametrize("case", _cases("aead"))
def test_what_the_browser_wrapped_opens_here(case: dict[str, bytes]) -> None:
    plaintext = sodium.unwrap(key=case["key"], wrapped=case["sealed"], associated=case["associated_data"])
    assert plaintext == case["plaintext"]
