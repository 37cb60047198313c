/**
 * Which secrets a state holds, and zeroing them.
 *
 * JavaScript cannot promise more than this: the engine may have copied a buffer, and ts-mls and @noble make some of
 * their own that nothing names. What is zeroed here is what a thief of the stored state would use.
 */
import type { EpochReceiverData } from "ts-mls/epochReceiverData.js";
import type { SecretTree } from "ts-mls/secretTree.js";
import type { GroupState } from "./groupState";

export function wipe(secrets: Iterable<Uint8Array>): void {
  for (const secret of secrets) secret.fill(0);
}

function* secretsOfTree(tree: SecretTree): Iterable<Uint8Array> {
  for (const { application, handshake } of tree) {
    yield application.secret;
    yield handshake.secret;
    yield* Object.values(application.unusedGenerations);
    yield* Object.values(handshake.unusedGenerations);
  }
}

export function* secretsOfPastEpoch(past: EpochReceiverData): Iterable<Uint8Array> {
  yield past.resumptionPsk;
  yield past.senderDataSecret;
  yield* secretsOfTree(past.secretTree);
}

/** Every secret of the state but the signature key: that is the device's and outlives every room. */
export function* secretsOf(state: GroupState): Iterable<Uint8Array> {
  yield* Object.values(state.keySchedule);
  yield* Object.values(state.privatePath.privateKeys);
  yield* secretsOfTree(state.secretTree);
  for (const past of state.historicalReceiverData.values()) yield* secretsOfPastEpoch(past);
}

/**
 * The secrets of `from` that `kept` does not share. Told apart by buffer, since states share buffers on purpose.
 * For a commit that the server took: `secretsOnlyIn(old, new)`. For a lost race: `secretsOnlyIn(pending, old)`.
 */
export function secretsOnlyIn(from: GroupState, kept: GroupState): Uint8Array[] {
  const shared = new Set(secretsOf(kept));
  return [...secretsOf(from)].filter((secret) => !shared.has(secret));
}
