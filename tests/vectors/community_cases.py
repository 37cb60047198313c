"""The community's log, right and with one fault at a time."""

from __future__ import annotations

from typing import Any

import msgpack

from tests.vectors.chains import (
    FINGERPRINT,
    FIRST_INVITE,
    HEAD,
    HOUR,
    MINUTE,
    ROOT,
    ROOT_KEY,
    START,
    Log,
    Map,
    Person,
    case,
    fixed,
    public,
    spoil,
)


def genesis_body(**changes: Any) -> Map:
    return {
        "root": ROOT,
        "first_steward_invite": public(FIRST_INVITE),
        "demo": False,
        "certify_delay_hours": 24,
        **changes,
    }


def genesis(**changes: Any) -> Log:
    body = {name: changes.pop(name) for name in list(changes) if name in genesis_body()}
    key = changes.pop("key", ROOT_KEY)
    author = changes.pop("author", (None, None))
    return Log("community", FINGERPRINT).add(
        "genesis", genesis_body(**body), key, author, at=START, **changes
    )


def claimed(who: Person, *, demo: bool = False, **changes: Any) -> Log:
    log = genesis(demo=demo, certify_delay_hours=0 if demo else 24)
    key, author = changes.pop("key", FIRST_INVITE), changes.pop("author", who.as_identity)
    return log.add(
        "claim", who.opening() | changes.pop("body", {}), key, author, at=START + MINUTE, **changes
    )


def certify(log: Log, by: Person, who: Person, role: str, at: int, **changes: Any) -> Log:
    body = {"account_id": who.account_id, "identity_key": public(who.identity), "role": role}
    key, author = changes.pop("key", by.device()), changes.pop("author", by.as_device())
    body |= changes.pop("body", {})
    return log.copy().add("certify", body, key, author, at=at, **changes)


def revoke(log: Log, by: Person, who: Person, role: str, at: int, **changes: Any) -> Log:
    key, author = changes.pop("key", by.device()), changes.pop("author", by.as_device())
    return log.copy().add(
        "revoke", {"account_id": who.account_id, "role": role}, key, author, at=at, **changes
    )


def ask(who: Person, role: str, at: int, answer: bool, head_index: int | None = None) -> Map:
    return {
        "account_id": who.account_id.hex(),
        "role": role,
        "at": at,
        "head_index": head_index,
        "effective": answer,
    }


STEW, SUE, LEE, MO = Person("stew"), Person("sue"), Person("lee"), Person("mo")
DEVICE_LOST_AT = START + 2 * HOUR


def account_logs() -> dict[str, Log]:
    """Return the logs that the community's cases name: everybody's, and two other ones of the first steward."""
    lost = STEW.log(devices=2)
    gone = {"device_id": STEW.device_id(1)}
    lost.add("device-revoke", gone, STEW.identity, STEW.as_identity, at=DEVICE_LOST_AT)
    false_key = {"identity_key": public(MO.identity)}
    impostor = Log("account", STEW.account_id)
    impostor.add("open", STEW.opening() | false_key, MO.identity, STEW.as_identity, at=START)
    forged = STEW.certificate(1, key=MO.identity, device_key=public(MO.device()), **false_key)
    impostor.add("device-add", forged, MO.identity, STEW.as_identity, at=START)
    everyone = {one.name: one.log() for one in (STEW, SUE, LEE, MO)}
    return everyone | {"stew, whose first device was lost": lost, "stew under another identity": impostor}


