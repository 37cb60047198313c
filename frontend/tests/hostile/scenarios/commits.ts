/** Hostile commits: ghosts, false removals, renamed leaves, shared keys, smuggled proposals, heads that go back, forks. */
import { createProposal } from "ts-mls/createMessage.js";
import { processPrivateMessage } from "ts-mls/processMessages.js";
import type { Proposal } from "ts-mls/proposal.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import { utf8 } from "../../../src/crypto/bytes";
import { makeCommit } from "../../../src/crypto/groupRules";
import { bare, leafIndexOf, membersOf } from "../../../src/crypto/groupState";
import { toHex } from "../../../src/crypto/hex";
import { CAPABILITIES, generateKeyPackage } from "../../../src/crypto/keyPackage";
import { credentialOf } from "../../../src/crypto/leaves";
import { suite } from "../../../src/crypto/provider";
import { newSigningKey } from "../../../src/crypto/sodium";
import { decodeCanonical, encodeCanonical } from "../../../src/protocol/codec";
import type { DeviceCertificate } from "../../../src/protocol/generated";
import { authorityAt } from "../../../src/store/group";
import {
  add,
  changedKeyPackage,
  falseParentKeys,
  rawCommit,
  unguarded,
  withOwnLeaf,
} from "../../crypto/hostile";
import { applyRoomEntry } from "../../../src/crypto/roomLog";
import { makeEntry } from "../../../src/crypto/entries";
import { newId, newSalt } from "../../../src/crypto/statements";
import { certify, contextOf, signer } from "../../support/community";
import { tried, type Scenario, type Verdict } from "../scenario";
import {
  admissionOf,
  append,
  attackerOf,
  commitHonestly,
  groupOf,
  headerOf,
  newRoom,
  post,
  pull,
  receive,
  roomOf,
  signEntry,
  tick,
  type Cast,
  type Client,
} from "../world";

const DAY_MS = 86_400_000;

/** A commit by Mallory's changed client, judged by Mo. */
async function mallorysCommit(
  cast: Cast,
  proposals: readonly Proposal[],
  change: Parameters<typeof rawCommit>[2] & { header?: Uint8Array } = {},
): Promise<Verdict> {
  const { world, mo, mallory } = cast;
  await pull(world, mallory);
  const { header, ...rest } = change;
  const made = await rawCommit(
    attackerOf(world, mallory),
    { extraProposals: [...proposals], authenticatedData: header ?? headerOf(world) },
    rest,
  );
  return receive(world, mo, made.commit);
}

const leafOf = (cast: Cast, whose: Client, client: Client): number =>
  leafIndexOf(groupOf(cast.world, client).state, whose.person.device.publicKey) ?? -1;
const removal = (removed: number): Proposal => ({ proposalType: "remove", remove: { removed } });
const packageOf = (client: Client): Uint8Array => client.packages[0] ?? new Uint8Array();

/** Someone whom the log admits, and whose device the group does not have yet. */
function admitGhost({ world, lee, ghost }: Cast): void {
  append(world, lee.person, "admit", admissionOf(ghost.person));
}

/** Entries that everyone has taken in; no commit followed. */
async function removeFromLog(cast: Cast, who: Client): Promise<void> {
  const { world, lee, mo } = cast;
  append(world, lee.person, "remove", { account_id: who.person.accountId, reason: "safety" });
  await pull(world, mo);
}

function keyOf(cast: Cast, of: Client): Uint8Array {
  const leaf = membersOf(groupOf(cast.world, of).state).find(
    ({ signatureKey }) => toHex(signatureKey) === toHex(of.person.device.publicKey),
  );
  return leaf?.encryptionKey ?? new Uint8Array();
}

const ghostsPackage = (cast: Cast, change: Parameters<typeof changedKeyPackage>[1]): Promise<Uint8Array> =>
  changedKeyPackage(attackerOf2(cast.ghost), change);
const attackerOf2 = (client: Client) => ({
  name: "ghost",
  deviceKey: { seed: client.person.device.seed, publicKey: client.person.device.publicKey },
  keyPackage: {
    bytes: packageOf(client),
    initPrivateKey: new Uint8Array(32),
    leafPrivateKey: new Uint8Array(32),
  },
  state: null,
});

