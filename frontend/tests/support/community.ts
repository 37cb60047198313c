/** A community with real keys, built entry by entry as its people's browsers would. */
import { verifyAccount, type AccountState } from "../../src/crypto/accountLog";
import { applyCommunityEntry, type AccountLookup, type CommunityState } from "../../src/crypto/communityLog";
import { entryHash, makeEntry, rootFingerprint, type BodyOf, type Place } from "../../src/crypto/entries";
import { toHex } from "../../src/crypto/hex";
import { applyRoomEntry, type RoomContext, type RoomState } from "../../src/crypto/roomLog";
import { newSigningKey, sign, type KeyPair } from "../../src/crypto/sodium";
import { newId, newSalt, openAccount, signStatement } from "../../src/crypto/statements";
import type {
  AccountLog,
  Action,
  Label,
  Role,
  SignedEntry,
  SignedStatement,
} from "../../src/protocol/generated";

export const START = 1_800_000_000_000;

export type Person = {
  readonly accountId: Uint8Array;
  readonly identity: KeyPair;
  readonly deviceId: Uint8Array;
  readonly device: KeyPair;
  readonly certificate: SignedStatement;
  readonly log: AccountLog;
  readonly state: AccountState;
};

export type Community = {
  readonly root: KeyPair;
  readonly firstInvite: KeyPair;
  readonly entries: readonly SignedEntry[];
  readonly state: CommunityState;
  readonly people: Map<string, AccountState>;
  readonly accounts: AccountLookup;
};

export const signer =
  (root: Uint8Array, seed: Uint8Array) =>
  (label: Label, bytes: Uint8Array): Uint8Array =>
    sign(label, root, bytes, seed);

export function newCommunity(options: { demo?: boolean; delayHours?: number } = {}): Community {
  const root = newSigningKey();
  const firstInvite = newSigningKey();
  const demo = options.demo ?? true;
  const genesis = makeEntry(
    {
      log: "community",
      logId: rootFingerprint(root.publicKey),
      place: null,
      communityHead: null,
      author: { account_id: null, device_id: null },
      action: "genesis",
      body: {
        salt: newSalt(),
        root: root.publicKey,
        first_steward_invite: firstInvite.publicKey,
        demo,
        certify_delay_hours: options.delayHours ?? (demo ? 0 : 24),
      },
      at: START,
    },
    signer(root.publicKey, root.seed),
  );
  const people = new Map<string, AccountState>();
  const accounts: AccountLookup = (accountId) => people.get(toHex(accountId)) ?? null;
  const state = applyCommunityEntry(root.publicKey, null, genesis, accounts);
  return { root, firstInvite, entries: [genesis], state, people, accounts };
}

export function newPerson(community: Community, handle = "Robin", at = START): Person {
  const root = community.root.publicKey;
  const identity = newSigningKey();
  const device = newSigningKey();
  const accountId = newId();
  const deviceId = newId();
  const { entries, certificate } = openAccount({
    root,
    accountId,
    identity,
    deviceId,
    device,
    communityHead: community.state.head,
    at,
  });
  const profile = signStatement(
    "Profile",
    { account_id: accountId, handle, language: "en", at },
    root,
    identity.seed,
  );
  const log = { account_id: accountId, entries, profile };
  const state = verifyAccount(root, log);
  community.people.set(toHex(accountId), state);
  return { accountId, identity, deviceId, device, certificate, log, state };
}

/** Make and apply the community's next entry by a person's device. */
export function appendCommunity<A extends "certify" | "revoke">(
  community: Community,
  author: Person,
  action: A,
  body: Omit<BodyOf<A>, "salt">,
  at: number,
): Community {
  const { root, state } = community;
  const entry = makeEntry(
    {
      log: "community",
      logId: state.fingerprint,
      place: { head: state.head, at: state.at },
      communityHead: null,
      author: { account_id: author.accountId, device_id: author.deviceId },
      action,
      body: { salt: newSalt(), ...body } as unknown as BodyOf<A>,
      at,
    },
    signer(root.publicKey, author.device.seed),
  );
  return {
    ...community,
    entries: [...community.entries, entry],
    state: applyCommunityEntry(root.publicKey, state, entry, community.accounts),
  };
}

export function claim(community: Community, person: Person, at = START): Community {
  const { root, state } = community;
  const entry = makeEntry(
    {
      log: "community",
      logId: state.fingerprint,
      place: { head: state.head, at: state.at },
      communityHead: null,
      author: { account_id: person.accountId, device_id: null },
      action: "claim",
      body: { salt: newSalt(), account_id: person.accountId, identity_key: person.identity.publicKey },
      at,
    },
    signer(root.publicKey, community.firstInvite.seed),
  );
  return {
    ...community,
    entries: [...community.entries, entry],
    state: applyCommunityEntry(root.publicKey, state, entry, community.accounts),
  };
}

export function certify(community: Community, by: Person, person: Person, role: Role, at: number): Community {
  const body = { account_id: person.accountId, identity_key: person.identity.publicKey, role };
  return appendCommunity(community, by, "certify", body, at);
}

export function contextOf(community: Community): RoomContext {
  return { community: community.state, accounts: community.accounts };
}

type RoomAction = Exclude<
  Action,
  "genesis" | "claim" | "certify" | "revoke" | "open" | "device-add" | "device-revoke"
>;

/** Make a room's next entry without applying it; `change` lets a hostile test bend any part of the draft. */
export function draftRoomEntry<A extends RoomAction>(
  community: Community,
  roomId: Uint8Array,
  room: RoomState | null,
  author: Person,
  action: A,
  body: Omit<BodyOf<A>, "salt">,
  at: number,
  change: { seed?: Uint8Array; place?: Place; root?: Uint8Array } = {},
): SignedEntry {
  return makeEntry(
    {
      log: "room",
      logId: roomId,
      place: change.place ?? (room === null ? null : { head: room.head, at: room.at }),
      communityHead: community.state.head,
      author: { account_id: author.accountId, device_id: author.deviceId },
      action,
      body: { salt: newSalt(), ...body } as unknown as BodyOf<A>,
      at,
    },
    signer(change.root ?? community.root.publicKey, change.seed ?? author.device.seed),
  );
}

export function openRoom(
  community: Community,
  leader: Person,
  at: number,
): { roomId: Uint8Array; room: RoomState; entry: SignedEntry } {
  const roomId = newId();
  const body = { group_id: newId(), identity_key: leader.identity.publicKey, expiry_seconds: 86_400 };
  const entry = draftRoomEntry(community, roomId, null, leader, "create", body, at);
  return { roomId, room: applyRoomEntry(contextOf(community), roomId, null, entry), entry };
}

export function hashOf(signed: SignedEntry): Uint8Array {
  return entryHash(signed);
}
