/**
 * MLS (RFC 9420) as a few pure functions over ts-mls 1.6.4: state in, new state out, and what must be wiped has a name.
 *
 * Deliberately absent: who may be in a room and who may change it (groupRules.ts, which everything outside this
 * directory calls), storing, sending, and any memory between calls. `accept` has no default: ts-mls's own
 * authentication service accepts everyone (trap 4).
 *
 * Order: the server gives each room one total order of messages and commits, so a message of epoch N never follows
 * the commit that ends it. Keys of past generations and epochs are therefore never kept (traps 1 and 2).
 *
 * A caller stores the new state, then acts on it, and only then zeroes `wipe`; for an own commit only after the server
 * took it, since zeroing after a lost race destroys the state that is still needed (trap 7).
 */
import {
  createGroup as mlsCreateGroup,
  joinGroupWithExtensions,
  type ClientState,
} from "ts-mls/clientState.js";
import { createCommit } from "ts-mls/createCommit.js";
import { createApplicationMessage } from "ts-mls/createMessage.js";
import type { ClientConfig } from "ts-mls/clientConfig.js";
import { encode } from "ts-mls/codec/tlsEncoder.js";
import type { Commit } from "ts-mls/commit.js";
import type { Extension } from "ts-mls/extension.js";
import { framedContentTBSEncoder, toTbs } from "ts-mls/framedContent.js";
import { defaultKeyPackageEqualityConfig } from "ts-mls/keyPackageEqualityConfig.js";
import { makeKeyPackageRef } from "ts-mls/keyPackage.js";
import type { KeyRetentionConfig } from "ts-mls/keyRetentionConfig.js";
import { protect, unprotectPrivateMessage, type UnprotectResult } from "ts-mls/messageProtection.js";
import {
  decryptSenderData,
  privateMessageContentEncoder,
  type PrivateMessage,
  type PrivateMessageContent,
} from "ts-mls/privateMessage.js";
import { processPrivateMessage } from "ts-mls/processMessages.js";
import type { Proposal } from "ts-mls/proposal.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import type { SenderData } from "ts-mls/sender.js";
import { decryptGroupInfo, decryptGroupSecrets } from "ts-mls/welcome.js";
import { concatBytes, equalBytes, utf8 } from "./bytes";
import { bare, leafAt, ownLeafIndex, type GroupState, type Leaf } from "./groupState";
import { privatePart, MAX_LIFETIME_S, type DeviceKey, type OwnKeyPackage } from "./keyPackage";
import { bucketFor, bucketForPlaintext, padTo } from "./padding";
import { suite } from "./provider";
import { Refusal, refuse, type RefusalCode } from "./refusal";
import { checkPrivateKeys, withoutBlankKeys } from "./treeKeys";
import { secretsOf, secretsOnlyIn } from "./wipe";
import {
  decodeKeyPackage,
  decodePrivateMessage,
  decodeWelcome,
  encodePrivateMessage,
  encodeWelcome,
} from "./wire";

/** Says whether this leaf may be in the group. Asked for every leaf on joining, every added leaf, every path. */
export type AcceptLeaf = (identity: Uint8Array, signatureKey: Uint8Array) => boolean;

/** 5000 steps take about 0.3 s (trap 8); a device rotates its keys after 1000 messages, so 5000 is never needed. */
export const FORWARD_RATCHET_LIMIT = 5000;

const RETENTION: KeyRetentionConfig = {
  retainKeysForGenerations: 0, // trap 1
  retainKeysForEpochs: 1, // trap 2: 0 would keep every epoch; `leaveEpoch` empties the one
  maximumForwardRatchetSteps: FORWARD_RATCHET_LIMIT,
};

const SMALLEST_PADDING = padTo(256);

function config(accept: AcceptLeaf, paddingConfig = SMALLEST_PADDING): ClientConfig {
  return {
    keyRetentionConfig: RETENTION,
    // Lifetimes on receipt are judged against the commit's time in groupRules.ts: ts-mls would take the reader's clock,
    // and a device that was off for a month must still be able to read the commits of that month.
    lifetimeConfig: { maximumTotalLifetime: BigInt(MAX_LIFETIME_S), validateLifetimeOnReceive: false },
    keyPackageEqualityConfig: defaultKeyPackageEqualityConfig,
    paddingConfig,
    authService: {
      validateCredential: async (credential, signatureKey) =>
        credential.credentialType === "basic" && accept(credential.identity, signatureKey),
    },
  };
}

const nobody: AcceptLeaf = () => false;

/** ts-mls throws its own errors, and plain ones on malformed input: all become one refusal with a code. */
async function refusingWith<T>(code: RefusalCode, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal) throw error;
    return refuse(code, error instanceof Error ? error.message : undefined);
  }
}

