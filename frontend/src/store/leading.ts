/** What leaders and stewards do: checking who knocks, inviting, certifying. Each checks here what everyone else will check. */
import { equalBytes } from "../crypto/bytes";
import { makeEntry } from "../crypto/entries";
import { fromHex, toHex } from "../crypto/hex";
import { formatInviteFragment, INVITE_LIFETIME_MS, readAcceptance, readInvite } from "../crypto/invites";
import { safetyCode } from "../crypto/safetyCode";
import { newSigningKey } from "../crypto/sodium";
import { newSalt, signStatement } from "../crypto/statements";
import { CallError } from "../protocol/failure";
import type {
  Candidate as CandidateAnswer,
  InviteRole,
  Role,
  SignedStatement,
  WaitingPerson,
} from "../protocol/generated";
import { idBytes } from "./commits";
import type { Core } from "./core";
import { isRefusal } from "./items";
import type { Candidate, InviteLine, WaitingMember } from "./model";

/** Whoever knocks, with the key that an `admit` would pin; null where link, acceptance and account do not hang together. */
export type Knocking = WaitingMember & { readonly identityKey: Uint8Array | null };

/** Raise LogRefusal unless the acceptance and the certificate belong to the account as its log shows it. */
function checkInvited(
  core: Core,
  accountId: Uint8Array,
  acceptance: SignedStatement,
  certificate: SignedStatement | null,
  roomId: Uint8Array,
): boolean {
  const { accounts, community } = core.logs.context();
  const account = accounts(accountId);
  if (account === null) return false;
  const accepted = readAcceptance(core.self.root, acceptance, account);
  if (certificate === null) return equalBytes(accepted.invite_key, community.firstStewardInvite);
  const invite = readInvite(community, accounts, certificate, accepted.invite_key, core.clock.now());
  return invite.room_id === null || equalBytes(invite.room_id, roomId);
}

async function checkKnocking(core: Core, person: WaitingPerson, roomId: Uint8Array): Promise<Knocking> {
  const accountId = toHex(person.account.account_id);
  let isRight = false;
  try {
    await core.logs.takeAccounts([person.account]);
    isRight = checkInvited(core, person.account.account_id, person.acceptance, person.certificate, roomId);
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  const account = core.logs.accounts().get(accountId);
  return {
    accountId,
    handle: account?.profile?.handle ?? "",
    askedAt: person.asked_at,
    check: isRight ? "verified" : "problem",
    identityKey: isRight ? (account?.identityKey ?? null) : null,
  };
}

/** `known` were checked before and are not checked again: 25 who come at once would be 600 checks. */
export async function fetchKnocking(
  core: Core,
  roomId: string,
  known: readonly Knocking[],
): Promise<readonly Knocking[]> {
  const answer = await core.api.call("waiting", null, { room: roomId });
  const people: Knocking[] = [];
  for (const person of answer.waiting) {
    const accountId = toHex(person.account.account_id);
    const before = known.find((one) => one.accountId === accountId && one.askedAt === person.asked_at);
    const isChecked = before?.check === "verified";
    people.push(isChecked ? before : await checkKnocking(core, person, idBytes(roomId)));
  }
  return people;
}

// --- Invites -----------------------------------------------------------------------------------------

export async function makeInvite(
  core: Core,
  role: InviteRole,
  roomId: string | null,
): Promise<{ link: string; expiresAt: number }> {
  const key = newSigningKey();
  const expiresAt = core.clock.now() + INVITE_LIFETIME_MS;
  const certificate = signStatement(
    "InviteCertificate",
    {
      invite_key: key.publicKey,
      role,
      room_id: roomId === null ? null : idBytes(roomId),
      inviter: { account_id: core.self.accountId, device_id: core.self.deviceId },
      expires_at: expiresAt,
    },
    core.self.root,
    core.self.deviceSeed,
  );
  await core.api.call("makeInvite", { certificate });
  const { fingerprint } = core.logs.community();
  return {
    link: `${core.ports.origin}/join#${formatInviteFragment({ fingerprint, seed: key.seed })}`,
    expiresAt,
  };
}

export async function fetchInvites(core: Core): Promise<readonly InviteLine[]> {
  const { invites } = await core.api.call("invites", null);
  return invites.map((row) => ({
    id: toHex(row.invite_hash),
    role: row.role,
    roomName: row.room_id === null ? null : (core.book.get(toHex(row.room_id))?.record.row?.name ?? null),
    expiresAt: row.expires_at,
    used: row.used,
  }));
}

// --- Certifying --------------------------------------------------------------------------------------

function standingOf(core: Core, accountId: string): Pick<Candidate, "role" | "standing" | "effectiveAt"> {
  const now = core.clock.now();
  const live = core.logs
    .community()
    .certifications.filter((one) => one.account === accountId && one.revokedIndex === null);
  const effective = live.find((one) => one.effectiveAt !== null && one.effectiveAt <= now);
  const delayed = live.find((one) => one.effectiveAt !== null);
  const best = effective ?? delayed ?? live[0];
  if (best === undefined) return { role: null, standing: "none", effectiveAt: null };
  const standing =
    effective !== undefined ? "effective" : delayed !== undefined ? "delayed" : "second-needed";
  return { role: best.role, standing, effectiveAt: best.effectiveAt };
}

async function readCandidate(core: Core, row: CandidateAnswer): Promise<Candidate | null> {
  try {
    await core.logs.takeAccounts([row.account]);
    const accountId = toHex(row.account.account_id);
    const account = core.logs.accounts().get(accountId);
    if (account === undefined) return null;
    readAcceptance(core.self.root, row.acceptance, account);
    return {
      accountId,
      handle: account.profile?.handle ?? "",
      invitedAs: row.invited_as,
      safetyCode: safetyCode(core.self.root, account.accountId, account.identityKey),
      ...standingOf(core, accountId),
    };
  } catch (error) {
    // Someone whose papers do not hang together is nobody that could be certified.
    if (isRefusal(error)) return null;
    throw error;
  }
}

export async function fetchCandidates(core: Core): Promise<readonly Candidate[]> {
  await core.logs.syncCommunity();
  const { candidates } = await core.api.call("candidates", null);
  const read = await Promise.all(candidates.map((row) => readCandidate(core, row)));
  return read.filter((candidate) => candidate !== null);
}

/** The steward compared the safety code: the identity that this device holds for the account is the one that is certified. */
export async function certify(core: Core, accountId: string, role: Role): Promise<void> {
  const account = core.logs.accounts().get(accountId);
  const id = fromHex(accountId);
  if (account === undefined || id === null) throw new CallError("request.not_found");
  for (let tries = 0; tries < 4; tries++) {
    const { fingerprint, head, at } = core.logs.community();
    const entry = makeEntry(
      {
        log: "community",
        logId: fingerprint,
        place: { head, at },
        communityHead: null,
        author: { account_id: core.self.accountId, device_id: core.self.deviceId },
        action: "certify",
        body: { salt: newSalt(), account_id: id, identity_key: account.identityKey, role },
        at: Math.max(core.clock.now(), at),
      },
      core.sign,
    );
    try {
      await core.api.call("appendCommunity", { entry });
      await core.logs.syncCommunity();
      return;
    } catch (error) {
      if (!(error instanceof CallError) || error.code !== "log.stale_head") throw error;
      await core.logs.syncCommunity();
    }
  }
  throw new CallError("log.stale_head");
}
