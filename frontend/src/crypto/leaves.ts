/**
 * Which leaves a room's group may have: the whole chain from the MLS credential to the room's log (crypto.md, group rule 1).
 * The chain's signatures were checked when the account's log was verified; here the credential must be those very bytes.
 */
import { decodeCanonical, encodeCanonical } from "../protocol/codec";
import type { SignedStatement } from "../protocol/generated";
import { ShapeError } from "../protocol/validate";
import { isLive, type AccountState } from "./accountLog";
import { equalBytes } from "./bytes";
import { toHex } from "./hex";
import type { RoomContext, RoomState } from "./roomLog";

export type Leaf = {
  readonly accountId: Uint8Array;
  readonly deviceId: Uint8Array;
  readonly identityKey: Uint8Array;
  readonly deviceKey: Uint8Array;
};

/** The identity of the MLS credential (RFC 9420 §5.3, basic): the device certificate, and no name. */
export function credentialOf(certificate: SignedStatement): Uint8Array {
  return encodeCanonical("MlsCredential", { certificate });
}

/** Return what a credential claims, or null for bytes that claim nothing. The claim is not checked. */
export function claimOf(credential: Uint8Array): (Leaf & { readonly certificate: SignedStatement }) | null {
  try {
    const { certificate } = decodeCanonical("MlsCredential", credential);
    const claim = decodeCanonical("DeviceCertificate", certificate.body);
    return {
      accountId: claim.account_id,
      deviceId: claim.device_id,
      identityKey: claim.identity_key,
      deviceKey: claim.device_key,
      certificate,
    };
  } catch (error) {
    if (error instanceof ShapeError) return null;
    throw error;
  }
}

function isCertified(account: AccountState, certificate: SignedStatement, leaf: Leaf): boolean {
  const device = account.devices.get(toHex(leaf.deviceId));
  return (
    device !== undefined &&
    equalBytes(device.certificate.body, certificate.body) &&
    equalBytes(device.certificate.signature, certificate.signature) &&
    isLive(account, leaf.deviceId)
  );
}

/** Return the leaf if it is right at the room's head, else null. */
export function rightLeaf(
  context: RoomContext,
  room: RoomState,
  credential: Uint8Array,
  signatureKey: Uint8Array,
): Leaf | null {
  const claim = claimOf(credential);
  if (claim === null || !equalBytes(claim.deviceKey, signatureKey)) return null;
  const member = room.members.get(toHex(claim.accountId));
  const account = context.accounts(claim.accountId);
  if (member === undefined || account === null) return null;
  if (!equalBytes(member.identityKey, account.identityKey)) return null;
  return isCertified(account, claim.certificate, claim) ? claim : null;
}
