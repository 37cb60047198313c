/** Hostile ways in: Welcomes of other rooms, old ones, ones with ghosts; invites that nobody may give; swapped identities. */
import { defaultClientConfig } from "ts-mls/clientConfig.js";
import { createGroup as mlsCreateGroup } from "ts-mls/clientState.js";
import { bare } from "../../../src/crypto/groupState";
import { readAcceptance, readInvite } from "../../../src/crypto/invites";
import { privatePart } from "../../../src/crypto/keyPackage";
import { suite } from "../../../src/crypto/provider";
import { newSigningKey, type KeyPair } from "../../../src/crypto/sodium";
import { newId, signStatement } from "../../../src/crypto/statements";
import { decodeKeyPackage } from "../../../src/crypto/wire";
import { listKeyPackages } from "../../../src/store/keyStock";
import { add, rawCommit } from "../../crypto/hostile";
import { tried, type Scenario, type Verdict } from "../scenario";
import {
  admissionOf,
  append,
  attackerOf,
  commitHonestly,
  epochIn,
  headerOf,
  join,
  newClient,
  newRoom,
  pull,
  tick,
  welcomeEvent,
  type Cast,
  type Client,
} from "../world";
import { newPerson } from "../../support/community";
import { toHex } from "../../../src/crypto/hex";

const last = <T>(list: readonly T[]): T => {
  const found = list[list.length - 1];
  if (found === undefined) throw new Error("empty");
  return found;
};

/** A newcomer whom the log admits, waiting for a Welcome. */
async function newcomer(cast: Cast): Promise<Client> {
  const { world, lee } = cast;
  append(world, lee.person, "admit", admissionOf(cast.ghost.person));
  for (const client of [lee, cast.mallory]) await pull(world, client);
  return cast.ghost;
}

type Options = Parameters<typeof rawCommit>[1];
/** Mallory welcomes the newcomer with a changed client. */
async function mallorysWelcome(
  cast: Cast,
  joiner: Client,
  options: Options = {},
  alsoAdds: Uint8Array[] = [],
) {
  const { world, mallory } = cast;
  const own = joiner.packages[0] ?? new Uint8Array();
  const made = await rawCommit(attackerOf(world, mallory), {
    extraProposals: [add(own), ...alsoAdds.map(add)],
    authenticatedData: headerOf(world),
    ...options,
  });
  return welcomeEvent(world, made.welcome ?? new Uint8Array(), world.feed.length, 9);
}

const joins = (client: Client, event: Parameters<typeof join>[1]): Promise<Verdict> =>
  tried(async () => {
    await join(client, event);
    if (client.core.book.get(toHex(event.room_id))?.group === null) throw new Error("not in");
  });

/** A group of Mallory's own, with whatever extensions, into which she welcomes the newcomer. */
async function otherGroup(cast: Cast, joiner: Client, groupId: Uint8Array, extensions: never[] | object[]) {
  const { world, mallory } = cast;
  const [record] = await listKeyPackages(mallory.core);
  if (record === undefined) throw new Error("no key package");
  const deviceKey = { seed: mallory.person.device.seed, publicKey: mallory.person.device.publicKey };
  const own = decodeKeyPackage(record.bytes);
  const state = bare(
    await mlsCreateGroup(
      groupId,
      own,
      privatePart(record, deviceKey),
      extensions as never[],
      suite,
      defaultClientConfig,
    ),
  );
  const made = await rawCommit(
    { ...attackerOf(world, mallory), state },
    { extraProposals: [add(joiner.packages[0] ?? new Uint8Array())], authenticatedData: headerOf(world) },
  );
  return welcomeEvent(world, made.welcome ?? new Uint8Array(), world.feed.length, 9);
}

function inviteBy(cast: Cast, inviter: Client, key: KeyPair) {
  const { community } = cast.world;
  const at = tick(cast.world);
  const body = {
    invite_key: key.publicKey,
    inviter: { account_id: inviter.person.accountId, device_id: inviter.person.deviceId },
    role: "member",
    room_id: null,
    expires_at: at + 86_400_000,
  } as const;
  return signStatement("InviteCertificate", body, community.root.publicKey, inviter.person.device.seed);
}

