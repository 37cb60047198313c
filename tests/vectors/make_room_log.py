"""Write room_log.json: a room's log with every action, and logs that must be refused, for both languages' tests.

Run it with ``.venv/bin/python -m tests.vectors.make_room_log``. It gives the same bytes each time. README.md
says what stands where.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from peerchat import sodium
from peerchat.accounts import account_log
from peerchat.accounts.account_log import AccountState
from peerchat.errors import PeerChatError
from peerchat.protocol.codec import decode_canonical
from peerchat.protocol.signed import (
    Action,
    Author,
    CertifyBody,
    Head,
    Label,
    LogEntry,
    Role,
    RoomRole,
    SettingsBody,
    SignedEntry,
)
from peerchat.signed_log import Place
from rooms import room_log
from rooms.room_log import RoomState
from tests.support.signers import (
    START_MS,
    RoomEntries,
    SignedCommunity,
    Signer,
    fixed,
    head_of,
    place_after,
    signer,
)

HOUR_MS = 3_600_000


def entry_json(signed: SignedEntry) -> dict[str, str | None]:
    return {
        "entry": signed.entry.hex(),
        "body": None if signed.body is None else signed.body.hex(),
        "signature": signed.signature.hex(),
    }


def state_json(state: RoomState) -> dict[str, Any]:
    return {
        "group_id": state.group_id.hex(),
        "members": [
            {
                "account_id": one.account_id.hex(),
                "identity_key": one.identity_key.hex(),
                "role": one.role.value,
                "muted": one.muted,
            }
            for one in sorted(state.members.values(), key=lambda one: one.account_id)
        ],
        "hidden": sorted(one.hex() for one in state.hidden),
        "locked": state.locked,
        "expiry_seconds": state.expiry_seconds,
        "community_index": state.place.community_index,
        "head": {"index": state.place.head.index, "hash": state.place.head.hash.hex()},
    }


class Vectors:
    def __init__(self) -> None:
        self.community = community = SignedCommunity()
        self.steward = community.person("steward")
        community.claim(self.steward)
        self.leader = self._certified("leader")
        self.co_leader = self._certified("co-leader")
        self.suspended = self._certified("suspended leader")
        self.uncertified = community.person("uncertified")
        self.one, self.two, self.three = (community.person(f"survivor {n}") for n in (1, 2, 3))
        self.second_device = self.leader.add_device(at=START_MS + 1000)
        self.before_suspension = head_of(community.entries)
        community.revoke(self.suspended, Role.LEADER, by=self.steward, at=START_MS + HOUR_MS)
        self.chain = self._chain()
        self.leader.revoke_device(self.second_device, at=START_MS + 10 * HOUR_MS)
        self.cases: list[dict[str, Any]] = []

    def _certified(self, word: str) -> Signer:
        person = self.community.person(word)
        self.community.certify(person, Role.LEADER, by=self.steward)
        return person

    def _chain(self) -> RoomEntries:
        """Every action, each by someone who may."""
        room = RoomEntries(self.community)
        room.create(self.leader, at=START_MS + 60_000, head=self.before_suspension)
        for person in (self.one, self.two, self.co_leader):
            room.admit(person, by=self.leader, head=self.before_suspension)
        room.grant(self.co_leader, RoomRole.LEADER, by=self.leader, head=self.before_suspension)
        room.admit(self.suspended, by=self.co_leader, head=self.before_suspension)
        room.grant(self.suspended, RoomRole.LEADER, by=self.co_leader, head=self.before_suspension)
        # Index 7: by a leader who is revoked later, under a head that is older than the revocation.
        room.hide(fixed("message 1", 16), by=self.suspended, head=self.before_suspension)
        room.mute(self.one, True, by=self.co_leader, at=START_MS + 2 * HOUR_MS)
        room.mute(self.one, False, by=self.leader, device=self.second_device)
        room.settings(7_200, by=self.leader)
        room.lock(True, by=self.leader)
        room.lock(False, by=self.leader)
        room.remove(self.two, by=self.leader)
        room.admit(self.two, by=self.leader)
        room.leave(self.two)
        room.grant(self.suspended, RoomRole.MEMBER, by=self.leader)
        # Index 17: the clocks of two people may differ by up to five minutes.
        room.leave(self.suspended, at=START_MS + 2 * HOUR_MS - 200_000)
        return room

    # --- running -------------------------------------------------------------------------------------

    def accounts(self, replaced: dict[bytes, list[SignedEntry]]) -> room_log.AccountLookup:
        def lookup(account_id: bytes) -> AccountState | None:
            if account_id not in replaced:
                return self.community.account(account_id)
            try:
                return account_log.replay(
                    replaced[account_id],
                    root=self.community.root,
                    account_id=account_id,
                    verify=sodium.verify,
                )
            except PeerChatError:
                return None

        return lookup

    def run(
        self, entries: list[SignedEntry], *, known: int | None, replaced: dict[bytes, list[SignedEntry]]
    ) -> tuple[list[RoomState], str | None]:
        """Return the states after each good entry, and the code of the first that is refused."""
        community, lookup = self.community.state(known), self.accounts(replaced)
        states: list[RoomState] = []
        for signed in entries:
            try:
                states.append(
                    room_log.apply(
                        states[-1] if states else None,
                        signed,
                        room_id=self.chain.room_id,
                        community=community,
                        accounts=lookup,
                        verify=sodium.verify,
                    )
                )
            except PeerChatError as error:
                return states, error.code.value
        return states, None

    def case(
        self,
        name: str,
        room: RoomEntries | list[SignedEntry],
        error: str | None,
        *,
        after: int,
        index: int | None = None,
        known: int | None = None,
        replaced: dict[bytes, list[SignedEntry]] | None = None,
    ) -> None:
        """Keep one case, checked against our own rules: ``error`` at ``index`` (the last, if none is given)."""
        entries = room.entries if isinstance(room, RoomEntries) else room
        states, found = self.run(entries, known=known, replaced=replaced or {})
        assert found == error, f"{name}: {found} instead of {error}"
        refused_at = None if error is None else (len(entries) - 1 if index is None else index)
        assert error is None or len(states) == refused_at, f"{name}: refused at {len(states)}"
        assert entries[:after] == self.chain.entries[:after], name
        self.cases.append(
            {
                "name": name,
                "known_community_entries": len(self.community.entries) if known is None else known,
                "replaced_accounts": {
                    account_id.hex(): [entry_json(one) for one in log]
                    for account_id, log in (replaced or {}).items()
                },
                "after": after,
                "entries": [entry_json(one) for one in entries[after:]],
                "error": error,
                "refused_index": refused_at,
                "state": state_json(states[-1]) if error is None else None,
            }
        )

    def to_json(self) -> dict[str, Any]:
        states, error = self.run(self.chain.entries, known=None, replaced={})
        assert error is None
        return {
            "root": self.community.root.hex(),
            "community": [entry_json(one) for one in self.community.entries],
            "accounts": {
                account_id.hex(): [entry_json(one) for one in person.entries]
                for account_id, person in sorted(self.community.people.items())
            },
            "room_id": self.chain.room_id.hex(),
            "chain": [entry_json(one) for one in self.chain.entries],
            "states": [state_json(one) for one in states],
            "cases": self.cases,
        }


def add_accepted(v: Vectors) -> None:
    room = v.chain.fork(5)
    room.leave(v.leader)
    v.case("a leader leaves when another leads", room, None, after=5)
    room = v.chain.fork(5)
    room.grant(v.leader, RoomRole.MEMBER, by=v.leader)
    v.case("a leader steps down when another leads", room, None, after=5)
    room = v.chain.fork(2)
    room.mute(v.one, True, by=v.leader)
    room.grant(v.one, RoomRole.MEMBER, by=v.leader)
    v.case("a grant unmutes", room, None, after=2)
    room = v.chain.fork(2)
    room.leave(v.one, at=START_MS + 10 * HOUR_MS)
    v.case("the newest entry may know more of the community than the one before", room, None, after=2)
    room = v.chain.fork(2)
    room.settings(3_600, by=v.leader, device=v.second_device, at=START_MS + 9 * HOUR_MS)
    v.case("what a device signed before it was revoked stands", room, None, after=2)
    v.case("the first entries alone", v.chain.fork(3), None, after=3)


def add_wrong_powers(v: Vectors) -> None:
    no_power = "log.no_power"
    room = v.chain.fork(3)
    room.admit(v.three, by=v.one)
    v.case("a member admits", room, no_power, after=3)
    for action in ("remove", "mute", "settings", "lock", "hide", "grant"):
        room = v.chain.fork(3)
        match action:
            case "remove":
                room.remove(v.two, by=v.one)
            case "mute":
                room.mute(v.two, True, by=v.one)
            case "settings":
                room.settings(3_600, by=v.one)
            case "lock":
                room.lock(True, by=v.one)
            case "hide":
                room.hide(fixed("message 2", 16), by=v.one)
            case _:
                room.grant(v.one, RoomRole.LEADER, by=v.one)
        v.case(f"a member uses {action}", room, no_power, after=3)
    room = v.chain.fork(3)
    room.admit(v.three, by=v.steward)
    v.case("a steward who is no member admits", room, no_power, after=3)
    room = v.chain.fork(3)
    room.leave(v.three)
    v.case("one who is no member leaves", room, no_power, after=3)
    room = v.chain.fork(14)
    room.leave(v.two)
    v.case("a removed person signs again", room, no_power, after=14)
    room = v.chain.fork(5)
    room.remove(v.co_leader, by=v.leader)
    v.case("a leader is removed", room, no_power, after=5)
    room = v.chain.fork(5)
    room.mute(v.co_leader, True, by=v.leader)
    v.case("a leader is muted", room, no_power, after=5)
    room = v.chain.fork(3)
    room.grant(v.one, RoomRole.LEADER, by=v.leader)
    v.case("an uncertified member is made leader", room, no_power, after=3)
    room = v.chain.fork(8)
    room.settings(3_600, by=v.suspended, at=START_MS + 2 * HOUR_MS)
    v.case("a leader acts under a head that holds their revocation", room, no_power, after=8)
    room = v.chain.fork(5)
    room.admit(v.suspended, by=v.leader)
    room.grant(v.suspended, RoomRole.LEADER, by=v.leader)
    v.case("a revoked leader is made leader", room, no_power, after=5)
    room = v.chain.fork(0)
    room.create(v.uncertified)
    v.case("an uncertified person creates a room", room, no_power, after=0)
    room = v.chain.fork(0)
    room.create(v.suspended, at=START_MS + 2 * HOUR_MS)
    v.case("a revoked leader creates a room", room, no_power, after=0)
    room = v.chain.fork(0)
    room.create(v.leader, head=head_of(v.community.entries, 1))
    v.case("a leader creates a room under a head from before the certification", room, no_power, after=0)


def add_wrong_authors(v: Vectors) -> None:
    no_power, bad_signature = "log.no_power", "log.bad_signature"
    room = v.chain.fork(3)
    room.admit(v.three, by=v.leader, device=v.one.device)
    v.case("the device is another account's", room, no_power, after=3)
    room = v.chain.fork(3)
    room.admit(v.three, by=v.leader, author=Author(account_id=v.leader.account_id, device_id=None))
    v.case("the author names no device", room, no_power, after=3)
    room = v.chain.fork(3)
    room.admit(v.three, by=v.leader, author=Author(account_id=None, device_id=None))
    v.case("the author names nobody", room, no_power, after=3)
    room = v.chain.fork(3)
    room.settings(3_600, by=v.leader, device=v.second_device, at=START_MS + 10 * HOUR_MS)
    v.case("a revoked device signs", room, no_power, after=3)
    room = v.chain.fork(3)
    room.admit(v.three, by=v.leader, seed=v.one.device.seed)
    v.case("another device's signature in a leader's name", room, bad_signature, after=3)
    room = v.chain.fork(3)
    room.admit(v.three, by=v.leader, seed=v.leader.identity_seed)
    v.case("the identity signs instead of a device", room, bad_signature, after=3)
    room = v.chain.fork(3)
    room.admit(v.three, by=v.leader, root=fixed("another root"))
    v.case("signed for another community", room, bad_signature, after=3)
    room = v.chain.fork(3)
    last = room.admit(v.three, by=v.leader)
    statement = signer(v.leader.device.seed, v.community.root)(Label.ACCOUNT_ENTRY, last.entry)
    room.entries[-1] = last.model_copy(update={"signature": statement})
    v.case("signed under another label", room, bad_signature, after=3)
    room = v.chain.fork(3)
    last = room.admit(v.three, by=v.leader)
    flipped = bytes([last.signature[0] ^ 1]) + last.signature[1:]
    room.entries[-1] = last.model_copy(update={"signature": flipped})
    v.case("one bit of the signature flipped", room, bad_signature, after=3)


def add_forged_accounts(v: Vectors) -> None:
    """A server that shows an account of its own making under a known id."""
    no_power = "log.no_power"
    for person, name in ((v.leader, "a leader"), (v.one, "a member")):
        forged = Signer(
            person.word, v.community.root, v.before_suspension, identity_word=f"forged {person.word}"
        ).open()
        room = v.chain.fork(3)
        if person is v.leader:
            room.admit(v.three, by=forged)
        else:
            room.leave(forged)
        v.case(
            f"{name}'s account is forged",
            room,
            no_power,
            after=0,
            index=0 if person is v.leader else None,
            replaced={person.account_id: forged.entries},
        )
    forged = Signer(
        v.leader.word, v.community.root, v.before_suspension, identity_word="forged creator"
    ).open()
    room = v.chain.fork(0)
    room.create(forged)
    v.case(
        "a room is created by a forged account with a certified leader's id",
        room,
        no_power,
        after=0,
        replaced={v.leader.account_id: forged.entries},
    )
    room = v.chain.fork(3)
    forged = Signer(
        v.co_leader.word, v.community.root, v.before_suspension, identity_word="forged co-leader"
    ).open()
    room.admit(forged, by=v.leader)
    room.grant(forged, RoomRole.LEADER, by=v.leader)
    v.case(
        "one admitted under another identity than the certified is made leader",
        room,
        no_power,
        after=3,
        replaced={v.co_leader.account_id: forged.entries},
    )
    v.case(
        "the author's account log is missing",
        v.chain.fork(1),
        no_power,
        after=1,
        replaced={v.leader.account_id: []},
    )
    broken = [v.leader.entries[0], *v.leader.entries[2:]]
    v.case(
        "the author's account log has a gap",
        v.chain.fork(1),
        no_power,
        after=1,
        replaced={v.leader.account_id: broken},
    )


def add_wrong_chains(v: Vectors) -> None:
    stale, bad = "log.stale_head", "log.bad_entry"
    v.case("an entry is left out", [*v.chain.entries[:2], v.chain.entries[3]], stale, after=2)
    v.case("an entry stands twice", [*v.chain.entries[:2], v.chain.entries[1]], stale, after=2)
    v.case("the log begins in its middle", [v.chain.entries[1]], stale, after=0)
    room = v.chain.fork(3)
    place = place_after(room.entries[-1])
    assert place is not None
    forked = Place(
        head=Head(index=place.head.index, hash=fixed("fork")),
        at=place.at,
        community_index=place.community_index,
    )
    room.admit(v.three, by=v.leader, place=forked)
    v.case("the entry before is another", room, stale, after=3)
    room = v.chain.fork(3)
    room.admit(v.three, by=v.leader, log_id=fixed("room other", 16))
    v.case("an entry of another room", room, bad, after=3)
    room = v.chain.fork(3)
    assert place.at > 400_000
    room.admit(v.three, by=v.leader, at=place.at - 300_001)
    v.case("time runs backwards by more than the slack", room, bad, after=3)
    room = v.chain.fork(3)
    room.leave(v.one)
    room.admit(v.three, by=v.leader, head=v.before_suspension)
    v.case("the community's head goes back", room, bad, after=3)
    room = v.chain.fork(3)
    newest = head_of(v.community.entries)
    room.admit(v.three, by=v.leader, head=Head(index=newest.index, hash=fixed("fork")))
    v.case("the community's head is of a fork", room, bad, after=3)
    room = v.chain.fork(3)
    room.admit(v.three, by=v.leader)
    v.case(
        "the community's head is not known yet",
        room,
        bad,
        after=3,
        known=len(v.community.entries) - 1,
    )
    room = v.chain.fork(3)
    body = CertifyBody(
        salt=fixed("salt", 16),
        account_id=v.one.account_id,
        identity_key=v.one.identity_key,
        role=Role.LEADER,
    )
    room.append(Action.CERTIFY, body, v.leader)
    v.case("an action of another log", room, bad, after=3)
    room = v.chain.fork(3)
    room.create(v.leader)
    v.case("a second create", room, bad, after=3)
    room = v.chain.fork(0)
    room.settings(3_600, by=v.leader)
    v.case("the log begins with another action", room, bad, after=0)


def add_wrong_effects(v: Vectors) -> None:
    bad = "log.bad_entry"
    room = v.chain.fork(3)
    room.lock(True, by=v.leader)
    room.admit(v.three, by=v.leader)
    v.case("an admit while the room is locked", room, "room.locked", after=3)
    room = v.chain.fork(3)
    room.admit(v.one, by=v.leader)
    v.case("a member is admitted again", room, bad, after=3)
    room = v.chain.fork(3)
    room.leave(v.leader)
    v.case("the only leader leaves", room, bad, after=3)
    room = v.chain.fork(3)
    room.grant(v.leader, RoomRole.MEMBER, by=v.leader)
    v.case("the only leader steps down", room, bad, after=3)
    for action in ("remove", "mute", "grant"):
        room = v.chain.fork(3)
        match action:
            case "remove":
                room.remove(v.three, by=v.leader)
            case "mute":
                room.mute(v.three, True, by=v.leader)
            case _:
                room.grant(v.three, RoomRole.MEMBER, by=v.leader)
        v.case(f"{action} names one who is no member", room, bad, after=3)


def add_wrong_bytes(v: Vectors) -> None:
    bad, malformed = "log.bad_entry", "request.malformed"
    for index in range(1, len(v.chain.entries)):
        erased = v.chain.entries[index].model_copy(update={"body": None})
        entry = decode_canonical(LogEntry, erased.entry)
        if index in (1, 4, 7, 8, 10, 11, 13, 15):
            v.case(
                f"the body of {entry.action.value} is erased",
                [*v.chain.entries[:index], erased],
                bad,
                after=index,
            )
    erased = v.chain.entries[0].model_copy(update={"body": None})
    v.case("the body of create is erased", [erased], bad, after=0)
    swapped = v.chain.entries[1].model_copy(update={"body": v.chain.entries[2].body})
    v.case("another body", [v.chain.entries[0], swapped], bad, after=1)
    room = v.chain.fork(3)
    room.append(Action.LOCK, SettingsBody(salt=fixed("salt", 16), expiry_seconds=3_600), v.leader)
    v.case("a body of another action", room, malformed, after=3)
    last = v.chain.entries[3]
    longer = last.model_copy(update={"entry": last.entry + b"\x00"})
    v.case("bytes after the entry", [*v.chain.entries[:3], longer], malformed, after=3)
    cut = last.model_copy(update={"entry": last.entry[:-1]})
    v.case("the entry is cut short", [*v.chain.entries[:3], cut], malformed, after=3)
    widened = not_canonical(last.entry)
    loose = last.model_copy(
        update={
            "entry": widened,
            "signature": signer(v.leader.device.seed, v.community.root)(Label.ROOM_ENTRY, widened),
        }
    )
    v.case("the entry is not canonical, but signed", [*v.chain.entries[:3], loose], malformed, after=3)


def not_canonical(entry: bytes) -> bytes:
    """Return the same entry with its index, a small number, written in two bytes."""
    index = decode_canonical(LogEntry, entry).index
    short = b"\xa5index" + bytes([index])
    # The community's head has an index too; the last one is the entry's own.
    at = entry.rindex(short)
    return entry[:at] + b"\xa5index\xcc" + bytes([index]) + entry[at + len(short) :]


def build() -> dict[str, Any]:
    """Return the vectors."""
    v = Vectors()
    for add in (
        add_accepted,
        add_wrong_powers,
        add_wrong_authors,
        add_forged_accounts,
        add_wrong_chains,
        add_wrong_effects,
        add_wrong_bytes,
    ):
        add(v)
    return v.to_json()


def main() -> None:
    path = Path(__file__).with_name("room_log.json")
    path.write_text(json.dumps(build(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
