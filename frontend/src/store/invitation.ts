/**
 * An invite link, from the fragment to what may be shown: the community it pins, verified from genesis, and the certificate
 * of whoever invites. Nothing is shown of a link that does not check.
 */
import { equalBytes } from "../crypto/bytes";
import { rootFingerprint } from "../crypto/entries";
import { parseInviteFragment, readInvite } from "../crypto/invites";
import { toHex } from "../crypto/hex";
import { signingKeyFromSeed, type KeyPair } from "../crypto/sodium";
import type { AccountLookup } from "../crypto/communityLog";
import type { Api } from "../protocol/endpoints";
import { CallError } from "../protocol/failure";
import type { CommunityAnswer, InviteRole, SignedStatement } from "../protocol/generated";
import { verifyCommunity, type Verified } from "./community";
import type { FailureCode } from "./model";
import { isRefusal } from "./items";

export type Invitation = {
  readonly key: KeyPair;
  readonly role: InviteRole;
  readonly roomId: Uint8Array | null;
  readonly roomName: string | null;
  readonly expiresAt: number;
  readonly community: CommunityAnswer;
  readonly verified: Verified;
  readonly certificate: SignedStatement | null;
};

export class InviteProblem extends Error {
  readonly code: FailureCode;

  constructor(code: FailureCode) {
    super(code);
    this.name = "InviteProblem";
    this.code = code;
  }
}

const lookupOf =
  (verified: Verified): AccountLookup =>
  (accountId) =>
    verified.accounts.get(toHex(accountId)) ?? null;

/**
 * A demo's keys lie open and one steward's word counts at once. Its genesis says so under the root's signature, and nobody is
 * asked to trust it anywhere but on the machine that runs it (docs/adr/0009).
 */
function isThisMachine(origin: string): boolean {
  const { hostname } = new URL(origin);
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    /^127\.\d+\.\d+\.\d+$/u.test(hostname)
  );
}

/** Raise InviteProblem for a link that does not hold, CallError where the network or the server failed. */
export async function readInvitation(
  api: Api,
  fragment: string,
  now: () => number,
  origin: string,
): Promise<Invitation> {
  const link = parseInviteFragment(fragment);
  if (link === null) throw new InviteProblem("invite.unreadable");
  const key = signingKeyFromSeed(link.seed);
  const [look, community, log] = await Promise.all([
    api.call("lookAtInvite", { invite_key: key.publicKey }),
    api.call("community", null),
    api.call("communityLog", null, { query: { after: 0 } }),
  ]);
  if (!equalBytes(rootFingerprint(community.root), link.fingerprint))
    throw new InviteProblem("invite.unverified");
  try {
    const verified = await verifyCommunity(community.root, log);
    if (verified.community.demo && !isThisMachine(origin)) throw new InviteProblem("invite.unverified");
    const roomId = checkCertificate(look, key.publicKey, verified, now());
    return {
      key,
      role: look.role,
      roomId,
      roomName: look.room_name,
      expiresAt: look.expires_at,
      community,
      verified,
      certificate: look.certificate,
    };
  } catch (error) {
    if (isRefusal(error)) throw new InviteProblem("invite.unverified");
    throw error;
  }
}

type Look = {
  readonly role: InviteRole;
  readonly room_id: Uint8Array | null;
  readonly certificate: SignedStatement | null;
};

/** What the server says of the link must be what the inviter signed. Returns the room. */
function checkCertificate(
  look: Look,
  inviteKey: Uint8Array,
  verified: Verified,
  now: number,
): Uint8Array | null {
  const { community } = verified;
  if (look.certificate === null) {
    // Genesis itself vouches for the first steward's link, and for no other.
    const isFirst = look.role === "steward" && equalBytes(community.firstStewardInvite, inviteKey);
    if (!isFirst || look.room_id !== null) throw new InviteProblem("invite.unverified");
    return null;
  }
  const invite = readInvite(community, lookupOf(verified), look.certificate, inviteKey, now);
  const sameRoom =
    invite.room_id === null || look.room_id === null
      ? invite.room_id === look.room_id
      : equalBytes(invite.room_id, look.room_id);
  if (invite.role !== look.role || !sameRoom) throw new InviteProblem("invite.unverified");
  if (invite.expires_at <= now) throw new CallError("invite.unusable");
  return invite.room_id;
}
