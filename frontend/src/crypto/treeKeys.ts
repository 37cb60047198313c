/** The keys in and beside the ratchet tree (RFC 9420 §7): which must match, which must differ, which are stale. */
import { x25519 } from "@noble/curves/ed25519.js";
import type { PrivateKeyPath } from "ts-mls/privateKeyPath.js";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import { bytesKey, equalBytes } from "./bytes";
import type { GroupState } from "./groupState";
import { refuse } from "./refusal";

const publicKeyAt = (tree: RatchetTree, nodeIndex: number): Uint8Array | undefined => {
  const node = tree[nodeIndex];
  if (node === undefined) return undefined;
  return node.nodeType === "leaf" ? node.leaf.hpkePublicKey : node.parent.hpkePublicKey;
};

/**
 * RFC 9420 §12.4.3.1 demands it on joining and §7.5 recommends it for commits; ts-mls does neither. Without it a
 * committer can give one member keys that the tree does not show, and that member is lost at someone else's next
 * commit. `before` limits the work to keys that are new.
 */
export function checkPrivateKeys(state: GroupState, before?: GroupState): void {
  for (const [index, privateKey] of Object.entries(state.privatePath.privateKeys)) {
    if (before?.privatePath.privateKeys[Number(index)] === privateKey) continue;
    const publicKey = publicKeyAt(state.ratchetTree, Number(index));
    if (publicKey === undefined || !equalBytes(x25519.getPublicKey(privateKey), publicKey))
      refuse("parent-keys");
  }
}

/** ts-mls keeps private keys of nodes that a removal blanked: they open nothing that will be sent. */
export function withoutBlankKeys(path: PrivateKeyPath, tree: RatchetTree): PrivateKeyPath {
  const live = Object.entries(path.privateKeys).filter(([index]) => tree[Number(index)] !== undefined);
  return { leafIndex: path.leafIndex, privateKeys: Object.fromEntries(live) };
}

/**
 * Rule 2 and trap 12: each encryption key stands in one node, each signature key on one leaf. ts-mls compares some of
 * them only when the next member is added, and then refuses that honest add.
 */
export function checkKeysUnique(tree: RatchetTree): void {
  const encryptionKeys = new Set<string>();
  const signatureKeys = new Set<string>();
  const once = (seen: Set<string>, key: Uint8Array) => {
    const name = bytesKey(key);
    if (seen.has(name)) refuse("key-not-unique");
    seen.add(name);
  };
  for (const [index, node] of tree.entries()) {
    if (node === undefined) continue;
    const publicKey = publicKeyAt(tree, index);
    if (publicKey !== undefined) once(encryptionKeys, publicKey);
    if (node.nodeType === "leaf") once(signatureKeys, node.leaf.signaturePublicKey);
  }
}

/** A list that names a leaf twice or in another order has a second encoding, which other implementations refuse. */
export function checkUnmergedOrder(tree: RatchetTree): void {
  for (const node of tree) {
    if (node?.nodeType !== "parent") continue;
    const leaves = node.parent.unmergedLeaves;
    if (leaves.some((leaf, i) => i > 0 && leaf <= (leaves[i - 1] ?? 0)))
      refuse("invalid-welcome", "unmerged leaves");
  }
}
