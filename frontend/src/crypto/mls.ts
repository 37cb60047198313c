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
import type { Extension } from "ts-mls/extension.js";
import { makeKeyPackageRef } from "ts-mls/keyPackage.js";
import { protect, type UnprotectResult } from "ts-mls/messageProtection.js";
import {
  privateMessageContentEncoder,
  type PrivateMessage,
  type PrivateMessageContent,
} from "ts-mls/privateMessage.js";
import { processPrivateMessage } from "ts-mls/processMessages.js";
import type { Proposal } from "ts-mls/proposal.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import { decryptGroupInfo, decryptGroupSecrets } from "ts-mls/welcome.js";
import { equalBytes } from "./bytes";
import { bare, ownLeafIndex, type GroupState } from "./groupState";
import { privatePart, type DeviceKey, type OwnKeyPackage } from "./keyPackage";
import { checkUsable, clientConfig, nobody, refusingWith, type AcceptLeaf } from "./mlsConfig";
import { openedCommit, unprotect, type OpenedCommit } from "./openMessage";
import { bucketFor, mlsPadding, pad } from "./padding";
import { suite } from "./provider";
import { refuse } from "./refusal";
import { checkPrivateKeys, withoutBlankKeys } from "./treeKeys";
import { secretsOf, secretsOnlyIn } from "./wipe";
import { decodeKeyPackage, decodeWelcome, encodePrivateMessage, encodeWelcome } from "./wire";

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
  const state = await mlsCreateGroup(make.groupId, keyPackage, secrets, [], suite, clientConfig(nobody));
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
      {
        state: { ...state, clientConfig: clientConfig(make.accept) },
        pskIndex: emptyPskIndex,
        cipherSuite: suite,
      },
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
  const [length] = privateMessageContentEncoder(mlsPadding(0))(content);
  const again = await protect(
    state.keySchedule.senderDataSecret,
    first.authenticatedData,
    state.groupContext,
    state.secretTree,
    content,
    ownLeafIndex(state),
    mlsPadding(bucketFor(length)),
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
    const settings = clientConfig(join.accept);
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
  const padded = pad(seal.plaintext);
  const state: ClientState = { ...seal.state, clientConfig: clientConfig(nobody) };
  const made = await createApplicationMessage(state, padded, suite, seal.authenticatedData);
  return {
    newState: bare(made.newState),
    message: encodePrivateMessage(made.privateMessage),
    wipe: [...made.consumed, padded],
  };
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
  if (removesLeaf(opened, ownLeafIndex(state))) return { kind: "removed", wipe: [...secretsOf(state)] };
  const result = await refusingWith("invalid-commit", () =>
    processPrivateMessage(
      { ...state, clientConfig: clientConfig(apply.accept) },
      opened.privateMessage,
      emptyPskIndex,
      suite,
    ),
  );
  if (result.kind !== "newState") return refuse("not-a-commit");
  if (result.newState.groupActiveState.kind !== "active") refuse("invalid-commit");
  const { newState, wipe } = leaveEpoch(state, result.newState, result.consumed);
  checkPrivateKeys(newState, state);
  return { kind: "new-epoch", newState, wipe };
}

/**
 * ts-mls learns that this leaf was removed from its being blank afterwards, and fails when the same commit adds another
 * device on its place. A removed member cannot check the confirmation tag either way (RFC 9420 §12.4.2); what counts
 * is that the committer signed the removal and that the logs allow it.
 */
function removesLeaf({ content }: OpenedCommit, leafIndex: number): boolean {
  return content.proposals.some(
    (item) =>
      item.proposalOrRefType === "proposal" &&
      item.proposal.proposalType === "remove" &&
      item.proposal.remove.removed === leafIndex,
  );
}
