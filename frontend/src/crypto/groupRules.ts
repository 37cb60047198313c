/**
 * The strict wrapper around MLS: what RFC 9420 leaves open and what ts-mls lets through (design rules 1, 2, 3, 8 and
 * traps 4, 5, 10, 12). Everything outside this directory joins, commits and receives commits through here.
 *
 * It judges MLS structures alone. Who is admitted, who may remove whom and whether a committer has the power stands in
 * the signed logs; the layer that reads them passes an Authority. A commit is opened and inspected first, since its
 * authenticated data names the log heads by which it must be judged. Refusing throws and leaves the old state whole.
 *
 * Deliberately absent: the powers themselves, rate limits, and what the room does after a refusal.
 */
import { encodeCapabilities } from "ts-mls/capabilities.js";
import type { KeyPackage } from "ts-mls/keyPackage.js";
import type { LeafNode } from "ts-mls/leafNode.js";
import { equalBytes } from "./bytes";
import {
  epochOf,
  groupIdOf,
  identityOf,
  leafAt,
  leafNodeAt,
  viewLeaf,
  type GroupState,
  type Leaf,
} from "./groupState";
import { isWithinLifetime, lifetimeIsBounded, type DeviceKey, type OwnKeyPackage } from "./keyPackage";
import { applyCommit, commit, joinFromWelcome, type Applied, type CommitMade } from "./mls";
import type { OpenedCommit } from "./openMessage";
import { SUITE_NAME } from "./provider";
import { refuse } from "./refusal";
import { checkKeysUnique, checkUnmergedOrder } from "./treeKeys";
import { decodeKeyPackage } from "./wire";

/** A leaf that a commit adds. It has no index before the commit is applied. */
export type AddedLeaf = Omit<Leaf, "leafIndex">;

/** What a commit does, read from what its committer signed. */
export type Change = {
  committer: Leaf;
  /** The epoch that the commit ends. */
  epoch: bigint;
  authenticatedData: Uint8Array;
  adds: AddedLeaf[];
  removes: Leaf[];
  /** Whether the committer renewed its own keys. */
  path: boolean;
};

/**
 * What the signed logs say, at the heads by which the act in question is judged. Only `true` allows. Each question is
 * asked for itself: `committerMay` is not told that the others passed, and must not assume it.
 */
export interface Authority {
  /** Rule 1: this device is admitted, by the whole chain up to the pinned root. */
  leafAllowed: (identity: Uint8Array, signatureKey: Uint8Array) => boolean;
  /** Rule 3: a log removed this device, revoked it or says that it left. */
  removeAllowed: (identity: Uint8Array, signatureKey: Uint8Array) => boolean;
  /** Rule 3: the committer is not itself under removal, and may carry out just this change. */
  committerMay: (change: Change) => boolean;
}

/** The room that was meant (rule 8), and no extension in it: one could bring in external senders. */
function checkGroupContext(state: GroupState, groupId: Uint8Array): void {
  if (state.groupContext.cipherSuite !== SUITE_NAME) refuse("wrong-suite");
  if (!equalBytes(groupIdOf(state), groupId)) refuse("wrong-group"); // rule 8
  if (state.groupContext.extensions.length > 0) refuse("group-extensions");
}

/**
 * A leaf without "basic" in its capabilities is accepted by ts-mls and then makes it refuse every later add; leaf
 * extensions have no use here and could carry what nobody checks.
 */
function checkLeafForm(leaf: LeafNode): void {
  const { versions, ciphersuites, credentials } = leaf.capabilities;
  const capable =
    versions.includes("mls10") && ciphersuites.includes(SUITE_NAME) && credentials.includes("basic");
  if (!capable || leaf.extensions.length > 0) refuse("capabilities");
  if (leaf.leafNodeSource === "update") refuse("leaf-source");
  if (leaf.leafNodeSource === "key_package" && !lifetimeIsBounded(leaf.lifetime)) refuse("lifetime");
}

function readAdd(keyPackage: KeyPackage): AddedLeaf {
  const { leafNode } = keyPackage;
  if (keyPackage.cipherSuite !== SUITE_NAME) refuse("wrong-suite");
  if (keyPackage.extensions.length > 0) refuse("capabilities");
  checkLeafForm(leafNode);
  return {
    identity: identityOf(leafNode),
    signatureKey: leafNode.signaturePublicKey,
    encryptionKey: leafNode.hpkePublicKey,
  };
}

/**
 * Trap 4: a path carries a whole new leaf, and ts-mls accepts any name and signature key on it. Only the encryption key
 * may change, and must.
 */
function checkPathLeaf(before: LeafNode, after: LeafNode): void {
  const same =
    equalBytes(identityOf(before), identityOf(after)) &&
    equalBytes(before.signaturePublicKey, after.signaturePublicKey) &&
    equalBytes(encodeCapabilities(before.capabilities), encodeCapabilities(after.capabilities)) &&
    after.extensions.length === 0;
  if (!same) refuse("path-leaf-changed");
  if (equalBytes(before.hpkePublicKey, after.hpkePublicKey)) refuse("key-not-unique");
}

/**
 * Return what the commit does; refuse what rule 2 forbids whoever the committer is. Reads the authenticated data for
 * the caller, who then knows by which heads to judge.
 */
