/**
 * Many members on our core below the group rules, driven by JSON lines on standard input; one answer a line on standard output.
 * tests/interop/ lets them meet an independent implementation. That one sends its commits as public messages and knows no
 * authenticated data, so these two are read by ts-mls itself here, with our patch and our provider; all else is src/crypto.
 */
import { createInterface } from "node:readline";
import { ed25519 } from "@noble/curves/ed25519.js";
import type { ClientState } from "ts-mls/clientState.js";
import { mlsExporter } from "ts-mls/keySchedule.js";
import { decodeMlsMessage } from "ts-mls/message.js";
import { processPublicMessage } from "ts-mls/processMessages.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import type { PublicMessage } from "ts-mls/publicMessage.js";
import { utf8 } from "../../src/crypto/bytes";
import { bare, leafIndexOf, membersOf, type GroupState } from "../../src/crypto/groupState";
import { generateKeyPackage, type DeviceKey, type OwnKeyPackage } from "../../src/crypto/keyPackage";
import { applyCommit, commit, createGroup, joinFromWelcome, sealMessage } from "../../src/crypto/mls";
import { clientConfig, type AcceptLeaf } from "../../src/crypto/mlsConfig";
import { openPrivateMessage } from "../../src/crypto/openMessage";
import { suite } from "../../src/crypto/provider";
import { checkKeysUnique, checkPrivateKeys } from "../../src/crypto/treeKeys";
import { secretsOnlyIn, wipe } from "../../src/crypto/wipe";

type Member = {
  deviceKey: DeviceKey;
  keyPackage: OwnKeyPackage;
  state: GroupState | null;
  pending: { state: GroupState; wipe: Uint8Array[] } | null;
};
type Ask = {
  do: string;
  who: string;
  bytes?: string;
  text?: string;
  adds?: string[];
  removes?: string[];
};

const everyone: AcceptLeaf = () => true;
const NO_DATA = new Uint8Array(0);
const members = new Map<string, Member>();
const from64 = (text: string | undefined) => Uint8Array.from(Buffer.from(text ?? "", "base64"));
const to64 = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString("base64"));

function memberOf(name: string): Member {
  const member = members.get(name);
  if (member === undefined) throw new Error(`nobody is called ${name}`);
  return member;
}
function stateOf(name: string): GroupState {
  const { state } = memberOf(name);
  if (state === null) throw new Error(`${name} is in no room`);
  return state;
}

async function create(name: string) {
  const seed = ed25519.utils.randomSecretKey();
  const deviceKey = { seed, publicKey: ed25519.getPublicKey(seed) };
  const now = Math.floor(Date.now() / 1000);
  const keyPackage = await generateKeyPackage({ identity: utf8(name), deviceKey, now });
  members.set(name, { deviceKey, keyPackage, state: null, pending: null });
  return { bytes: to64(keyPackage.bytes) };
}

async function found(ask: Ask) {
  const { keyPackage, deviceKey } = memberOf(ask.who);
  const made = await createGroup({ groupId: from64(ask.bytes), keyPackage, deviceKey });
  memberOf(ask.who).state = made.newState;
  return {};
}

async function join(ask: Ask) {
  const member = memberOf(ask.who);
  const { keyPackage, deviceKey } = member;
  const welcome = from64(ask.bytes);
  const joined = await joinFromWelcome({ welcome, keyPackage, deviceKey, accept: everyone });
  checkKeysUnique(joined.newState.ratchetTree);
  wipe(joined.wipe);
  member.state = joined.newState;
  return {};
}

function leafOf(state: GroupState, name: string): number {
  const leaf = membersOf(state).find(({ identity }) => Buffer.from(identity).toString() === name);
  const index = leaf === undefined ? undefined : leafIndexOf(state, leaf.signatureKey);
  if (index === undefined) throw new Error(`${name} has no leaf`);
  return index;
}