/** Trap 5: ts-mls would slip pending proposals into the next commit. Ours never holds any; a stored state might. */
function checkUsable(state: GroupState): void {
  if (state.groupActiveState.kind !== "active") refuse("not-active");
  if (Object.keys(state.unappliedProposals).length !== 0) refuse("pending-proposals");
}

/** Trap 2: the epoch that was left is not kept, and everything that only it knew is named for wiping. */
function leaveEpoch(
  old: GroupState,
  next: ClientState,
  consumed: Uint8Array[],
): { newState: GroupState; wipe: Uint8Array[] } {
  const newState: GroupState = {
    ...bare(next),
    privatePath: withoutBlankKeys(next.privatePath, next.ratchetTree),
    historicalReceiverData: new Map(),
  };
  const kept = new Set([...secretsOf(newState), newState.signaturePrivateKey]);
  return {
    newState,
    wipe: [...secretsOnlyIn(old, newState), ...consumed.filter((secret) => !kept.has(secret))],
  };
}

/** RFC 9420 §11. The creator is alone, at epoch 0, on leaf 0. */
export async function createGroup(make: {
  groupId: Uint8Array;
  keyPackage: OwnKeyPackage;
  deviceKey: DeviceKey;
}): Promise<{ newState: GroupState; wipe: Uint8Array[] }> {
  const keyPackage = decodeKeyPackage(make.keyPackage.bytes);
  const secrets = privatePart(make.keyPackage, make.deviceKey);
  const state = await mlsCreateGroup(make.groupId, keyPackage, secrets, [], suite, config(nobody));
  return { newState: bare(state), wipe: [make.keyPackage.initPrivateKey] };
}

export type CommitMade = {
  newState: GroupState;
  commit: Uint8Array;
  welcome: Uint8Array | null;
  /** What every receiver will see of it, so that our own commits pass the rules before they are sent. */
  opened: OpenedCommit;
  /** Zero only after the server accepted the commit. On a lost race zero `secretsOnlyIn(newState, state)` instead. */
  wipe: Uint8Array[];
};

/** RFC 9420 §12.4.1. Neither adds nor removes: a bare path, which heals this leaf. */
export async function commit(make: {
  state: GroupState;
  adds?: readonly Uint8Array[];
  removes?: readonly number[];
  authenticatedData: Uint8Array;
  accept: AcceptLeaf;
}): Promise<CommitMade> {
  const { state } = make;
  checkUsable(state);
  const proposals: Proposal[] = [
    ...(make.removes ?? []).map((removed): Proposal => ({ proposalType: "remove", remove: { removed } })),
    ...(make.adds ?? []).map((bytes): Proposal => ({
      proposalType: "add",
      add: { keyPackage: decodeKeyPackage(bytes) },
    })),
  ];
  return refusingWith("invalid-commit", async () => {
    const made = await createCommit(
      { state: { ...state, clientConfig: config(make.accept) }, pskIndex: emptyPskIndex, cipherSuite: suite },
      { extraProposals: proposals, ratchetTreeExtension: true, authenticatedData: make.authenticatedData },
    );
    if (made.commit.wireformat !== "mls_private_message") return refuse("malformed");
    const { privateMessage, opened, consumed } = await repad(state, made.commit.privateMessage);
    return {
      ...leaveEpoch(state, made.newState, [...made.consumed, ...consumed]),
      commit: encodePrivateMessage(privateMessage),
      welcome: made.welcome === undefined ? null : encodeWelcome(made.welcome),
      opened,
    };
  });
}

/**
 * ts-mls pads to one length that is set beforehand, but a commit's length is known only once it is made. So it is
 * opened (which also proves that it can be) and protected again, with the same generation's key and a fresh reuse
 * guard; the first ciphertext is never sent. The padding is outside what is signed and hashed (RFC 9420 §6.3.1).
 */
async function repad(state: GroupState, first: PrivateMessage) {
  const unprotected = await unprotect(state, first);
  const content = privateContent(unprotected);
  const [length] = privateMessageContentEncoder({ kind: "alwaysPad", paddingLength: 0 })(content);
  const again = await protect(
    state.keySchedule.senderDataSecret,
    first.authenticatedData,
    state.groupContext,
    state.secretTree,
    content,
    ownLeafIndex(state),
    padTo(bucketFor(length)),
    suite,
  );
  const opened = openedCommit(state, ownLeafIndex(state), unprotected, again.privateMessage);
  return {
    privateMessage: again.privateMessage,
    opened,
    consumed: [...unprotected.consumed, ...again.consumed],
  };
}

