"""An account's log, right and with one fault at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.vectors.chains import (
    MINUTE,
    SHAPES,
    START,
    Log,
    Map,
    Person,
    case,
    fixed,
    pack,
    public,
    spoil,
    unsorted,
)


def with_head(index: int) -> Callable[[Map], Map]:
    """A change that makes an entry name the community's entry ``index``."""
    return lambda value: {**value, "community_head": {"index": index, "hash": fixed(f"community {index}")}}


def account_cases() -> list[Map]:
    ann, bob = Person("ann"), Person("bob")
    fresh = Log("account", ann.account_id)
    opened = ann.log(devices=0)
    full = ann.log(devices=1)

    def add(log: Log, action: str, body: Map, **changes: Any) -> Log:
        key = changes.pop("key", ann.identity)
        author = changes.pop("author", ann.as_identity)
        return log.copy().add(action, body, key, author, at=changes.pop("at", START + 10), **changes)

    def second(**changes: Any) -> Log:
        return add(full, "device-add", ann.certificate(2), **changes)

    both = second()
    gone = add(both, "device-revoke", {"device_id": ann.device_id(1)}, at=START + 20)
    key = public(ann.identity).hex()
    live = [ann.device_id(1).hex(), ann.device_id(2).hex()]
    bad, no_signature, stale = "log.bad_entry", "log.bad_signature", "log.stale_head"
    cases = [
        case("an account opens", opened, "ok", identity_key=key, live=[], revoked=[]),
        case("its first device is added", full, "ok", identity_key=key, live=live[:1], revoked=[]),
        case("a second device is added", both, "ok", identity_key=key, live=live, revoked=[]),
        case("a device is revoked", gone, "ok", identity_key=key, live=live[1:], revoked=live[:1]),
        case(
            "time may run back by five minutes",
            second(at=START + 1 - 5 * MINUTE),
            "ok",
            identity_key=key,
            live=live,
            revoked=[],
        ),
        case("time runs back by more", second(at=START - 5 * MINUTE), bad),
        case("a log begins with a device", add(fresh, "device-add", ann.certificate()), bad),
        case("a log opens twice", add(full, "open", ann.opening()), bad),
        case(
            "open names another account",
            add(fresh, "open", bob.opening() | {"identity_key": public(ann.identity)}),
            bad,
        ),
        case("another key opens", add(fresh, "open", ann.opening(), key=bob.identity), no_signature),
        case("another identity adds a device", second(key=bob.identity), no_signature),
        case("the device's own key adds it", second(key=ann.device(2)), no_signature),
        case("the author is another account", second(author=bob.as_identity), bad),
        case("the author is a device", second(author=ann.as_device()), bad),
        case("nobody is the author", second(author=(None, None)), bad),
        case("the signature is under another label", second(label="community-entry"), no_signature),
        case("the signature is another community's", second(root=fixed("another root")), no_signature),
        case(
            "the signature has a flipped bit",
            second(signature=lambda s: bytes([s[0] ^ 1]) + s[1:]),
            no_signature,
        ),
        case("the signature is zeros", second(signature=lambda s: bytes(64)), no_signature),
        case("the entry is a room log's", second(change=lambda v: {**v, "log": "room"}), bad),
        case("the entry is another account's", second(change=lambda v: {**v, "log_id": bob.account_id}), bad),
        case("an index is left out", second(change=lambda v: {**v, "index": 3}), stale),
        case("an index comes again", second(change=lambda v: {**v, "index": 1}), stale),
        case("the chain is another", second(change=lambda v: {**v, "previous_hash": fixed("x")}), stale),
        case(
            "the chain skips its newest link",
            second(change=lambda v: {**v, "previous_hash": full.entries[0].hash}),
            stale,
        ),
        case(
            "the first link names one before",
            add(fresh, "open", ann.opening(), change=lambda v: {**v, "previous_hash": fixed("x")}),
            stale,
        ),
        case("no head of the community", second(change=lambda v: {**v, "community_head": None}), bad),
        case(
            "the community's head goes forward",
            add(
                second(change=with_head(3)),
                "device-revoke",
                {"device_id": ann.device_id(1)},
                change=with_head(4),
            ),
            "ok",
            identity_key=key,
            live=live[1:],
            revoked=live[:1],
        ),
        case(
            "the community's head goes back",
            add(
                second(change=with_head(3)),
                "device-revoke",
                {"device_id": ann.device_id(1)},
                change=with_head(2),
            ),
            bad,
        ),
        case("the body is another", spoil(both, body=pack(ann.certificate(3) | {"salt": bytes(16)})), bad),
        case("the body was erased", spoil(both, body=None), bad),
        case("the body's keys are not sorted", second(encode_body=unsorted), "request.malformed"),
        case(
            "the body has a field too many",
            add(full, "device-add", ann.certificate(2) | {"note": 1}),
            "request.malformed",
        ),
        case(
            "the body lacks its salt",
            second(encode_body=lambda v: pack({k: v[k] for k in v if k != "salt"})),
            "request.malformed",
        ),
        case(
            "the body is another action's",
            add(full, "device-add", {"device_id": ann.device_id(2)}),
            "request.malformed",
        ),
        case(
            "the certificate is no certificate",
            add(full, "device-add", {"certificate": {"body": b"x", "signature": bytes(64)}}),
            "request.malformed",
        ),
        case(
            "the certificate names another identity",
            add(full, "device-add", ann.certificate(2, identity_key=public(bob.identity))),
            bad,
        ),
        case(
            "the certificate is signed by another",
            add(full, "device-add", ann.certificate(2, key=bob.identity)),
            no_signature,
        ),
        case(
            "the certificate is signed by its device",
            add(full, "device-add", ann.certificate(2, key=ann.device(2))),
            no_signature,
        ),
        case(
            "the certificate is another account's",
            add(full, "device-add", ann.certificate(2, account_id=bob.account_id)),
            bad,
        ),
        case("a device is added again", add(full, "device-add", ann.certificate(1)), bad),
        case(
            "a revoked device is added again", add(gone, "device-add", ann.certificate(1), at=START + 21), bad
        ),
        case("an unknown device is revoked", add(full, "device-revoke", {"device_id": bob.device_id()}), bad),
        case(
            "a device is revoked twice",
            add(gone, "device-revoke", {"device_id": ann.device_id(1)}, at=START + 21),
            bad,
        ),
        case("a room's action in an account's log", add(full, "leave", {}), bad),
        case(
            "a community's action in an account's log",
            add(full, "revoke", {"account_id": bob.account_id, "role": "leader"}),
            bad,
        ),
    ]
    return cases + [
        case(
            f"an entry is not canonical or not whole: {name}",
            second(change=change, encode=encode),
            "request.malformed",
        )
        for name, (change, encode) in SHAPES.items()
    ]
