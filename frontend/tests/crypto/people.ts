/** People for the tests: each has a device key, a state once in a room, and a way to read what the server orders. */
import { ed25519 } from "@noble/curves/ed25519.js";
import { equalBytes, utf8 } from "../../src/crypto/bytes";
import type { Authority, Change } from "../../src/crypto/groupRules";
import { membersOf, type GroupState } from "../../src/crypto/groupState";
import { generateKeyPackage, type DeviceKey, type OwnKeyPackage } from "../../src/crypto/keyPackage";
import {
  applyCommit,
  commit,
  createGroup,
  joinFromWelcome,
  sealMessage,
  type CommitMade,
} from "../../src/crypto/mls";
import type { AcceptLeaf } from "../../src/crypto/mlsConfig";
import { openPrivateMessage } from "../../src/crypto/openMessage";

export const NOW = Math.floor(Date.now() / 1000);
export const GROUP_ID = utf8("room-1");
export const everyone: AcceptLeaf = () => true;
export const NO_DATA = new Uint8Array(0);

export type Person = {
  name: string;
  deviceKey: DeviceKey;
  keyPackage: OwnKeyPackage;
  state: GroupState | null;
};

export function newDeviceKey(): DeviceKey {
  const seed = ed25519.utils.randomSecretKey();
  return { seed, publicKey: ed25519.getPublicKey(seed) };
}

export async function newPerson(name: string): Promise<Person> {
  const deviceKey = newDeviceKey();
  const keyPackage = await generateKeyPackage({ identity: utf8(name), deviceKey, now: NOW });
  return { name, deviceKey, keyPackage, state: null };
}

export function stateOf(person: Person): GroupState {
  if (person.state === null) throw new Error(`${person.name} is in no room`);
  return person.state;
}

/** A room below the group rules: everyone is accepted. The first name creates it and adds the others. */
export async function newRoom(...names: string[]): Promise<Person[]> {
  const [creator, ...others] = await Promise.all(names.map(newPerson));
  if (creator === undefined) throw new Error("a room needs a creator");
  const { keyPackage, deviceKey } = creator;
  creator.state = (await createGroup({ groupId: GROUP_ID, keyPackage, deviceKey })).newState;
  if (others.length > 0) await addAll(creator, others, []);
  return [creator, ...others];
}

/** The committer adds; the others, who are in the room already, apply. */
export async function addAll(committer: Person, joiners: Person[], present: Person[]): Promise<CommitMade> {
  const made = await commit({
    state: stateOf(committer),
    adds: joiners.map(({ keyPackage }) => keyPackage.bytes),
    authenticatedData: NO_DATA,
    accept: everyone,
  });
  committer.state = made.newState;
  for (const person of present) await receiveCommit(person, made.commit);
  for (const joiner of joiners) {
    if (made.welcome === null) throw new Error("no Welcome");
    const { keyPackage, deviceKey } = joiner;
    const joined = await joinFromWelcome({ welcome: made.welcome, keyPackage, deviceKey, accept: everyone });
    joiner.state = joined.newState;
  }
  return made;
}

export async function receiveCommit(person: Person, bytes: Uint8Array): Promise<void> {
  const opened = await openPrivateMessage(stateOf(person), bytes);
  if (opened.kind !== "commit") throw new Error("not a commit");
  const applied = await applyCommit({ state: stateOf(person), opened, accept: everyone });
  person.state = applied.kind === "new-epoch" ? applied.newState : null;
}

export async function say(person: Person, text: string): Promise<Uint8Array> {
  const sealed = await sealMessage({
    state: stateOf(person),
    plaintext: utf8(text),
    authenticatedData: NO_DATA,
  });
  person.state = sealed.newState;
  return sealed.message;
}

export async function hear(person: Person, bytes: Uint8Array): Promise<string> {
  const opened = await openPrivateMessage(stateOf(person), bytes);
  if (opened.kind !== "message") throw new Error("not a message");
  person.state = opened.newState;
  return new TextDecoder().decode(opened.plaintext);
}

export const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
export const names = (person: Person) => membersOf(stateOf(person)).map(({ identity }) => text(identity));

export type Rules = { admitted?: Person[]; removable?: Person[]; mayCommit?: (change: Change) => boolean };

/** The signed logs, as far as these tests need them: who is admitted, who may be removed, who may commit. */
export function authorityOf({ admitted = [], removable = [], mayCommit = () => true }: Rules): Authority {
  const among = (people: Person[]) => (identity: Uint8Array, signatureKey: Uint8Array) =>
    people.some(
      ({ name, deviceKey }) => name === text(identity) && equalBytes(deviceKey.publicKey, signatureKey),
    );
  return { leafAllowed: among(admitted), removeAllowed: among(removable), committerMay: mayCommit };
}
