import { describe, expect, it } from "vitest";
import { isEffective } from "../../src/crypto/communityLog";
import { LogRefusal } from "../../src/crypto/entries";
import { toHex } from "../../src/crypto/hex";
import {
  formatInviteFragment,
  parseInviteFragment,
  readAcceptance,
  readInvite,
} from "../../src/crypto/invites";
import { credentialOf, rightLeaf } from "../../src/crypto/leaves";
import { applyRoomEntry, leadsRoom, type RoomState } from "../../src/crypto/roomLog";
import { newSigningKey } from "../../src/crypto/sodium";
import { newId, signStatement } from "../../src/crypto/statements";
import {
  appendCommunity,
  certify,
  claim,
  contextOf,
  draftRoomEntry,
  newCommunity,
  newPerson,
  openRoom,
  START,
} from "../support/community";

const HOUR = 3_600_000;

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof LogRefusal) return error.code;
    throw error;
  }
  return "accepted";
}

function demo() {
  let community = newCommunity();
  const steward = newPerson(community, "Ada");
  community = claim(community, steward);
  const leader = newPerson(community, "Lee");
  community = certify(community, steward, leader, "leader", START + 1);
  const member = newPerson(community, "Mo");
  const { roomId, room } = openRoom(community, leader, START + 2);
  const admitted = draftRoomEntry(
    community,
    roomId,
    room,
    leader,
    "admit",
    { account_id: member.accountId, identity_key: member.identity.publicKey },
    START + 3,
  );
  const state: RoomState = applyRoomEntry(contextOf(community), roomId, room, admitted);
  return { community, steward, leader, member, roomId, room: state };
}

describe("the community log", () => {
  it("lets a lone steward's certificate count only after the delay that genesis names", () => {
    let community = newCommunity({ demo: false });
    const steward = newPerson(community);
    community = claim(community, steward);
    const leader = newPerson(community);
    community = certify(community, steward, leader, "leader", START + HOUR);
    const counts = (at: number) => isEffective(community.state, leader.accountId, "leader", at);
    expect(counts(START + 25 * HOUR - 1)).toBe(false);
    expect(counts(START + 25 * HOUR)).toBe(true);
  });

  it("waits for the second steward where there are two", () => {
    let community = newCommunity({ demo: false });
    const first = newPerson(community);
    community = claim(community, first);
    const second = newPerson(community);
    community = certify(community, first, second, "steward", START);
    const leader = newPerson(community);
    const later = START + 30 * HOUR;
    community = certify(community, first, leader, "leader", later);
    expect(isEffective(community.state, leader.accountId, "leader", later + 1000 * HOUR)).toBe(false);
    community = certify(community, second, leader, "leader", later + HOUR);
    expect(isEffective(community.state, leader.accountId, "leader", later + HOUR)).toBe(true);
  });

  it("refuses a certificate by someone who is no steward, and one under another identity", () => {
    const { community, leader, member, steward } = demo();
    expect(refusal(() => certify(community, leader, member, "leader", START + 9))).toBe("log.no_power");
    const impostor = { ...leader, identity: newSigningKey() };
    expect(refusal(() => certify(community, steward, impostor, "leader", START + 9))).toBe("log.bad_entry");
  });

  it("keeps the last steward", () => {
    const { community, steward } = demo();
    const body = { account_id: steward.accountId, role: "steward" } as const;
    expect(refusal(() => appendCommunity(community, steward, "revoke", body, START + 9))).toBe(
      "log.bad_entry",
    );
  });
});

describe("a room's log", () => {
  it("knows its members and leaders from the entries alone", () => {
    const { community, leader, member, room } = demo();
    expect([...room.members.keys()].sort()).toEqual(
      [toHex(leader.accountId), toHex(member.accountId)].sort(),
    );
    expect(leadsRoom(contextOf(community), room, leader.accountId, START + 4)).toBe(true);
    expect(leadsRoom(contextOf(community), room, member.accountId, START + 4)).toBe(false);
  });

  it("refuses a member who admits, mutes, hides, locks or removes", () => {
    const { community, leader, member, roomId, room } = demo();
    const attempts = [
      draftRoomEntry(community, roomId, room, member, "lock", { locked: true }, START + 5),
      draftRoomEntry(
        community,
        roomId,
        room,
        member,
        "hide",
        { message_id: newId(), reason: "other" },
        START + 5,
      ),
      draftRoomEntry(
        community,
        roomId,
        room,
        member,
        "mute",
        { account_id: leader.accountId, muted: true, reason: "other" },
        START + 5,
      ),
      draftRoomEntry(
        community,
        roomId,
        room,
        member,
        "admit",
        { account_id: newId(), identity_key: newSigningKey().publicKey },
        START + 5,
      ),
    ];
    for (const entry of attempts) {
      expect(refusal(() => applyRoomEntry(contextOf(community), roomId, room, entry))).toBe("log.no_power");
    }
  });

  it("refuses an entry that another device signed in a leader's name", () => {
    const { community, leader, member, roomId, room } = demo();
    const entry = draftRoomEntry(community, roomId, room, leader, "lock", { locked: true }, START + 5, {
      seed: member.device.seed,
    });
    expect(refusal(() => applyRoomEntry(contextOf(community), roomId, room, entry))).toBe(
      "log.bad_signature",
    );
  });

  it("refuses a leader whose certificate was revoked", () => {
    const { community, steward, leader, roomId, room } = demo();
    const body = { account_id: leader.accountId, role: "leader" } as const;
    const after = appendCommunity(community, steward, "revoke", body, START + 5);
    const entry = draftRoomEntry(after, roomId, room, leader, "lock", { locked: true }, START + 6);
    expect(refusal(() => applyRoomEntry(contextOf(after), roomId, room, entry))).toBe("log.no_power");
  });

  it("refuses a skipped, repeated or forked entry", () => {
    const { community, leader, roomId, room } = demo();
    const lock = draftRoomEntry(community, roomId, room, leader, "lock", { locked: true }, START + 5);
    const locked = applyRoomEntry(contextOf(community), roomId, room, lock);
    expect(refusal(() => applyRoomEntry(contextOf(community), roomId, locked, lock))).toBe("log.stale_head");
    const fork = draftRoomEntry(community, roomId, room, leader, "lock", { locked: true }, START + 6);
    const next = draftRoomEntry(community, roomId, locked, leader, "lock", { locked: false }, START + 7);
    const forked = applyRoomEntry(contextOf(community), roomId, room, fork);
    expect(refusal(() => applyRoomEntry(contextOf(community), roomId, forked, next))).toBe("log.stale_head");
  });

  it("refuses a body that is not the one that was signed, and one that was erased where it matters", () => {
    const { community, leader, roomId, room } = demo();
    const lock = draftRoomEntry(community, roomId, room, leader, "lock", { locked: true }, START + 5);
    const open = draftRoomEntry(community, roomId, room, leader, "lock", { locked: false }, START + 5);
    const context = contextOf(community);
    expect(refusal(() => applyRoomEntry(context, roomId, room, { ...lock, body: open.body }))).toBe(
      "log.bad_entry",
    );
    expect(refusal(() => applyRoomEntry(context, roomId, room, { ...lock, body: null }))).toBe(
      "log.bad_entry",
    );
  });
});