export const COMMIT_SCENARIOS: readonly Scenario[] = [
  {
    name: "a ghost: a member's commit adds a device that nobody admitted",
    by: "member",
    guard: "a commit adds only right leaves",
    expect: "leaf-not-allowed",
    attack: async () => {
      const cast = await newRoom();
      return mallorysCommit(cast, [add(packageOf(cast.ghost))]);
    },
  },
  {
    name: "a ghost under an account that is no member, by its own right chain",
    by: "member",
    guard: "a leaf's account is a member",
    expect: "leaf-not-allowed",
    attack: async () => {
      const cast = await newRoom();
      // The ghost is a member of another room: its account is known, its certificate is right.
      return mallorysCommit(cast, [add(packageOf(cast.ghost))]);
    },
  },
  {
    name: "a swapped credential: a key package with Mo's certificate and another key",
    by: "server",
    guard: "a leaf's key is the certified one",
    expect: "leaf-not-allowed",
    attack: async () => {
      const cast = await newRoom();
      admitGhost(cast);
      await pull(cast.world, cast.mo);
      const forged = await generateKeyPackage({
        identity: credentialOf(cast.ghost.person.certificate),
        deviceKey: newSigningKey(),
        now: cast.world.now / 1000,
      });
      return mallorysCommit(cast, [add(forged.bytes)]);
    },
  },
  {
    name: "a forged certificate: an admitted account's device that its log does not hold",
    by: "server",
    guard: "a leaf's certificate is in the account's log",
    expect: "leaf-not-allowed",
    attack: async () => {
      const cast = await newRoom();
      admitGhost(cast);
      await pull(cast.world, cast.mo);
      const device = newSigningKey();
      const { certificate } = cast.ghost.person;
      // The device id is one of the account's, the key is the server's, nobody signed it.
      const claim = readClaim(certificate.body);
      const body = writeClaim({ ...claim, device_key: device.publicKey });
      const forged = await generateKeyPackage({
        identity: credentialOf({ body, signature: new Uint8Array(64) }),
        deviceKey: device,
        now: cast.world.now / 1000,
      });
      return mallorysCommit(cast, [add(forged.bytes)]);
    },
  },
  {
    name: "a stolen phone that was revoked is added to a room",
    by: "thief",
    guard: "a revoked device has no leaf",
    expect: "leaf-not-allowed",
    attack: async () => {
      const cast = await newRoom();
      admitGhost(cast);
      const { world, mo, ghost } = cast;
      const { person } = ghost;
      const gone = makeEntry(
        {
          log: "account",
          logId: person.accountId,
          place: { head: person.state.head, at: person.state.at },
          communityHead: world.community.state.head,
          author: { account_id: person.accountId, device_id: null },
          action: "device-revoke",
          body: { salt: newSalt(), device_id: person.deviceId },
          at: world.now,
        },
        signer(world.community.root.publicKey, person.identity.seed),
      );
      const log = { ...person.log, entries: [...person.log.entries, gone] };
      world.logs.set(toHex(person.accountId), log);
      await mo.core.logs.takeAccounts([log]);
      await pull(world, mo);
      return mallorysCommit(cast, [add(packageOf(ghost))]);
    },
  },
  {
    name: "a member's commit removes another member whom no log removed",
    by: "member",
    guard: "a commit removes only who was removed",
    expect: "removal-not-allowed",
    attack: async () => {
      const cast = await newRoom();
      return mallorysCommit(cast, [removal(leafOf(cast, cast.lee, cast.mallory))]);
    },
  },
  {
    name: "a removed member commits once more, to stay",
    by: "member",
    guard: "who was removed does not commit",
    expect: "committer-not-allowed",
    attack: async () => {
      const cast = await newRoom();
      await removeFromLog(cast, cast.mallory);
      return mallorysCommit(cast, []);
    },
  },
  {
    name: "ReInit: a member ends the group for everyone",
    by: "member",
    guard: "a commit holds adds and removes alone",
    expect: "proposal-type",
    attack: async () => {
      const cast = await newRoom();
      const reinit: Proposal = {
        proposalType: "reinit",
        reinit: { groupId: utf8("elsewhere"), version: "mls10", cipherSuite: suite.name, extensions: [] },
      };
      return mallorysCommit(cast, [reinit]);
    },
  },
  {
    name: "a proposal smuggled into an honest rotation: a ghost waits in the stored state",
    by: "member",
    guard: "a commit is made with nothing pending",
    expect: "pending-proposals",
    attack: async () => {
      const cast = await newRoom();
      const { world, mo, mallory, ghost } = cast;
      const proposal = add(packageOf(ghost));
      const sent = await createProposal(unguarded(groupOf(world, mallory).state), false, proposal, suite);
      if (sent.message.wireformat !== "mls_private_message") throw new Error("not private");
      // As ts-mls by itself would have kept it.
      const { privateMessage } = sent.message;
      const held = await processPrivateMessage(
        unguarded(groupOf(world, mo).state),
        privateMessage,
        emptyPskIndex,
        suite,
      );
      return tried(async () => {
        const { newState } = await makeCommit({
          state: bare(held.newState),
          authenticatedData: headerOf(world),
          authority: authorityAt(mo.core.logs.context(), world.room),
          at: world.now / 1000,
        });
        const inside = membersOf(newState).some(
          ({ signatureKey }) => toHex(signatureKey) === toHex(ghost.person.device.publicKey),
        );
        if (!inside) throw new Error("the ghost stayed outside");
      });
    },
  },
  {
    name: "the server asks an honest member to add a ghost",
    by: "server",
    guard: "a commit is judged before it is sent",
    expect: "leaf-not-allowed",
    attack: async () => {
      const cast = await newRoom();
      return tried(() => commitHonestly(cast.world, cast.mo, { adds: [cast.ghost] }));
    },
  },
  {
    name: "a member renames its leaf: its path carries another's credential",
    by: "member",
    guard: "a path renews the encryption key alone",
    expect: "path-leaf-changed",
    attack: async () => {
      const cast = await newRoom();
      const state = withOwnLeaf(groupOf(cast.world, cast.mallory).state, {
        credential: { credentialType: "basic", identity: credentialOf(cast.lee.person.certificate) },
      });
      return mallorysCommit(cast, [], { state });
    },
  },
  {
    name: "a member adds a device that reuses another's encryption key, so that nobody can be added after",
    by: "member",
    guard: "every key stands once in the tree",
    expect: "key-not-unique",
    attack: async () => {
      const cast = await newRoom();
      admitGhost(cast);
      await pull(cast.world, cast.mo);
      const copied = await ghostsPackage(cast, { hpkePublicKey: keyOf(cast, cast.lee) });
      return mallorysCommit(cast, [add(copied)]);
    },
  },
  {
    name: "a member garbles a path: other keys in the tree than it sends",
    by: "member",
    guard: "private keys match the tree",
    expect: "parent-keys",
    attack: async () => {
      const cast = await newRoom();
      return mallorysCommit(cast, [], { suite: falseParentKeys() });
    },
  },
  {
    name: "a member adds a leaf without 'basic' in its capabilities, so that nobody can be added after (trap 16)",
    by: "member",
    guard: "a leaf can be read by later adds",
    expect: "capabilities",
    attack: async () => {
      const cast = await newRoom();
      admitGhost(cast);
      await pull(cast.world, cast.mo);
      const crippled = await ghostsPackage(cast, { capabilities: { ...CAPABILITIES, credentials: [] } });
      return mallorysCommit(cast, [add(crippled)]);
    },
  },
  {
    name: "an old key package that never ends is served",
    by: "server",
    guard: "a key package ends",
    expect: "lifetime",
    attack: async () => {
      const cast = await newRoom();
      admitGhost(cast);
      await pull(cast.world, cast.mo);
      const endless = await ghostsPackage(cast, { lifetime: { notBefore: 0n, notAfter: (1n << 63n) - 1n } });
      return mallorysCommit(cast, [add(endless)]);
    },
  },
  {
    name: "an old key package is served after its fourteen days",
    by: "server",
    guard: "a key package ends",
    expect: "lifetime",
    attack: async () => {
      const cast = await newRoom();
      admitGhost(cast);
      const { world } = cast;
      await pull(world, cast.mo);
      // Committed in its time, and shown to Mo as if it were of today.
      const { now } = world;
      await pull(world, cast.mallory);
      const made = await rawCommit(attackerOf(world, cast.mallory), {
        extraProposals: [add(packageOf(cast.ghost))],
        authenticatedData: headerOf(world),
      });
      world.now = now + 30 * DAY_MS;
      return receive(world, cast.mo, made.commit);
    },
  },
  {
    name: "own removal hidden by reseating: another device on the same leaf (trap 13)",
    by: "member",
    guard: "a removal is seen by whom it removes",
    expect: "told that it was removed",
    attack: async () => {
      const cast = await newRoom();
      const { world, lee, mallory } = cast;
      admitGhost(cast);
      append(world, lee.person, "remove", { account_id: mallory.person.accountId, reason: "safety" });
      await pull(world, lee);
      await pull(world, mallory);
      await commitHonestly(world, lee, { adds: [cast.ghost], removes: [mallory.person] });
      const room = await pull(world, mallory);
      const harm = room.group !== null;
      return { harm, how: harm ? "not told" : "told that it was removed" };
    },
  },
  {
    name: "a commit stands on an older community head than the one before",
    by: "member",
    guard: "a commit's community head never goes back",
    expect: "log.stale_head",
    attack: async () => {
      const cast = await newRoom();
      const { world, steward, lee, mo, mallory } = cast;
      world.community = certify(world.community, steward, steward, "leader", tick(world));
      for (const client of [lee, mo, mallory]) await client.core.logs.syncCommunity();
      await commitHonestly(world, lee);
      const communityIndex = world.community.state.head.index - 1;
      return mallorysCommit(cast, [], { header: headerOf(world, { communityIndex }) });
    },
  },
  {
    name: "a commit stands on an older room head, to keep a removed member in",
    by: "member",
    guard: "a commit's room head never goes back",
    expect: "log.stale_head",
    attack: async () => {
      const cast = await newRoom();
      const { world, lee } = cast;
      const before = world.room;
      append(world, lee.person, "settings", { expiry_seconds: 3600 });
      await pull(world, lee);
      await commitHonestly(world, lee);
      return mallorysCommit(cast, [], { header: headerOf(world, { room: before }) });
    },
  },
  {
    name: "a forked room: a commit stands on a log that this member was not shown",
    by: "server",
    guard: "a commit names this room's very log",
    expect: "log.bad_entry",
    attack: async () => {
      const cast = await newRoom();
      const { world, lee } = cast;
      // Two entries at one index; Mo was shown the first, Mallory's commit stands on the other.
      const shown = world.room;
      const other = signEntry(world, lee.person, "settings", { expiry_seconds: 7200 });
      const forked = applyRoomEntry(contextOf(world.community), world.roomId, shown, other);
      append(world, lee.person, "settings", { expiry_seconds: 3600 });
      return mallorysCommit(cast, [], { header: headerOf(world, { room: forked }) });
    },
  },
  {
    name: "a commit that was made for another room",
    by: "server",
    guard: "a commit is for this room",
    expect: "log.bad_entry",
    attack: async () => {
      const cast = await newRoom();
      return mallorysCommit(cast, [], { header: headerOf(cast.world, { roomId: newId() }) });
    },
  },
  {
    name: "the server withholds a commit and goes on with the next",
    by: "server",
    guard: "commits are taken in order",
    expect: "the room stops",
    attack: async () => {
      const { world, lee, mo } = await newRoom();
      await commitHonestly(world, lee);
      const withheld = world.feed.pop();
      if (withheld?.kind !== "commit") throw new Error("no commit");
      // In its place an entry of nothing new, so that the numbers still follow.
      post(world, { kind: "entry", entry: world.roomLog[0] as never });
      const { group } = roomOf(world, lee);
      post(world, {
        kind: "commit",
        epoch: group?.marks.epoch ?? 0,
        at: tick(world),
        commit: withheld.commit,
      });
      const room = await pull(world, mo);
      const harm = room.record.problem === null;
      return { harm, how: harm ? "not noticed" : "the room stops" };
    },
  },
  {
    name: "the server puts noise where a commit should be",
    by: "server",
    guard: "what does not check stops the room",
    expect: "the room stops",
    attack: async () => {
      const { world, mo } = await newRoom();
      post(world, { kind: "commit", epoch: 1, at: tick(world), commit: new Uint8Array(300).fill(7) });
      const room = await pull(world, mo);
      const harm = room.record.problem === null;
      return { harm, how: harm ? "not noticed" : "the room stops" };
    },
  },
];

const readClaim = (body: Uint8Array): DeviceCertificate => decodeCanonical("DeviceCertificate", body);
const writeClaim = (claim: DeviceCertificate): Uint8Array => encodeCanonical("DeviceCertificate", claim);