function privateContent({ content }: UnprotectResult): PrivateMessageContent {
  if (content.content.contentType !== "commit" || content.auth.contentType !== "commit")
    return refuse("not-a-commit");
  return { ...content.content, auth: content.auth };
}

export type Joined = {
  newState: GroupState;
  /** The leaf of the member whose commit added us. */
  signer: number;
  groupInfoExtensions: Extension[];
  /** The init key, which opened this Welcome and must not open another. */
  wipe: Uint8Array[];
};

/** RFC 9420 §12.4.3.1. */
export async function joinFromWelcome(join: {
  welcome: Uint8Array;
  keyPackage: OwnKeyPackage;
  deviceKey: DeviceKey;
  accept: AcceptLeaf;
}): Promise<Joined> {
  const welcome = decodeWelcome(join.welcome);
  const keyPackage = decodeKeyPackage(join.keyPackage.bytes);
  const ref = await makeKeyPackageRef(keyPackage, suite.hash);
  if (!welcome.secrets.some((secret) => equalBytes(secret.newMember, ref))) refuse("no-key-package");
  return refusingWith("invalid-welcome", async () => {
    // Opened once more than ts-mls would, since it does not say who signed the group info.
    const initKey = await suite.hpke.importPrivateKey(join.keyPackage.initPrivateKey);
    const secrets = await decryptGroupSecrets(initKey, ref, welcome, suite.hpke);
    if (secrets === undefined || secrets.psks.length > 0) return refuse("invalid-welcome", "pre-shared keys");
    const noPsk = new Uint8Array(suite.kdf.size);
    const groupInfo = await decryptGroupInfo(welcome, secrets.joinerSecret, noPsk, suite);
    secrets.joinerSecret.fill(0);
    secrets.pathSecret?.fill(0);
    if (groupInfo === undefined) return refuse("invalid-welcome", "group info");
    const privateKeys = privatePart(join.keyPackage, join.deviceKey);
    const settings = config(join.accept);
    const [state, groupInfoExtensions] = await joinGroupWithExtensions(
      welcome,
      keyPackage,
      privateKeys,
      emptyPskIndex,
      suite,
      undefined,
      undefined,
      settings,
    );
    const newState = bare(state);
    checkPrivateKeys(newState);
    return {
      newState,
      signer: groupInfo.signer,
      groupInfoExtensions,
      wipe: [join.keyPackage.initPrivateKey],
    };
  });
}

export type Sealed = { newState: GroupState; message: Uint8Array; wipe: Uint8Array[] };

/** RFC 9420 §6.3. The sender keeps the plaintext: its own message cannot be opened again. */
export async function sealMessage(seal: {
  state: GroupState;
  plaintext: Uint8Array;
  authenticatedData: Uint8Array;
}): Promise<Sealed> {
  checkUsable(seal.state);
  const padding = padTo(bucketForPlaintext(seal.plaintext.length));
  const state: ClientState = { ...seal.state, clientConfig: config(nobody, padding) };
  const made = await createApplicationMessage(state, seal.plaintext, suite, seal.authenticatedData);
  return {
    newState: bare(made.newState),
    message: encodePrivateMessage(made.privateMessage),
    wipe: made.consumed,
  };
}

/** The exact bytes under an Ed25519 signature, for a report: anyone with the leaf's key can check them. */
export type SignedContent = { bytes: Uint8Array; signature: Uint8Array };

export type OpenedMessage = {
  kind: "message";
  sender: Leaf;
  epoch: bigint;
  authenticatedData: Uint8Array;
  plaintext: Uint8Array;
  signed: SignedContent;
  newState: GroupState;
  wipe: Uint8Array[];
};

/** A commit whose signature holds, not yet applied: nothing of the state has changed. */
export type OpenedCommit = {
  kind: "commit";
  sender: Leaf;
  epoch: bigint;
  authenticatedData: Uint8Array;
  content: Commit;
  signed: SignedContent;
  /** For applyCommit. */
  privateMessage: PrivateMessage;
};

/**
 * RFC 9420 §6.3.2. Decrypts and checks the signature; the sender comes from the decrypted sender data (trap 3). The
 * state that is passed in stays as it was, whatever happens.
 */
