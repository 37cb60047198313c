"""The client's cryptography gives the answers that the browser's and the server's give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from peerchat import signed_log, sodium
from peerchat.client import crypto, entries
from peerchat.client.links import InviteLink, parse_link
from peerchat.protocol.codec import decode_canonical
from peerchat.protocol.signed import Action, Author, Head, Label, LeaveBody, LogEntry, LogKind, SignedEntry

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "sodium.json").read_text())
ROOT = bytes.fromhex(VECTORS["root"])


@pytest.mark.parametrize("vector", VECTORS["phrase_keys"], ids=lambda vector: vector["handle"])
def test_a_phrase_gives_the_same_keys_everywhere(vector: dict[str, str]) -> None:
    keys = crypto.phrase_keys(phrase=vector["phrase"], root=ROOT, handle=vector["handle"])
    assert crypto.phrase_salt(root=ROOT, handle=vector["handle"]).hex() == vector["salt"]
    assert (keys.sign_in.hex(), keys.backup.hex(), keys.local.hex()) == (
        vector["sign_in"],
        vector["backup"],
        vector["local"],
    )


def test_a_phrase_is_the_same_however_it_is_typed() -> None:
    written = crypto.phrase_keys(phrase="one two three four five six", root=ROOT, handle="river")
    typed = crypto.phrase_keys(phrase="  ONE two\tthree  four five\nsix ", root=ROOT, handle="RIVER")
    assert written == typed


def test_keys_never_print() -> None:
    keys = crypto.PhraseKeys(b"a" * 32, b"b" * 32, b"c" * 32)
    assert repr(keys) == "PhraseKeys()"


@pytest.mark.parametrize("label", list(Label))
def test_the_server_verifies_what_the_client_signs(label: Label) -> None:
    seed = crypto.random_bytes(32)
    signature = crypto.sign(seed=seed, label=label, root=ROOT, body=b"body")
    key = crypto.public_key(seed)
    for verify in (sodium.verify, crypto.verify):
        assert verify(key=key, label=label, root=ROOT, body=b"body", signature=signature)
        assert not verify(key=key, label=label, root=ROOT, body=b"other", signature=signature)
        assert not verify(key=key, label=label, root=bytes(32), body=b"body", signature=signature)


def test_a_backup_opens_with_its_key_and_root_alone() -> None:
    key = crypto.random_bytes(32)
    sealed = crypto.seal_backup(key=key, root=ROOT, plaintext=b"identity")
    assert crypto.open_backup(key=key, root=ROOT, sealed=sealed) == b"identity"
    wrong = [
        (crypto.random_bytes(32), ROOT, sealed),
        (key, bytes(32), sealed),
        (key, ROOT, sealed[:-1]),
        (key, ROOT, b""),
    ]
    for other_key, root, data in wrong:
        with pytest.raises(crypto.CannotOpen):
            crypto.open_backup(key=other_key, root=root, sealed=data)


def test_entries_chain_as_the_server_checks_them() -> None:
    seed, log_id = crypto.random_bytes(32), crypto.new_id()
    signer = entries.Signer(root=ROOT, seed=seed)
    community = Head(index=3, hash=bytes(32))
    place: signed_log.Place | None = None
    newest: SignedEntry | None = None
    for at in (1_000, 2_000, 3_000):
        newest = entries.make_entry(
            log=LogKind.ROOM,
            log_id=log_id,
            after=None if newest is None else entries.head_of(newest),
            community_head=community,
            author=Author(account_id=crypto.new_id(), device_id=crypto.new_id()),
            action=Action.LEAVE,
            body=LeaveBody(salt=crypto.random_bytes(16)),
            at=at,
            sign=signer.sign,
        )
        link = signed_log.check_link(newest, log=LogKind.ROOM, log_id=log_id, place=place)
        signed_log.check_signature(link, key=crypto.public_key(seed), root=ROOT, verify=sodium.verify)
        assert entries.head_of(newest) == link.head
        place = link.place
    assert newest is not None
    assert decode_canonical(LogEntry, newest.entry).index == 2
    assert repr(signer) == "Signer()"


def test_a_link_comes_back_as_it_was() -> None:
    link = InviteLink(origin="https://chat.example.org", fingerprint=b"f" * 16, seed=b"s" * 32)
    assert parse_link(str(link)) == link
    assert parse_link(f"  {link}\n") == link
    assert "s" * 8 not in repr(link)
    assert crypto.root_fingerprint(ROOT) == signed_log.root_fingerprint(ROOT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://chat.example.org/join",
        "https://chat.example.org/join#",
        "https://chat.example.org/join#short",
        "https://chat.example.org/join#" + "A" * 63,
        "https://chat.example.org/join#" + "A" * 68,
        "https://chat.example.org/join#" + "A" * 60 + "!!!!",
        "https://chat.example.org/other#" + "A" * 64,
    ],
)
def test_what_is_no_link_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no invite link"):
        parse_link(text)
