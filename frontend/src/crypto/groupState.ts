/**
 * What a member holds of one room's MLS group: reading it, and turning it into bytes and back.
 *
 * The state carries no configuration: that is code, so that a stored state cannot bring a weaker one along.
 */
import type { ClientState, GroupState as MlsGroupState } from "ts-mls/clientState.js";
import { decodeGroupState, encodeGroupState } from "ts-mls/clientState.js";
import type { LeafNode } from "ts-mls/leafNode.js";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import { equalBytes } from "./bytes";
import { refuse } from "./refusal";

export type GroupState = MlsGroupState;

/** Who sits on a leaf. `identity` is the credential's bytes: the layer of the signed logs reads and judges them. */
export type Leaf = {
  leafIndex: number;
  identity: Uint8Array;
  signatureKey: Uint8Array;
  encryptionKey: Uint8Array;
};

/** ts-mls hands back states with a configuration attached; this is the state alone. */
export function bare(state: ClientState | GroupState): GroupState {
  return {
    groupContext: state.groupContext,
    keySchedule: state.keySchedule,
    secretTree: state.secretTree,
    ratchetTree: state.ratchetTree,
    privatePath: state.privatePath,
    signaturePrivateKey: state.signaturePrivateKey,
    unappliedProposals: state.unappliedProposals,
    confirmationTag: state.confirmationTag,
    historicalReceiverData: state.historicalReceiverData,
    groupActiveState: state.groupActiveState,
  };
}

/** Holds every secret of the room: encrypt it before it is stored. */
export function encodeState(state: GroupState): Uint8Array {
  return encodeGroupState(state);
}

/**
 * The decoder's buffers are views of what it is given, so it is given a copy: wiping a secret of the state must not
 * reach into bytes that the caller may write back.
 */
export function decodeState(bytes: Uint8Array): GroupState {
  const decoded = decodeGroupState(bytes.slice(), 0);
  if (decoded === undefined || decoded[1] !== bytes.length) refuse("malformed", "group state");
  return decoded[0];
}

export const epochOf = (state: GroupState): bigint => state.groupContext.epoch;
export const groupIdOf = (state: GroupState): Uint8Array => state.groupContext.groupId;
export const ownLeafIndex = (state: GroupState): number => state.privatePath.leafIndex;

/** RFC 9420 §8.7: equal for all members who agree on the epoch, and for nobody else. Rule 8 has a leader sign it. */
export const epochAuthenticator = (state: GroupState): Uint8Array => state.keySchedule.epochAuthenticator;

export function leafNodeAt(tree: RatchetTree, leafIndex: number): LeafNode | undefined {
  const node = tree[leafIndex * 2];
  return node?.nodeType === "leaf" ? node.leaf : undefined;
}

export function identityOf(leaf: LeafNode): Uint8Array {
  if (leaf.credential.credentialType !== "basic") refuse("malformed", "credential");
  return leaf.credential.identity;
}

export function viewLeaf(leafIndex: number, leaf: LeafNode): Leaf {
  return {
    leafIndex,
    identity: identityOf(leaf),
    signatureKey: leaf.signaturePublicKey,
    encryptionKey: leaf.hpkePublicKey,
  };
}

export function leafAt(state: GroupState, leafIndex: number): Leaf | undefined {
  const leaf = leafNodeAt(state.ratchetTree, leafIndex);
  return leaf === undefined ? undefined : viewLeaf(leafIndex, leaf);
}

export function leavesOf(tree: RatchetTree): Leaf[] {
  return tree.flatMap((node, index) => (node?.nodeType === "leaf" ? [viewLeaf(index / 2, node.leaf)] : []));
}

export const membersOf = (state: GroupState): Leaf[] => leavesOf(state.ratchetTree);

export function leafIndexOf(state: GroupState, signatureKey: Uint8Array): number | undefined {
  return membersOf(state).find((leaf) => equalBytes(leaf.signatureKey, signatureKey))?.leafIndex;
}