def community_cases() -> list[Map]:
    stew, sue, lee, mo = STEW, SUE, LEE, MO
    others = ("sue", "lee", "mo")
    everyone = ("stew", *others)
    bad, no_signature, no_power = "log.bad_entry", "log.bad_signature", "log.no_power"
    day = 24 * HOUR
    t = START + HOUR

    def ok(name: str, log: Log, *asked: Map, accounts: tuple[str, ...] = everyone) -> Map:
        return case(name, log, "ok", accounts=accounts, demo=asked_demo(log), roles=list(asked))

    def no(name: str, log: Log, code: str, accounts: tuple[str, ...] = everyone) -> Map:
        return case(name, log, code, accounts=accounts)

    def asked_demo(log: Log) -> bool:
        return bool(msgpack.unpackb(log.entries[0].body or b"", raw=False)["demo"])

    alone, demo = claimed(stew), claimed(stew, demo=True)
    lone_leader = certify(alone, stew, lee, "leader", t)
    two = certify(alone, stew, sue, "steward", t)
    later = t + 2 * day
    half = certify(two, stew, lee, "leader", later)
    whole = certify(half, sue, lee, "leader", later + HOUR)
    again = certify(half, stew, lee, "leader", later + HOUR)
    demo_leader = certify(demo, stew, lee, "leader", t)
    demo_two = certify(demo, stew, sue, "steward", t)
    demo_half = certify(demo_two, sue, mo, "counselor", t + 1)
    ended = revoke(demo_leader, stew, lee, "leader", t + HOUR)
    renewed = certify(ended, stew, lee, "leader", t + 2 * HOUR)
    # Sue, a false steward, leaves half a role behind; she is found out, and Stew alone is left.
    left_over = revoke(certify(two, sue, mo, "leader", later), stew, sue, "steward", later + HOUR)
    stew_alone = certify(left_over, stew, mo, "leader", later + 2 * HOUR)
    with_lost = ("stew, whose first device was lost", *others)
    return [
        ok("a community begins", genesis()),
        ok("a demo begins without a delay", genesis(demo=True, certify_delay_hours=0)),
        ok(
            "the first steward claims",
            alone,
            ask(stew, "steward", START + MINUTE, True),
            ask(stew, "steward", START + MINUTE - 1, False),
            ask(stew, "leader", t, False),
        ),
        ok(
            "a lone steward's word counts after the delay",
            lone_leader,
            ask(lee, "leader", t + day - 1, False),
            ask(lee, "leader", t + day, True),
            ask(lee, "counselor", t + day, False),
        ),
        ok(
            "in a demo it counts at once",
            demo_leader,
            ask(lee, "leader", t, True),
            ask(lee, "leader", t - 1, False),
            ask(lee, "leader", t, False, 1),
        ),
        ok(
            "where there are two stewards one word waits for ever",
            half,
            ask(lee, "leader", later + 400 * day, False),
            ask(sue, "steward", later, True),
        ),
        ok(
            "the second steward's word makes it count at once",
            whole,
            ask(lee, "leader", later + HOUR, True),
            ask(lee, "leader", later + HOUR - 1, False),
            ask(lee, "leader", later + HOUR, False, 3),
        ),
        ok(
            "the same steward's word again is no second one",
            again,
            ask(lee, "leader", later + 400 * day, False),
        ),
        ok(
            "a revoked role ends at once",
            ended,
            ask(lee, "leader", t + HOUR, False),
            ask(lee, "leader", t + HOUR, True, 2),
        ),
        ok(
            "a revoked role needs a new word",
            renewed,
            ask(lee, "leader", t + 2 * HOUR, True),
            ask(lee, "leader", t + 2 * HOUR, False, 3),
        ),
        ok(
            "a revoked steward's word is no second one",
            stew_alone,
            ask(mo, "leader", later + 2 * HOUR, False),
            ask(mo, "leader", later + 2 * HOUR + day, True),
        ),
        ok("a second steward certifies in a demo", demo_half, ask(mo, "counselor", t + 1, True)),
        ok(
            "a steward steps down while another stays",
            revoke(demo_two, stew, stew, "steward", t + 2),
            ask(stew, "steward", t + 2, False),
            ask(sue, "steward", t + 2, True),
        ),
        ok(
            "what a device signed before it was lost stands",
            certify(demo, stew, lee, "leader", t + HOUR - 1),
            ask(lee, "leader", t + HOUR, True),
            accounts=with_lost,
        ),
        ok(
            "another device of the steward signs",
            certify(demo, stew, lee, "leader", t + 2 * HOUR, key=stew.device(2), author=stew.as_device(2)),
            ask(lee, "leader", t + 2 * HOUR, True),
            accounts=with_lost,
        ),
        no("genesis has a short delay and is no demo", genesis(certify_delay_hours=23), bad),
        no("genesis names another root", genesis(root=public(FIRST_INVITE)), bad),
        no("genesis is signed by another root", genesis(key=FIRST_INVITE), no_signature),
        no("genesis has an author", genesis(author=stew.as_identity), bad),
        no(
            "genesis names a head of the community",
            genesis(change=lambda v: {**v, "community_head": HEAD}),
            bad,
        ),
        no("genesis is another community's", genesis(change=lambda v: {**v, "log_id": fixed("x", 16)}), bad),
        no("genesis has no body", spoil(genesis(), body=None), bad),
        no("a delay past a week", genesis(certify_delay_hours=169), "request.malformed"),
        no(
            "a community begins with a claim",
            Log("community", FINGERPRINT).add(
                "claim", stew.opening(), FIRST_INVITE, stew.as_identity, at=START
            ),
            bad,
        ),
        no("a claim by another key than the invite's", claimed(stew, key=stew.identity), no_signature),
        no("a claim for somebody else", claimed(stew, body={"account_id": sue.account_id}), bad),
        no("a claim by a device", claimed(stew, author=stew.as_device()), bad),
        no(
            "a second claim",
            alone.copy().add("claim", sue.opening(), FIRST_INVITE, sue.as_identity, at=t),
            bad,
        ),
        no("a role before any steward", certify(genesis(), stew, lee, "leader", t), no_power),
        no(
            "a second genesis",
            alone.copy().add("genesis", genesis_body(), ROOT_KEY, (None, None), at=t),
            no_power,
        ),
        no("a leader certifies", certify(demo_leader, lee, mo, "leader", t + 1), no_power),
        no("a leader makes itself a steward", certify(demo_leader, lee, lee, "steward", t + 1), no_power),
        no("somebody unknown certifies", certify(demo, mo, mo, "steward", t), no_power),
        no(
            "a steward's identity key certifies without a device",
            certify(demo, stew, lee, "leader", t, key=stew.identity, author=stew.as_identity),
            no_power,
        ),
        no(
            "a steward whose log the server withholds",
            certify(demo, stew, lee, "leader", t),
            no_power,
            others,
        ),
        no(
            "a steward's account under another identity",
            certify(demo, stew, lee, "leader", t, key=mo.device()),
            no_power,
            ("stew under another identity", *others),
        ),
        no(
            "a device that is in no log",
            certify(demo, stew, lee, "leader", t, key=stew.device(9), author=stew.as_device(9)),
            no_power,
        ),
        no(
            "a device at the moment it was revoked",
            certify(demo, stew, lee, "leader", t + HOUR),
            no_power,
            with_lost,
        ),
        no(
            "a device after it was revoked",
            certify(demo, stew, lee, "leader", t + 2 * HOUR),
            no_power,
            with_lost,
        ),
        no(
            "another device's key signs", certify(demo, stew, lee, "leader", t, key=mo.device()), no_signature
        ),
        no(
            "the signature is a room's",
            certify(demo, stew, lee, "leader", t, label="room-entry"),
            no_signature,
        ),
        no(
            "a revoked steward certifies",
            certify(revoke(demo_two, stew, sue, "steward", t + 2), sue, lee, "leader", t + 3),
            no_power,
        ),
        no(
            "a steward whose delay is not over certifies",
            certify(two, sue, lee, "leader", t + day - 1),
            no_power,
        ),
        no(
            "an account is certified under another identity",
            certify(demo_leader, stew, lee, "counselor", t + 1, body={"identity_key": public(mo.identity)}),
            bad,
        ),
        no(
            "the first steward is certified under another identity",
            certify(demo, stew, stew, "leader", t, body={"identity_key": public(mo.identity)}),
            bad,
        ),
        no("a role that does not exist", certify(demo, stew, lee, "member", t), "request.malformed"),
        no("a role is revoked that was never given", revoke(demo, stew, lee, "leader", t), bad),
        no(
            "another role than the given one is revoked",
            revoke(demo_leader, stew, lee, "counselor", t + 1),
            bad,
        ),
        no("a role is revoked twice", revoke(ended, stew, lee, "leader", t + 2 * HOUR), bad),
        no("the last steward steps down", revoke(demo, stew, stew, "steward", t), bad),
        no("the last steward whose word counts steps down", revoke(two, stew, stew, "steward", t + 1), bad),
        no("a leader revokes", revoke(demo_leader, lee, stew, "steward", t + 1), no_power),
        no(
            "an account's action in the community's log",
            demo.copy().add(
                "device-revoke", {"device_id": lee.device_id()}, stew.device(), stew.as_device(), at=t
            ),
            bad,
        ),
        no(
            "an entry names a head of the community",
            certify(demo, stew, lee, "leader", t, change=lambda v: {**v, "community_head": HEAD}),
            bad,
        ),
        no(
            "an index is left out",
            certify(demo, stew, lee, "leader", t, change=lambda v: {**v, "index": 3}),
            "log.stale_head",
        ),
        no(
            "an entry forks the log",
            certify(
                demo_leader,
                stew,
                mo,
                "leader",
                t + 1,
                change=lambda v: {**v, "index": 2, "previous_hash": demo.entries[1].hash},
            ),
            "log.stale_head",
        ),
        no(
            "an entry of a fork",
            certify(
                demo_leader,
                stew,
                mo,
                "leader",
                t + 1,
                change=lambda v: {**v, "previous_hash": demo.entries[1].hash},
            ),
            "log.stale_head",
        ),
        no("time runs back", certify(demo, stew, lee, "leader", START + MINUTE - 5 * MINUTE - 1), bad),
        no("an erased certify", spoil(demo_leader, body=None), bad),
        no("an erased revoke", spoil(ended, body=None), bad),
        no("the body is another", spoil(demo_leader, body=demo_half.entries[-1].body), bad),
    ]
