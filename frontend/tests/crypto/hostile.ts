/**
 * Members with a changed client: they use ts-mls without our rules, or sign what ts-mls would never write. Nothing here
 * is reachable from src.
 */
import { defaultClientConfig } from "ts-mls/clientConfig.js";
import type { ClientState } from "ts-mls/clientState.js";
import type { Commit } from "ts-mls/commit.js";
import { createCommit, type CreateCommitOptions } from "ts-mls/createCommit.js";
import type { CiphersuiteImpl } from "ts-mls/crypto/ciphersuite.js";
import type { PublicKey } from "ts-mls/crypto/hpke.js";
import { createContentCommitSignature } from "ts-mls/framedContent.js";
import { signKeyPackage, type KeyPackage } from "ts-mls/keyPackage.js";
import { signLeafNodeKeyPackage, type LeafNodeKeyPackage } from "ts-mls/leafNode.js";
import { protect } from "ts-mls/messageProtection.js";
import { processPrivateMessage } from "ts-mls/processMessages.js";
import type { Proposal } from "ts-mls/proposal.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import type { GroupState } from "../../src/crypto/groupState";
import { ownLeafIndex } from "../../src/crypto/groupState";
import { mlsPadding } from "../../src/crypto/padding";
import { suite } from "../../src/crypto/provider";
import {
  decodeKeyPackage,
  decodePrivateMessage,
  encodeKeyPackage,
  encodePrivateMessage,
  encodeWelcome,
} from "../../src/crypto/wire";
import { NO_DATA, stateOf, type Person } from "./people";

/** ts-mls as it comes: accepts every leaf, keeps what it may keep. */
export const unguarded = (state: GroupState): ClientState => ({
  ...state,
  clientConfig: defaultClientConfig,
});

/** A commit by ts-mls itself, with whatever proposals, state and provider the attacker likes. */
export async function rawCommit(
  attacker: Person,
  options: CreateCommitOptions,
  change: { state?: GroupState; suite?: CiphersuiteImpl } = {},
): Promise<{ commit: Uint8Array; welcome: Uint8Array | null; newState: ClientState }> {
  const made = await createCommit(
    {
      state: unguarded(change.state ?? stateOf(attacker)),
      pskIndex: emptyPskIndex,
      cipherSuite: change.suite ?? suite,
    },
    { ratchetTreeExtension: true, ...options },
  );
  if (made.commit.wireformat !== "mls_private_message") throw new Error("not private");
  return {
    commit: encodePrivateMessage(made.commit.privateMessage),
    welcome: made.welcome === undefined ? null : encodeWelcome(made.welcome),
    newState: made.newState,
  };
}

/** A victim without our rules: what ts-mls alone makes of the bytes. */
export async function rawReceive(victim: Person, bytes: Uint8Array): Promise<ClientState> {
  const state = unguarded(stateOf(victim));
  return (await processPrivateMessage(state, decodePrivateMessage(bytes), emptyPskIndex, suite)).newState;
}

/** Any commit content at all, rightly signed and encrypted by the attacker; the confirmation tag is made up. */
export async function forgeCommit(attacker: Person, content: Commit): Promise<Uint8Array> {
  const state = stateOf(attacker);
  const leafIndex = ownLeafIndex(state);
  const { framedContent, signature } = await createContentCommitSignature(
    state.groupContext,
    "mls_private_message",
    content,
    { senderType: "member", leafIndex },
    NO_DATA,
    state.signaturePrivateKey,
    suite.signature,
  );
  const auth = { contentType: "commit" as const, signature, confirmationTag: new Uint8Array(32) };
  const { privateMessage } = await protect(
    state.keySchedule.senderDataSecret,
    NO_DATA,
    state.groupContext,
    state.secretTree,
    { ...framedContent, auth },
    leafIndex,
    mlsPadding(0),
    suite,
  );
  return encodePrivateMessage(privateMessage);
}

export const forgeProposal = (attacker: Person, proposal: Proposal): Promise<Uint8Array> =>
  forgeCommit(attacker, { proposals: [{ proposalOrRefType: "proposal", proposal }], path: undefined });

export const add = (bytes: Uint8Array): Proposal => ({
  proposalType: "add",
  add: { keyPackage: decodeKeyPackage(bytes) },
});

/** A key package of `owner` with a changed leaf, both signatures right. */
export async function changedKeyPackage(
  owner: Person,
  change: Partial<LeafNodeKeyPackage>,
  outer: Partial<KeyPackage> = {},
): Promise<Uint8Array> {
  const original = decodeKeyPackage(owner.keyPackage.bytes);
  const { seed } = owner.deviceKey;
  const leafNode = await signLeafNodeKeyPackage({ ...original.leafNode, ...change }, seed, suite.signature);
  return encodeKeyPackage(await signKeyPackage({ ...original, ...outer, leafNode }, seed, suite.signature));
}

/** The attacker's own leaf as it would like it to be: ts-mls copies it into the next path. */
export function withOwnLeaf(state: GroupState, change: Partial<LeafNodeKeyPackage>): GroupState {
  const tree = state.ratchetTree.slice();
  const index = ownLeafIndex(state) * 2;
  const node = tree[index];
  if (node?.nodeType !== "leaf") throw new Error("no own leaf");
  tree[index] = { nodeType: "leaf", leaf: { ...node.leaf, ...change } as typeof node.leaf };
  return { ...state, ratchetTree: tree };
}

/** A provider that gives out other public keys for the parents on the path than the path secrets lead to. */
export function falseParentKeys(): CiphersuiteImpl {
  const derived: PublicKey[] = [];
  const deriveKeyPair = async (ikm: Uint8Array) => {
    const pair = await suite.hpke.deriveKeyPair(ikm);
    derived.push(pair.publicKey);
    return pair;
  };
  const exportPublicKey = async (handle: PublicKey) => {
    if (derived.indexOf(handle) < 1) return suite.hpke.exportPublicKey(handle);
    return suite.hpke.exportPublicKey((await suite.hpke.generateKeyPair()).publicKey);
  };
  return { ...suite, hpke: { ...suite.hpke, deriveKeyPair, exportPublicKey } };
}
