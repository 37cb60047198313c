/** Forged, replayed and rolled-back log entries: who leads, who is in, which devices speak for whom. */
import { applyAccountEntry, readProfile } from "../../../src/crypto/accountLog";
import { applyCommunityEntry, isEffective } from "../../../src/crypto/communityLog";
import { entryHash, makeEntry, rootFingerprint, type Place } from "../../../src/crypto/entries";
import { applyRoomEntry, type RoomState } from "../../../src/crypto/roomLog";
import { newSigningKey, type KeyPair } from "../../../src/crypto/sodium";
import { newId, newSalt, signStatement } from "../../../src/crypto/statements";
import type { AccountLog, SignedEntry } from "../../../src/protocol/generated";
import { toHex } from "../../../src/crypto/hex";
import {
  appendCommunity,
  certify,
  claim,
  contextOf,
  draftRoomEntry,
  newCommunity,
  newPerson,
  signer,
  START,
  type Community,
  type Person,
} from "../../support/community";
import { tried, type Scenario } from "../scenario";
import { admissionOf, append, newRoom, post, pull, signEntry, tick, type Cast } from "../world";

const HOUR = 3_600_000;

/** Judge an entry as each client does; nothing is stored. */
const judge = ({ world }: Cast, signed: SignedEntry, room: RoomState = world.room) =>
  tried(() => applyRoomEntry(contextOf(world.community), world.roomId, room, signed));

type Account = "device-add" | "device-revoke";
function accountEntry(
  community: Community,
  person: Person,
  action: Account,
  body: object,
  change: { key?: KeyPair; place?: Place; head?: number; at?: number } = {},
): SignedEntry {
  const index = change.head ?? community.state.head.index;
  return makeEntry(
    {
      log: "account",
      logId: person.accountId,
      place: change.place ?? { head: person.state.head, at: person.state.at },
      communityHead: { index, hash: community.state.hashes[index] ?? new Uint8Array(32) },
      author: { account_id: person.accountId, device_id: null },
      action,
      body: { salt: newSalt(), ...body } as never,
      at: change.at ?? START + 20_000,
    },
    signer(community.root.publicKey, (change.key ?? person.identity).seed),
  );
}

function certificateFor(community: Community, person: Person, key: KeyPair) {
  const device = newSigningKey();
  const body = {
    account_id: person.accountId,
    device_id: newId(),
    identity_key: person.identity.publicKey,
    device_key: device.publicKey,
    replaces: null,
    at: START,
  };
  return signStatement("DeviceCertificate", body, community.root.publicKey, key.seed);
}

const judgeAccount = (community: Community, person: Person, signed: SignedEntry) =>
  tried(() => applyAccountEntry(community.root.publicKey, person.accountId, person.state, signed));

function aCommunity(options: { demo?: boolean } = {}) {
  let community = newCommunity({ demo: options.demo ?? true });
  const steward = newPerson(community, "Ada");
  community = claim(community, steward);
  const leader = newPerson(community, "Lee");
  community = certify(community, steward, leader, "leader", START + HOUR);
  return { community, steward, leader, other: newPerson(community, "Mo") };
}

/** An own community log of the server's: right in all but one thing. */
function genesisOf(root: KeyPair, named: Uint8Array, logRoot: Uint8Array): SignedEntry {
  return makeEntry(
    {
      log: "community",
      logId: rootFingerprint(logRoot),
      place: null,
      communityHead: null,
      author: { account_id: null, device_id: null },
      action: "genesis",
      body: {
        salt: newSalt(),
        root: named,
        first_steward_invite: newSigningKey().publicKey,
        demo: true,
        certify_delay_hours: 0,
      },
      at: START,
    },
    signer(logRoot, root.seed),
  );
}

async function communityAnswer(cast: Cast, lie: (entries: readonly SignedEntry[]) => readonly SignedEntry[]) {
  const { world, mo } = cast;
  world.lies.set("communityLog", (truth: { entries: readonly SignedEntry[]; accounts: unknown }) => ({
    ...truth,
    entries: lie(truth.entries),
  }));
  return tried(() => mo.core.logs.syncCommunity());
}

