/**
 * Invites: a link whose fragment no server sees. It pins the community's root and carries the seed of a one-time key; its
 * certificate says who invites for what. A link certifies nobody: it only lets a person ask.
 */
import { decodeCanonical } from "../protocol/codec";
import type { InviteAcceptance, InviteCertificate, SignedStatement } from "../protocol/generated";
import { deviceKeyAt, type AccountState } from "./accountLog";
import { concatBytes, equalBytes } from "./bytes";
import { isEffective, type AccountLookup, type CommunityState } from "./communityLog";
import { readSigned, refuseEntry } from "./entries";
import { toHex } from "./hex";
import { verify } from "./sodium";

const FINGERPRINT_BYTES = 16;
const SEED_BYTES = 32;
export const INVITE_LIFETIME_MS = 14 * 24 * 3_600_000;

export type InviteLink = { readonly fingerprint: Uint8Array; readonly seed: Uint8Array };

export function formatInviteFragment(link: InviteLink): string {
  const raw = String.fromCharCode(...concatBytes(link.fingerprint, link.seed));
  return btoa(raw).replace(/\+/gu, "-").replace(/\//gu, "_").replace(/=+$/u, "");
}

/** Return the link that a fragment (with or without "#") holds, or null. */
export function parseInviteFragment(fragment: string): InviteLink | null {
  const text = fragment.replace(/^#/u, "");
  if (!/^[\w-]{64}$/u.test(text)) return null;
  const raw = atob(text.replace(/-/gu, "+").replace(/_/gu, "/"));
  const bytes = Uint8Array.from(raw, (character) => character.charCodeAt(0));
  if (bytes.length !== FINGERPRINT_BYTES + SEED_BYTES) return null;
  return { fingerprint: bytes.slice(0, FINGERPRINT_BYTES), seed: bytes.slice(FINGERPRINT_BYTES) };
}

/** Return the certificate if a steward or leader who counts now signed it for `inviteKey`; raise LogRefusal. */
export function readInvite(
  community: CommunityState,
  accounts: AccountLookup,
  statement: SignedStatement,
  inviteKey: Uint8Array,
  now: number,
): InviteCertificate {
  const invite = readSigned(() => decodeCanonical("InviteCertificate", statement.body));
  if (!equalBytes(invite.invite_key, inviteKey)) refuseEntry("log.bad_entry", "another invite");
  const inviter = invite.inviter.account_id === null ? null : accounts(invite.inviter.account_id);
  if (inviter === null) return refuseEntry("log.no_power", "an unknown inviter");
  const certifiedKey = community.identityKeys.get(toHex(inviter.accountId));
  if (certifiedKey === undefined || !equalBytes(certifiedKey, inviter.identityKey)) {
    refuseEntry("log.no_power", "another identity");
  }
  const key = deviceKeyAt(inviter, invite.inviter.device_id, now);
  if (key === null || !verify("invite", community.root, statement.body, statement.signature, key)) {
    return refuseEntry("log.bad_signature", "invite");
  }
  const steward = isEffective(community, inviter.accountId, "steward", now);
  const leader = invite.role === "member" && isEffective(community, inviter.accountId, "leader", now);
  if (!steward && !leader) refuseEntry("log.no_power", "may not invite");
  return invite;
}

/** Return the acceptance if the invite's key signed it for the account as its own log shows it; raise LogRefusal. */
export function readAcceptance(
  root: Uint8Array,
  statement: SignedStatement,
  account: AccountState,
): InviteAcceptance {
  const acceptance = readSigned(() => decodeCanonical("InviteAcceptance", statement.body));
  if (!verify("invite-acceptance", root, statement.body, statement.signature, acceptance.invite_key)) {
    refuseEntry("log.bad_signature", "acceptance");
  }
  if (
    !equalBytes(acceptance.account_id, account.accountId) ||
    !equalBytes(acceptance.identity_key, account.identityKey)
  ) {
    refuseEntry("log.bad_entry", "another identity");
  }
  return acceptance;
}
