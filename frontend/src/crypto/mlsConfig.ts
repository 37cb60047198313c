/**
 * How ts-mls is configured, everywhere: nothing past is kept, nobody is accepted unasked, and what it throws becomes a
 * refusal with a code.
 */
import type { ClientConfig } from "ts-mls/clientConfig.js";
import { defaultKeyPackageEqualityConfig } from "ts-mls/keyPackageEqualityConfig.js";
import type { KeyRetentionConfig } from "ts-mls/keyRetentionConfig.js";
import type { GroupState } from "./groupState";
import { MAX_LIFETIME_S } from "./keyPackage";
import { mlsPadding } from "./padding";
import { Refusal, refuse, type RefusalCode } from "./refusal";

/** Says whether this leaf may be in the group. Asked for every leaf on joining, every added leaf, every path. */
export type AcceptLeaf = (identity: Uint8Array, signatureKey: Uint8Array) => boolean;

/** 5000 steps take about 0.3 s (trap 8); a device rotates its keys after 1000 messages, so 5000 is never needed. */
export const FORWARD_RATCHET_LIMIT = 5000;

export const RETENTION: KeyRetentionConfig = {
  retainKeysForGenerations: 0, // trap 1
  retainKeysForEpochs: 1, // trap 2: 0 would keep every epoch; `leaveEpoch` empties the one
  maximumForwardRatchetSteps: FORWARD_RATCHET_LIMIT,
};

export function clientConfig(accept: AcceptLeaf): ClientConfig {
  return {
    keyRetentionConfig: RETENTION,
    // Lifetimes on receipt are judged against the commit's time in groupRules.ts: ts-mls would take the reader's clock,
    // and a device that was off for a month must still be able to read the commits of that month.
    lifetimeConfig: { maximumTotalLifetime: BigInt(MAX_LIFETIME_S), validateLifetimeOnReceive: false },
    keyPackageEqualityConfig: defaultKeyPackageEqualityConfig,
    paddingConfig: mlsPadding(0), // padding.ts: messages are padded before, commits after
    authService: {
      // Throws instead of answering false, so that the refusal keeps its code.
      validateCredential: async (credential, signatureKey) =>
        (credential.credentialType === "basic" && accept(credential.identity, signatureKey)) ||
        refuse("leaf-not-allowed"),
    },
  };
}

export const nobody: AcceptLeaf = () => false;

/** ts-mls throws its own errors, and plain ones on malformed input: all become one refusal with a code. */
export async function refusingWith<T>(code: RefusalCode, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal) throw error;
    return refuse(code, error instanceof Error ? error.message : undefined);
  }
}

/** Trap 5: ts-mls would slip pending proposals into the next commit. Ours never holds any; a stored state might. */
export function checkUsable(state: GroupState): void {
  if (state.groupActiveState.kind !== "active") refuse("not-active");
  if (Object.keys(state.unappliedProposals).length !== 0) refuse("pending-proposals");
}