/** Another community log of the same root, as two stewards' devices or a stolen one could sign it. */
function forkedHead(cast: Cast): SignedEntry {
  const { world, steward, lee } = cast;
  const { state } = world.community;
  return makeEntry(
    {
      log: "community",
      logId: state.fingerprint,
      place: {
        head: { index: state.head.index - 1, hash: state.hashes[state.head.index - 1] as Uint8Array },
        at: START,
      },
      communityHead: null,
      author: { account_id: steward.accountId, device_id: steward.deviceId },
      action: "certify",
      body: { salt: newSalt(), ...admissionOf(lee.person), role: "counselor" },
      at: START + 5,
    },
    signer(world.community.root.publicKey, steward.device.seed),
  );
}

async function revokedPhone(cast: Cast): Promise<AccountLog> {
  const { world, mo } = cast;
  const gone = accountEntry(world.community, mo.person, "device-revoke", { device_id: mo.person.deviceId });
  const longer = { ...mo.person.log, entries: [...mo.person.log.entries, gone] };
  await cast.lee.core.logs.takeAccounts([longer]);
  return longer;
}

export const LOG_SCENARIOS: readonly Scenario[] = [
  {
    name: "the server admits a ghost by an entry that it signs itself",
    by: "server",
    guard: "room entries are signed by their author's device",
    expect: "log.bad_signature",
    attack: async () => {
      const cast = await newRoom(false);
      const { world, lee, ghost } = cast;
      const seed = newSigningKey().seed;
      return judge(cast, signEntry(world, lee.person, "admit", admissionOf(ghost.person), { seed }));
    },
  },
  {
    name: "a member admits an accomplice without the power to",
    by: "member",
    guard: "only room leaders use a leader's powers",
    expect: "log.no_power",
    attack: async () => {
      const cast = await newRoom(false);
      const { world, mallory, ghost } = cast;
      return judge(cast, signEntry(world, mallory.person, "admit", admissionOf(ghost.person)));
    },
  },
  {
    name: "a false leader: someone who is not certified is made leader of a room",
    by: "member",
    guard: "only certified leaders become room leaders",
    expect: "log.no_power",
    attack: async () => {
      const cast = await newRoom(false);
      const { world, lee, mallory } = cast;
      const body = { account_id: mallory.person.accountId, room_role: "leader" };
      return judge(cast, signEntry(world, lee.person, "grant", body));
    },
  },
  {
    name: "a false leader opens a room of its own",
    by: "member",
    guard: "only certified leaders open rooms",
    expect: "log.no_power",
    attack: async () => {
      const { world, mallory } = await newRoom(false);
      const roomId = newId();
      const { person } = mallory;
      const body = { group_id: newId(), identity_key: person.identity.publicKey, expiry_seconds: 3600 };
      const entry = draftRoomEntry(world.community, roomId, null, person, "create", body, tick(world));
      return tried(() => applyRoomEntry(contextOf(world.community), roomId, null, entry));
    },
  },
  {
    name: "a revoked leader goes on leading",
    by: "member",
    guard: "a revoked role ends",
    expect: "log.no_power",
    attack: async () => {
      const cast = await newRoom(false);
      const { world, steward, lee, ghost } = cast;
      const role = { account_id: lee.person.accountId, role: "leader" } as const;
      world.community = appendCommunity(world.community, steward, "revoke", role, tick(world));
      return judge(cast, signEntry(world, lee.person, "admit", admissionOf(ghost.person)));
    },
  },
  {
    name: "a revoked leader backdates: its entry names a community head from before",
    by: "member",
    guard: "a room log's community head never goes back",
    expect: "log.bad_entry",
    attack: async () => {
      const cast = await newRoom(false);
      const { world, steward, lee, ghost } = cast;
      let { community } = world;
      const before = community;
      community = certify(community, steward, steward, "leader", tick(world));
      const role = { account_id: lee.person.accountId, role: "leader" } as const;
      community = appendCommunity(community, steward, "revoke", role, tick(world));
      world.community = community;
      // Someone else's entry has seen the revocation; the revoked one pretends that it has not.
      const left = applyRoomEntry(
        contextOf(community),
        world.roomId,
        world.room,
        signEntry(world, cast.mo.person, "leave", {}),
      );
      const backdated = draftRoomEntry(
        before,
        world.roomId,
        left,
        lee.person,
        "admit",
        admissionOf(ghost.person),
        tick(world),
      );
      return judge(cast, backdated, left);
    },
  },
  {
    name: "an entry is dated before the one that it follows",
    by: "member",
    guard: "time does not run backwards",
    expect: "log.bad_entry",
    attack: async () => {
      const cast = await newRoom(false);
      const { world, lee, ghost } = cast;
      world.now += 2 * HOUR;
      append(world, lee.person, "settings", { expiry_seconds: 3600 });
      const at = world.room.at - HOUR;
      return judge(cast, signEntry(world, lee.person, "admit", admissionOf(ghost.person), {}, at));
    },
  },
  {
    name: "an entry stands on a community head that never was",
    by: "member",
    guard: "a room log's community head is in the log",
    expect: "log.bad_entry",
    attack: async () => {
      const cast = await newRoom(false);
      const { world, lee, ghost } = cast;
      const state = { ...world.community.state, head: { index: 1, hash: new Uint8Array(32) } };
      const lying = { ...world.community, state: { ...state, head: { ...state.head, index: 2 } } };
      const entry = draftRoomEntry(
        lying,
        world.roomId,
        world.room,
        lee.person,
        "admit",
        admissionOf(ghost.person),
        tick(world),
      );
      return judge(cast, entry);
    },
  },
  {
    name: "the server swaps a member's identity: another account log under the admitted id",
    by: "server",
    guard: "an author's identity is the admitted one",
    expect: "log.no_power",
    attack: async () => {
      const cast = await newRoom(false);
      const { world, mallory } = cast;
      const { accountId } = mallory.person;
      const impostor = newPerson(world.community, "Mallory", START);
      const forged = { ...impostor.state, accountId };
      world.community.people.set(toHex(accountId), forged);
      const acting = { ...impostor, accountId };
      return judge(cast, signEntry(world, acting, "leave", {}));
    },
  },
  {
    name: "a leader removes the other leader",
    by: "member",
    guard: "leaders are not muted or removed",
    expect: "log.no_power",
    attack: async () => {
      const cast = await newRoom(false);
      const { world, steward, lee, mo } = cast;
      world.community = certify(world.community, steward, mo.person, "leader", tick(world));
      append(world, lee.person, "grant", { account_id: mo.person.accountId, room_role: "leader" });
      const body = { account_id: lee.person.accountId, reason: "other" };
      return judge(cast, signEntry(world, mo.person, "remove", body));
    },
  },
  {
    name: "someone is let in while the room is locked",
    by: "member",
    guard: "nobody is admitted while locked",
    expect: "room.locked",
    attack: async () => {
      const cast = await newRoom(false);
      const { world, lee, ghost } = cast;
      append(world, lee.person, "lock", { locked: true });
      return judge(cast, signEntry(world, lee.person, "admit", admissionOf(ghost.person)));
    },
  },
  {
    name: "the server replays an old entry at the end of the log",
    by: "server",
    guard: "entries follow the newest",
    expect: "log.stale_head",
    attack: async () => {
      const cast = await newRoom(false);
      const { world, lee, ghost } = cast;
      // Signed for this index on a branch that was dropped: right in all but the link.
      const place = { head: { index: world.room.head.index, hash: new Uint8Array(32) }, at: world.room.at };
      return judge(cast, signEntry(world, lee.person, "admit", admissionOf(ghost.person), { place }));
    },
  },
  {
    name: "the server puts another body under a signed entry",
    by: "server",
    guard: "a body is the one that was signed",
    expect: "log.bad_entry",
    attack: async () => {
      const cast = await newRoom(false);
      const { world, lee, mo, ghost } = cast;
      const wanted = signEntry(world, lee.person, "admit", admissionOf(ghost.person));
      const signed = signEntry(world, lee.person, "admit", {
        account_id: newId(),
        identity_key: mo.person.identity.publicKey,
      });
      return judge(cast, { ...signed, body: wanted.body });
    },
  },
  {
    name: "the server moves an entry into another room's log",
    by: "server",
    guard: "entries are of the log that was asked for",
    expect: "log.bad_entry",
    attack: async () => {
      const cast = await newRoom(false);
      const { world, lee, ghost } = cast;
      const entry = draftRoomEntry(
        world.community,
        newId(),
        world.room,
        lee.person,
        "admit",
        admissionOf(ghost.person),
        tick(world),
      );
      return judge(cast, entry);
    },
  },
  {
    name: "the server brings a community of its own, signed by another root",
    by: "server",
    guard: "genesis is signed by the pinned root",
    expect: "log.bad_signature",
    attack: () => {
      const pinned = newSigningKey().publicKey;
      const genesis = genesisOf(newSigningKey(), pinned, pinned);
      return tried(() => applyCommunityEntry(pinned, null, genesis, () => null));
    },
  },
  {
    name: "a genesis names another root than the one that signed it",
    by: "server",
    guard: "genesis names the pinned root",
    expect: "log.bad_entry",
    attack: () => {
      const root = newSigningKey();
      const genesis = genesisOf(root, newSigningKey().publicKey, root.publicKey);
      return tried(() => applyCommunityEntry(root.publicKey, null, genesis, () => null));
    },
  },
  {
    name: "a false steward: the server claims the first stewardship for itself",
    by: "server",
    guard: "the first steward is the one with the root's invite",
    expect: "log.bad_signature",
    attack: () => {
      const community = newCommunity();
      const server = newPerson(community, "Server");
      return tried(() => claim({ ...community, firstInvite: newSigningKey() }, server));
    },
  },
  {
    name: "a false counselor: a leader certifies a friend",
    by: "member",
    guard: "only stewards certify",
    expect: "log.no_power",
    attack: () => {
      const { community, leader, other } = aCommunity();
      return tried(() => certify(community, leader, other, "counselor", START + 2 * HOUR));
    },
  },
  {
    name: "a false counselor: the server signs in a steward's name",
    by: "server",
    guard: "certificates are signed",
    expect: "log.bad_signature",
    attack: () => {
      const { community, steward, other } = aCommunity();
      const forged = { ...steward, device: newSigningKey() };
      return tried(() => certify(community, forged, other, "counselor", START + 2 * HOUR));
    },
  },
  {
    name: "the server substitutes a leader's identity key at the next certificate",
    by: "server",
    guard: "an account keeps its identity in the community",
    expect: "log.bad_entry",
    attack: () => {
      const { community, steward, leader } = aCommunity();
      const swapped = { ...leader, identity: newSigningKey() };
      return tried(() => certify(community, steward, swapped, "counselor", START + 2 * HOUR));
    },
  },
  {
    name: "a lone steward's stolen phone names a leader who counts at once",
    by: "member",
    guard: "a lone steward's certificate waits",
    expect: "not yet effective",
    attack: async () => {
      let community = newCommunity({ demo: false });
      const steward = newPerson(community, "Ada");
      community = claim(community, steward);
      const friend = newPerson(community, "Friend");
      community = certify(community, steward, friend, "leader", START + HOUR);
      const harm = isEffective(community.state, friend.accountId, "leader", START + 2 * HOUR);
      return { harm, how: harm ? "accepted" : "not yet effective" };
    },
  },
  {
    name: "a ghost device: the server enters a certificate by an entry of its own",
    by: "server",
    guard: "account entries are signed by the identity",
    expect: "log.bad_signature",
    attack: () => {
      const { community, other } = aCommunity();
      const certificate = certificateFor(community, other, other.identity);
      const entry = accountEntry(community, other, "device-add", { certificate }, { key: newSigningKey() });
      return judgeAccount(community, other, entry);
    },
  },
  {
    name: "a ghost device: the certificate is forged",
    by: "server",
    guard: "device certificates are signed by the identity",
    expect: "log.bad_signature",
    attack: () => {
      const { community, other } = aCommunity();
      const certificate = certificateFor(community, other, newSigningKey());
      return judgeAccount(community, other, accountEntry(community, other, "device-add", { certificate }));
    },
  },
  {
    name: "a stolen phone that was revoked signs on",
    by: "thief",
    guard: "a revoked device signs no more",
    expect: "log.no_power",
    attack: async () => {
      const cast = await newRoom(false);
      const { world, mo } = cast;
      const gone = accountEntry(world.community, mo.person, "device-revoke", {
        device_id: mo.person.deviceId,
      });
      const { accountId } = mo.person;
      const root = world.community.root.publicKey;
      const state = applyAccountEntry(root, accountId, mo.person.state, gone);
      world.community.people.set(toHex(accountId), state);
      world.now = START + HOUR;
      return judge(cast, signEntry(world, mo.person, "leave", {}));
    },
  },
  {
    name: "an account's entry steps back to a community head from before",
    by: "member",
    guard: "an account log's community head never goes back",
    expect: "log.bad_entry",
    attack: () => {
      const { community, other } = aCommunity();
      const body = { device_id: other.deviceId };
      return judgeAccount(
        community,
        other,
        accountEntry(community, other, "device-revoke", body, { head: 0 }),
      );
    },
  },
  {
    name: "the server renames a member: a profile that its owner did not sign",
    by: "server",
    guard: "a name is signed by its owner",
    expect: "no name is shown",
    attack: async () => {
      const { community, other } = aCommunity();
      const body = { account_id: other.accountId, handle: "Your counselor", language: "en", at: START };
      const forged = signStatement("Profile", body, community.root.publicKey, newSigningKey().seed);
      const shown = readProfile(community.root.publicKey, other.state, forged);
      return { harm: shown !== null, how: shown === null ? "no name is shown" : "accepted" };
    },
  },
  {
    name: "the community's log is rolled back",
    by: "server",
    guard: "the community's log does not shrink",
    expect: "log.stale_head",
    attack: async () => communityAnswer(await newRoom(false), () => []),
  },
  {
    name: "the community's log is forked: this member is shown another one",
    by: "server",
    guard: "the community's log does not fork",
    expect: "log.stale_head",
    attack: async () => {
      const cast = await newRoom(false);
      return communityAnswer(cast, () => [forkedHead(cast)]);
    },
  },
  {
    name: "an account's log is rolled back, to bring a revoked phone back to life",
    by: "server",
    guard: "an account's log does not shrink",
    expect: "log.stale_head",
    attack: async () => {
      const cast = await newRoom(false);
      await revokedPhone(cast);
      return tried(() => cast.lee.core.logs.takeAccounts([cast.mo.person.log]));
    },
  },
  {
    name: "an account's log is forked, to hide a revocation",
    by: "server",
    guard: "an account's log does not fork",
    expect: "log.stale_head",
    attack: async () => {
      const cast = await newRoom(false);
      const longer = await revokedPhone(cast);
      const certificate = certificateFor(cast.world.community, cast.mo.person, cast.mo.person.identity);
      const other = accountEntry(cast.world.community, cast.mo.person, "device-add", { certificate });
      const forked = { ...longer, entries: [...longer.entries.slice(0, -1), other] };
      return tried(() => cast.lee.core.logs.takeAccounts([forked]));
    },
  },
  {
    name: "a room's log is forked: another entry at an index that was seen",
    by: "server",
    guard: "a room's log does not fork",
    expect: "the room stops",
    attack: async () => {
      const cast = await newRoom();
      const { world, lee, mo, ghost } = cast;
      const before = world.room;
      append(world, lee.person, "settings", { expiry_seconds: 3600 });
      await pull(world, mo);
      const place = { head: before.head, at: before.at };
      const other = signEntry(world, lee.person, "admit", admissionOf(ghost.person), { place });
      if (toHex(entryHash(other)) === toHex(world.room.head.hash)) throw new Error("no fork");
      post(world, { kind: "entry", entry: other });
      const room = await pull(world, mo);
      const harm = room.record.problem === null;
      return { harm, how: harm ? "not noticed" : "the room stops" };
    },
  },
];