async function makeCommit(ask: Ask) {
  const state = stateOf(ask.who);
  const made = await commit({
    state,
    adds: (ask.adds ?? []).map(from64),
    removes: (ask.removes ?? []).map((name) => leafOf(state, name)),
    authenticatedData: utf8("heads"),
    accept: everyone,
  });
  memberOf(ask.who).pending = { state: made.newState, wipe: made.wipe };
  return { bytes: to64(made.commit), welcome: to64(made.welcome) };
}

/** The server took the own commit: only now may what it consumed be zeroed (trap 7). */
function won(ask: Ask) {
  const member = memberOf(ask.who);
  if (member.pending === null) throw new Error("nothing pending");
  member.state = member.pending.state;
  wipe(member.pending.wipe);
  member.pending = null;
  return {};
}

/** Another commit came first: the own one is forgotten, and the winner taken in. */
async function receive(ask: Ask) {
  const member = memberOf(ask.who);
  const state = stateOf(ask.who);
  if (member.pending !== null) wipe(secretsOnlyIn(member.pending.state, state));
  member.pending = null;
  const bytes = from64(ask.bytes);
  const decoded = decodeMlsMessage(bytes, 0)?.[0];
  if (decoded?.wireformat === "mls_public_message") {
    member.state = await receivePublic(state, decoded.publicMessage);
    return { removed: member.state === null };
  }
  const opened = await openPrivateMessage(state, bytes);
  if (opened.kind !== "commit") throw new Error("not a commit");
  const applied = await applyCommit({ state, opened, accept: everyone });
  wipe(applied.wipe);
  member.state = applied.kind === "new-epoch" ? applied.newState : null;
  return { removed: member.state === null };
}

async function receivePublic(state: GroupState, message: PublicMessage): Promise<GroupState | null> {
  const full: ClientState = { ...state, clientConfig: clientConfig(everyone) };
  const { newState } = await processPublicMessage(full, message, emptyPskIndex, suite);
  if (newState.groupActiveState.kind !== "active") return null;
  const next = { ...bare(newState), historicalReceiverData: new Map() };
  checkPrivateKeys(next, state);
  checkKeysUnique(next.ratchetTree);
  return next;
}

async function seal(ask: Ask) {
  const sealed = await sealMessage({
    state: stateOf(ask.who),
    plaintext: utf8(ask.text ?? ""),
    authenticatedData: NO_DATA,
  });
  memberOf(ask.who).state = sealed.newState;
  wipe(sealed.wipe);
  return { bytes: to64(sealed.message) };
}

async function open(ask: Ask) {
  const opened = await openPrivateMessage(stateOf(ask.who), from64(ask.bytes));
  if (opened.kind !== "message") throw new Error("not a message");
  memberOf(ask.who).state = opened.newState;
  wipe(opened.wipe);
  const name = Buffer.from(opened.sender.identity).toString();
  return { text: Buffer.from(opened.plaintext).toString(), sender: name };
}

async function look(ask: Ask) {
  const state = stateOf(ask.who);
  const secret = await mlsExporter(
    state.keySchedule.exporterSecret,
    "interop",
    utf8("same epoch"),
    32,
    suite,
  );
  return {
    secret: to64(secret),
    names: membersOf(state).map(({ identity }) => Buffer.from(identity).toString()),
  };
}

const DEEDS: Readonly<Record<string, (ask: Ask) => object | Promise<object>>> = {
  create: (ask) => create(ask.who),
  found,
  join,
  commit: makeCommit,
  won,
  receive,
  seal,
  open,
  look,
};

for await (const line of createInterface({ input: process.stdin })) {
  const ask = JSON.parse(line) as Ask;
  const answer = await Promise.resolve()
    .then(() => (DEEDS[ask.do] ?? (() => Promise.reject(new Error("no such deed"))))(ask))
    .catch((error: unknown) => ({ error: error instanceof Error ? error.message : "failed" }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