export async function openPrivateMessage(
  state: GroupState,
  bytes: Uint8Array,
): Promise<OpenedMessage | OpenedCommit> {
  checkUsable(state);
  const message = decodePrivateMessage(bytes);
  // ts-mls compares neither of these for messages.
  if (!equalBytes(message.groupId, state.groupContext.groupId)) refuse("wrong-group");
  if (message.epoch < state.groupContext.epoch) refuse("old-epoch");
  if (message.epoch > state.groupContext.epoch) refuse("future-epoch");
  if (message.contentType === "proposal") refuse("proposal-alone");
  const senderData = await openSenderData(state, message);
  checkGeneration(state, message, senderData);
  const unprotected = await unprotect(state, message);
  if (message.contentType === "commit")
    return openedCommit(state, senderData.leafIndex, unprotected, message);
  const { content } = unprotected.content;
  if (content.contentType !== "application") return refuse("not-a-message");
  return {
    kind: "message",
    sender: senderAt(state, senderData.leafIndex),
    epoch: message.epoch,
    authenticatedData: message.authenticatedData,
    plaintext: content.applicationData,
    signed: signedContent(state, unprotected),
    newState: { ...state, secretTree: unprotected.tree },
    wipe: unprotected.consumed,
  };
}

async function openSenderData(state: GroupState, message: PrivateMessage): Promise<SenderData> {
  const senderData = await refusingWith("undecipherable", () =>
    decryptSenderData(message, state.keySchedule.senderDataSecret, suite),
  );
  if (senderData === undefined) return refuse("undecipherable");
  if (senderData.leafIndex === ownLeafIndex(state)) refuse("own-message");
  return senderData;
}

function checkGeneration(
  state: GroupState,
  message: PrivateMessage,
  { leafIndex, generation }: SenderData,
): void {
  const node = state.secretTree[leafIndex * 2];
  if (node === undefined) return refuse("undecipherable");
  const ratchet = message.contentType === "application" ? node.application : node.handshake;
  if (generation < ratchet.generation) refuse("replayed");
  if (generation - ratchet.generation > FORWARD_RATCHET_LIMIT) refuse("too-many-skipped");
}

function unprotect(state: GroupState, message: PrivateMessage): Promise<UnprotectResult> {
  const { keySchedule, secretTree, ratchetTree, groupContext } = state;
  return refusingWith("undecipherable", () =>
    unprotectPrivateMessage(
      keySchedule.senderDataSecret,
      message,
      secretTree,
      ratchetTree,
      groupContext,
      RETENTION,
      suite,
    ),
  );
}

function senderAt(state: GroupState, leafIndex: number): Leaf {
  return leafAt(state, leafIndex) ?? refuse("undecipherable", "blank sender");
}

function openedCommit(
  state: GroupState,
  leafIndex: number,
  unprotected: UnprotectResult,
  privateMessage: PrivateMessage,
): OpenedCommit {
  const { content } = unprotected.content;
  if (content.contentType !== "commit") return refuse("not-a-commit");
  return {
    kind: "commit",
    sender: senderAt(state, leafIndex),
    epoch: content.epoch,
    authenticatedData: content.authenticatedData,
    content: content.commit,
    signed: signedContent(state, unprotected),
    privateMessage,
  };
}

/** RFC 9420 §5.1.2: SignContent of "MLS 1.0 FramedContentTBS". */
function signedContent(state: GroupState, { content: { content, auth } }: UnprotectResult): SignedContent {
  const tbs = toTbs(content, "mls_private_message", state.groupContext);
  const body = encode(framedContentTBSEncoder)(tbs);
  const label = utf8("MLS 1.0 FramedContentTBS");
  return {
    bytes: concatBytes(lengthPrefix(label.length), label, lengthPrefix(body.length), body),
    signature: auth.signature,
  };
}

/** RFC 9420 §2.1.2. */
function lengthPrefix(length: number): Uint8Array {
  if (length < 0x40) return Uint8Array.of(length);
  if (length < 0x4000) return Uint8Array.of(0x40 | (length >> 8), length & 0xff);
  return Uint8Array.of(0x80 | (length >> 24), (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff);
}

export type Applied =
  | { kind: "new-epoch"; newState: GroupState; wipe: Uint8Array[] }
  /** This leaf was removed: there is no new state, and nothing of the old one may be kept. */
  | { kind: "removed"; wipe: Uint8Array[] };

/** RFC 9420 §12.4.2. Refusing leaves the state that was passed in as it was. */
export async function applyCommit(apply: {
  state: GroupState;
  opened: OpenedCommit;
  accept: AcceptLeaf;
}): Promise<Applied> {
  const { state, opened } = apply;
  checkUsable(state);
  const result = await refusingWith("invalid-commit", () =>
    processPrivateMessage(
      { ...state, clientConfig: config(apply.accept) },
      opened.privateMessage,
      emptyPskIndex,
      suite,
    ),
  );
  if (result.kind !== "newState") return refuse("not-a-commit");
  if (result.newState.groupActiveState.kind === "removedFromGroup") {
    return { kind: "removed", wipe: [...secretsOf(state), ...result.consumed] };
  }
  const { newState, wipe } = leaveEpoch(state, result.newState, result.consumed);
  checkPrivateKeys(newState, state);
  return { kind: "new-epoch", newState, wipe };
}