export function inspectCommit(state: GroupState, opened: OpenedCommit): Change {
  if (opened.epoch !== epochOf(state)) refuse("old-epoch");
  const { proposals, path } = opened.content;
  if (proposals.length === 0 && path === undefined) refuse("empty-commit");
  const adds: AddedLeaf[] = [];
  const removes: Leaf[] = [];
  for (const item of proposals) {
    if (item.proposalOrRefType !== "proposal") return refuse("proposal-by-reference");
    const { proposal } = item;
    if (proposal.proposalType === "add") adds.push(readAdd(proposal.add.keyPackage));
    else if (proposal.proposalType === "remove") removes.push(readRemove(state, proposal.remove.removed));
    else refuse("proposal-type");
  }
  if (path !== undefined) {
    const before = leafNodeAt(state.ratchetTree, opened.sender.leafIndex) ?? refuse("invalid-commit");
    checkPathLeaf(before, path.leafNode);
  }
  return {
    committer: opened.sender,
    epoch: opened.epoch,
    authenticatedData: opened.authenticatedData,
    adds,
    removes,
    path: path !== undefined,
  };
}

function readRemove(state: GroupState, leafIndex: number): Leaf {
  return leafAt(state, leafIndex) ?? refuse("invalid-commit", "removes a blank leaf");
}

/** `at` is when the commit was made, in seconds: its log entry's or the server's time, not the reader's clock. */
function judge(state: GroupState, opened: OpenedCommit, authority: Authority, at: number): void {
  const change = inspectCommit(state, opened);
  for (const item of opened.content.proposals) {
    if (item.proposalOrRefType !== "proposal" || item.proposal.proposalType !== "add") continue;
    if (!isWithinLifetime(item.proposal.add.keyPackage.leafNode.lifetime, at)) refuse("lifetime");
  }
  const { adds, removes } = change;
  if (!adds.every((leaf) => authority.leafAllowed(leaf.identity, leaf.signatureKey)))
    refuse("leaf-not-allowed");
  if (!removes.every((leaf) => authority.removeAllowed(leaf.identity, leaf.signatureKey))) {
    refuse("removal-not-allowed");
  }
  if (!authority.committerMay(change)) refuse("committer-not-allowed");
}

/**
 * Judge and apply a commit of another member. The caller still holds the old state, and adopts the new one by storing
 * it. A commit that removes this very device is judged like any other.
 */
export async function receiveCommit(receive: {
  state: GroupState;
  opened: OpenedCommit;
  authority: Authority;
  at: number;
}): Promise<Applied> {
  const { state, opened, authority } = receive;
  judge(state, opened, authority, receive.at);
  const applied = await applyCommit({
    state,
    opened,
    // The committer's own path leaf was found unchanged, and its power judged; every other leaf is new.
    accept: (identity, signatureKey) =>
      isLeaf(opened.sender, identity, signatureKey) || authority.leafAllowed(identity, signatureKey),
  });
  if (applied.kind === "new-epoch") checkKeysUnique(applied.newState.ratchetTree);
  return applied;
}

function isLeaf(leaf: Leaf, identity: Uint8Array, signatureKey: Uint8Array): boolean {
  return equalBytes(leaf.identity, identity) && equalBytes(leaf.signatureKey, signatureKey);
}

/** Make a commit that other members' rules accept: it is judged here as they will judge it, before it is sent. */
export async function makeCommit(make: {
  state: GroupState;
  adds?: readonly Uint8Array[];
  removes?: readonly number[];
  authenticatedData: Uint8Array;
  authority: Authority;
  at: number;
}): Promise<CommitMade> {
  const { state, authority } = make;
  for (const bytes of make.adds ?? []) readAdd(decodeKeyPackage(bytes));
  const made = await commit({
    state,
    ...(make.adds === undefined ? {} : { adds: make.adds }),
    ...(make.removes === undefined ? {} : { removes: make.removes }),
    authenticatedData: make.authenticatedData,
    accept: (identity, signatureKey) => authority.leafAllowed(identity, signatureKey),
  });
  judge(state, made.opened, authority, make.at);
  checkKeysUnique(made.newState.ratchetTree);
  return made;
}

export type JoinedRoom = {
  newState: GroupState;
  /** Whose commit added us. */
  adder: Leaf;
  wipe: Uint8Array[];
};

/**
 * Join the room that the logs name, and no other. Every leaf is judged (rule 1), whoever added us. The state is not
 * yet confirmed: rule 8 wants a path commit as the first act and a leader's signed epoch authenticator.
 *
 * Lifetimes of leaves are bounded but not compared with the clock: a member who joined and then stayed away keeps its
 * key package's leaf, and no newcomer could join after its 14 days (RFC 9420 §7.3 leaves this to the application).
 */
export async function joinRoom(join: {
  welcome: Uint8Array;
  keyPackage: OwnKeyPackage;
  deviceKey: DeviceKey;
  groupId: Uint8Array;
  authority: Authority;
}): Promise<JoinedRoom> {
  const { authority } = join;
  const allowed = (identity: Uint8Array, signatureKey: Uint8Array) =>
    authority.leafAllowed(identity, signatureKey);
  const { newState, signer, groupInfoExtensions, wipe } = await joinFromWelcome({
    welcome: join.welcome,
    keyPackage: join.keyPackage,
    deviceKey: join.deviceKey,
    accept: allowed,
  });
  checkGroupContext(newState, join.groupId);
  if (groupInfoExtensions.some(({ extensionType }) => extensionType !== "ratchet_tree"))
    refuse("group-info-extensions");
  checkKeysUnique(newState.ratchetTree);
  checkUnmergedOrder(newState.ratchetTree);
  for (const [index, node] of newState.ratchetTree.entries()) {
    if (node?.nodeType !== "leaf") continue;
    checkLeafForm(node.leaf);
    // Asked by ts-mls already; asked here as well, so that the rule does not rest on how ts-mls walks a tree.
    const { identity, signatureKey } = viewLeaf(index / 2, node.leaf);
    if (!allowed(identity, signatureKey)) refuse("leaf-not-allowed");
  }
  return { newState, adder: leafAt(newState, signer) ?? refuse("invalid-welcome", "signer"), wipe };
}
