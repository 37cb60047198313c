/**
 * Key packages (RFC 9420 §10): what a device publishes so that it can be added while it is away.
 *
 * The signature key is the device key, never a fresh one: the chain of rule 1 ends in it.
 */
import type { Capabilities } from "ts-mls/capabilities.js";
import {
  generateKeyPackageWithKey,
  makeKeyPackageRef,
  type KeyPackage,
  type PrivateKeyPackage,
} from "ts-mls/keyPackage.js";
import type { Lifetime } from "ts-mls/lifetime.js";
import { identityOf } from "./groupState";
import { SUITE_NAME, suite } from "./provider";
import { refuse } from "./refusal";
import { decodeKeyPackage, encodeKeyPackage } from "./wire";

/** Rule 12. ts-mls's default is for ever, and it never checks its own maximum (trap 10). */
export const MAX_LIFETIME_S = 14 * 24 * 3600;
/** The clocks of old phones are wrong by minutes; a package made just now must be usable elsewhere just now. */
export const CLOCK_SKEW_S = 3600;

/** No grease, no extensions: equal for every client, so that they say nothing about the device. */
export const CAPABILITIES: Capabilities = {
  versions: ["mls10"],
  ciphersuites: [SUITE_NAME],
  extensions: [],
  proposals: [],
  credentials: ["basic"],
};

export type DeviceKey = { seed: Uint8Array; publicKey: Uint8Array };

/** `bytes` is public. The two private keys open one Welcome each: wipe `initPrivateKey` once it has been joined with. */
export type OwnKeyPackage = { bytes: Uint8Array; initPrivateKey: Uint8Array; leafPrivateKey: Uint8Array };

/** Times are whole seconds since 1970. */
export async function generateKeyPackage(make: {
  identity: Uint8Array;
  deviceKey: DeviceKey;
  now: number;
  lifetimeSeconds?: number;
}): Promise<OwnKeyPackage> {
  const lifetimeSeconds = make.lifetimeSeconds ?? MAX_LIFETIME_S;
  if (!(lifetimeSeconds > CLOCK_SKEW_S && lifetimeSeconds <= MAX_LIFETIME_S)) refuse("lifetime");
  const notBefore = Math.floor(make.now) - CLOCK_SKEW_S;
  const { publicPackage, privatePackage } = await generateKeyPackageWithKey(
    { credentialType: "basic", identity: make.identity },
    CAPABILITIES,
    { notBefore: BigInt(notBefore), notAfter: BigInt(notBefore + lifetimeSeconds) },
    [],
    { signKey: make.deviceKey.seed, publicKey: make.deviceKey.publicKey },
    suite,
  );
  return {
    bytes: encodeKeyPackage(publicPackage),
    initPrivateKey: privatePackage.initPrivateKey,
    leafPrivateKey: privatePackage.hpkePrivateKey,
  };
}

export function privatePart(keyPackage: OwnKeyPackage, deviceKey: DeviceKey): PrivateKeyPackage {
  return {
    initPrivateKey: keyPackage.initPrivateKey,
    hpkePrivateKey: keyPackage.leafPrivateKey,
    signaturePrivateKey: deviceKey.seed,
  };
}

/** RFC 9420 §5.2: the name by which a Welcome says for whom it is. */
export function keyPackageRef(bytes: Uint8Array): Promise<Uint8Array> {
  return makeKeyPackageRef(decodeKeyPackage(bytes), suite.hash);
}

/** What a package claims. Its signatures are checked when it is committed, not here. */
export function readKeyPackage(bytes: Uint8Array): {
  identity: Uint8Array;
  signatureKey: Uint8Array;
  notBefore: number;
  notAfter: number;
} {
  const { leafNode } = decodeKeyPackage(bytes);
  return {
    identity: identityOf(leafNode),
    signatureKey: leafNode.signaturePublicKey,
    notBefore: Number(leafNode.lifetime.notBefore),
    notAfter: Number(leafNode.lifetime.notAfter),
  };
}

/** Trap 10, the part that holds for ever: no leaf may claim more than 14 days. */
export function lifetimeIsBounded(lifetime: Lifetime): boolean {
  const length = lifetime.notAfter - lifetime.notBefore;
  return length > 0n && length <= BigInt(MAX_LIFETIME_S);
}

/** Trap 10, the part that holds when it is added. `at` is when the commit was made, not when it is read. */
export function isWithinLifetime(lifetime: Lifetime, at: number): boolean {
  const [now, skew] = [BigInt(Math.floor(at)), BigInt(CLOCK_SKEW_S)];
  return lifetime.notBefore <= now + skew && now <= lifetime.notAfter + skew;
}

export type { KeyPackage };