describe("a leaf", () => {
  it("is right for an admitted member's certified device alone", () => {
    const { community, member, room } = demo();
    const context = contextOf(community);
    const stranger = newPerson(community);
    const credential = credentialOf(member.certificate);
    expect(rightLeaf(context, room, credential, member.device.publicKey)?.accountId).toEqual(
      member.accountId,
    );
    expect(rightLeaf(context, room, credential, newSigningKey().publicKey)).toBeNull();
    expect(
      rightLeaf(context, room, credentialOf(stranger.certificate), stranger.device.publicKey),
    ).toBeNull();
    expect(rightLeaf(context, room, new Uint8Array([1, 2, 3]), member.device.publicKey)).toBeNull();
  });

  it("is not right with a certificate that the account's log does not hold", () => {
    const { community, member, room } = demo();
    const root = community.root.publicKey;
    const ghost = newSigningKey();
    const forged = signStatement(
      "DeviceCertificate",
      {
        account_id: member.accountId,
        device_id: newId(),
        identity_key: member.identity.publicKey,
        device_key: ghost.publicKey,
        replaces: null,
        at: START,
      },
      root,
      ghost.seed,
    );
    expect(rightLeaf(contextOf(community), room, credentialOf(forged), ghost.publicKey)).toBeNull();
  });
});

describe("an invite", () => {
  it("survives the round through a link, and nothing else parses as one", () => {
    const link = { fingerprint: newId(), seed: newSigningKey().seed };
    expect(parseInviteFragment(`#${formatInviteFragment(link)}`)).toEqual(link);
    for (const bad of ["", "#", "#a", `#${"!".repeat(64)}`, `${formatInviteFragment(link)}a`]) {
      expect(parseInviteFragment(bad)).toBeNull();
    }
  });

  it("counts only from a steward, or from a leader for members", () => {
    const { community, steward, leader, member } = demo();
    const root = community.root.publicKey;
    const key = newSigningKey();
    const made = (by: typeof steward, role: "member" | "leader") =>
      signStatement(
        "InviteCertificate",
        {
          invite_key: key.publicKey,
          role,
          room_id: null,
          inviter: { account_id: by.accountId, device_id: by.deviceId },
          expires_at: START + HOUR,
        },
        root,
        by.device.seed,
      );
    const read = (by: typeof steward, role: "member" | "leader") => () =>
      readInvite(community.state, community.accounts, made(by, role), key.publicKey, START + 9);
    expect(refusal(read(steward, "leader"))).toBe("accepted");
    expect(refusal(read(leader, "member"))).toBe("accepted");
    expect(refusal(read(leader, "leader"))).toBe("log.no_power");
    expect(refusal(read(member, "member"))).toBe("log.no_power");
  });

  it("binds the new identity, so that a server cannot swap it", () => {
    const { community, member } = demo();
    const root = community.root.publicKey;
    const key = newSigningKey();
    const body = {
      invite_key: key.publicKey,
      account_id: member.accountId,
      identity_key: member.identity.publicKey,
    };
    const good = signStatement("InviteAcceptance", body, root, key.seed);
    expect(refusal(() => readAcceptance(root, good, member.state))).toBe("accepted");
    const swapped = { ...body, identity_key: newSigningKey().publicKey };
    const other = signStatement("InviteAcceptance", swapped, root, key.seed);
    expect(refusal(() => readAcceptance(root, other, member.state))).toBe("log.bad_entry");
    const unsigned = { ...good, signature: new Uint8Array(64) };
    expect(refusal(() => readAcceptance(root, unsigned, member.state))).toBe("log.bad_signature");
  });
});