export const WELCOME_SCENARIOS: readonly Scenario[] = [
  {
    name: "the server serves a Welcome of a private group under the room's name",
    by: "server",
    guard: "a Welcome is for the room that the log names",
    expect: "wrong-group",
    attack: async () => {
      const cast = await newRoom();
      const joiner = await newcomer(cast);
      return joins(joiner, await otherGroup(cast, joiner, newId(), []));
    },
  },
  {
    name: "a Welcome into a tree with a ghost in it",
    by: "member",
    guard: "a Welcome brings in right leaves alone",
    expect: "leaf-not-allowed",
    attack: async () => {
      const cast = await newRoom();
      const joiner = await newcomer(cast);
      const person = newPerson(cast.world.community, "Nobody", cast.world.now);
      const nobody = await newClient(cast.world, person);
      const event = await mallorysWelcome(cast, joiner, {}, [nobody.packages[0] ?? new Uint8Array()]);
      return joins(joiner, event);
    },
  },
  {
    name: "a Welcome that carries a key for external commits",
    by: "member",
    guard: "a Welcome carries the tree and nothing else",
    expect: "group-info-extensions",
    attack: async () => {
      const cast = await newRoom();
      const joiner = await newcomer(cast);
      const groupInfoExtensions = [
        { extensionType: "external_pub" as const, extensionData: new Uint8Array(32) },
      ];
      return joins(joiner, await mallorysWelcome(cast, joiner, { groupInfoExtensions }));
    },
  },
  {
    name: "a group whose context lets in commands from outside",
    by: "member",
    guard: "a group has no extensions",
    expect: "group-extensions",
    attack: async () => {
      const cast = await newRoom();
      const joiner = await newcomer(cast);
      const senders = { extensionType: "external_senders", extensionData: externalSender(cast) };
      return joins(joiner, await otherGroup(cast, joiner, cast.world.room.groupId, [senders]));
    },
  },
  {
    name: "an old Welcome is served again, to lead a member back to keys that were used",
    by: "server",
    guard: "a Welcome never leads back",
    expect: "old-epoch",
    attack: async () => {
      const cast = await newRoom();
      const { world, lee } = cast;
      const joiner = await newcomer(cast);
      // The server serves the last-resort package, which opens more than one Welcome for a day.
      const packages = (await listKeyPackages(joiner.core)).filter((record) => record.lastResort);
      joiner.packages.splice(0, joiner.packages.length, last(packages).bytes);
      const [event] = await commitHonestly(world, lee, { adds: [joiner] });
      if (event === undefined) throw new Error("no Welcome");
      await join(joiner, event);
      await commitHonestly(world, lee);
      await pull(world, joiner);
      const before = epochIn(world, joiner);
      const again = welcomeEvent(world, event.welcome, world.feed.length, 99);
      const verdict = await tried(() => join(joiner, again));
      if (epochIn(world, joiner) < before) return { harm: true, how: "led back" };
      return { harm: false, how: verdict.how };
    },
  },
  {
    name: "a key package is used twice: its Welcome opens again",
    by: "server",
    guard: "a key package opens one Welcome",
    expect: "no-key-package",
    attack: async () => {
      const cast = await newRoom();
      const { world, lee } = cast;
      const joiner = await newcomer(cast);
      const oneTime = (await listKeyPackages(joiner.core)).filter((record) => !record.lastResort);
      joiner.packages.splice(0, joiner.packages.length, last(oneTime).bytes);
      const [event] = await commitHonestly(world, lee, { adds: [joiner] });
      if (event === undefined) throw new Error("no Welcome");
      await join(joiner, event);
      await commitHonestly(world, lee);
      await pull(world, joiner);
      return tried(() => join(joiner, welcomeEvent(world, event.welcome, world.feed.length, 99)));
    },
  },
  {
    name: "someone without a role invites",
    by: "member",
    guard: "only stewards and leaders invite",
    expect: "log.no_power",
    attack: async () => {
      const cast = await newRoom();
      const { world, mallory } = cast;
      const key = newSigningKey();
      const { community } = world;
      const { person } = mallory;
      // Once a leader: known to the community, and in office no more.
      const state = {
        ...community.state,
        identityKeys: new Map(community.state.identityKeys).set(
          toHex(person.accountId),
          person.identity.publicKey,
        ),
      };
      const invite = inviteBy(cast, mallory, key);
      return tried(() => readInvite(state, community.accounts, invite, key.publicKey, world.now));
    },
  },
  {
    name: "the server swaps the identity key of someone who signs up",
    by: "server",
    guard: "an acceptance names the identity that was signed up",
    expect: "log.bad_entry",
    attack: async () => {
      const { world, ghost } = await newRoom();
      const invite = newSigningKey();
      const { person } = ghost;
      const body = {
        account_id: person.accountId,
        identity_key: person.identity.publicKey,
        invite_key: invite.publicKey,
      };
      const root = world.community.root.publicKey;
      const acceptance = signStatement("InviteAcceptance", body, root, invite.seed);
      const swapped = newPerson(world.community, "Ghost", world.now);
      return tried(() => readAcceptance(root, acceptance, { ...swapped.state, accountId: person.accountId }));
    },
  },
  {
    name: "the server accepts an invite that it does not hold",
    by: "server",
    guard: "an acceptance is signed by the invite's key",
    expect: "log.bad_signature",
    attack: async () => {
      const { world, ghost } = await newRoom();
      const { person } = ghost;
      const body = {
        account_id: person.accountId,
        identity_key: person.identity.publicKey,
        invite_key: newSigningKey().publicKey,
      };
      const root = world.community.root.publicKey;
      const acceptance = signStatement("InviteAcceptance", body, root, newSigningKey().seed);
      return tried(() => readAcceptance(root, acceptance, person.state));
    },
  },
];

/** RFC 9420 §12.1.8.1: one sender from outside, with Mallory's credential. */
function externalSender({ mallory }: Cast): Uint8Array {
  const identity = decodeKeyPackage(mallory.packages[0] ?? new Uint8Array()).leafNode.credential;
  if (identity.credentialType !== "basic") throw new Error("credential");
  const { length } = identity.identity;
  const prefix = length < 64 ? [length] : [0x40 | (length >> 8), length & 0xff];
  const key = mallory.person.device.publicKey;
  return Uint8Array.from([32, ...key, 0, 1, ...prefix, ...identity.identity]);
}
