/**
 * The community log: who is a steward, a leader, a counselor, from genesis on. The root it begins with must be the one that
 * an invite or a backup pinned; then no server can name a false leader. Rules: docs/protocol.md, "Community log".
 */
import type { Head, Role, SignedEntry } from "../protocol/generated";
import { deviceKeyAt, type AccountState } from "./accountLog";
import { equalBytes } from "./bytes";
import { checkSignature, readBody, readLink, refuseEntry, rootFingerprint, type Link } from "./entries";
import { toHex } from "./hex";

const HOUR_MS = 3_600_000;
const DELAY_HOURS_MIN = 24;

/** Where the other logs come from. An account whose log did not verify is null, as one that is unknown. */
export type AccountLookup = (accountId: Uint8Array) => AccountState | null;

type Certification = {
  readonly account: string;
  readonly role: Role;
  readonly index: number;
  readonly by: string;
  /** When it begins to count; null while it waits for a second steward. */
  readonly effectiveAt: number | null;
  readonly revokedIndex: number | null;
};

export type CommunityState = {
  readonly root: Uint8Array;
  readonly fingerprint: Uint8Array;
  readonly demo: boolean;
  readonly delayMs: number;
  readonly firstStewardInvite: Uint8Array;
  readonly identityKeys: ReadonlyMap<string, Uint8Array>;
  readonly certifications: readonly Certification[];
  /** The hash of each entry, to tell whether a head that somebody names is in this log. */
  readonly hashes: readonly Uint8Array[];
  readonly head: Head;
  readonly at: number;
};

/** Whether `role` of the account counts at `at`, judged by the log up to and with `headIndex`. */
export function isEffective(
  state: CommunityState,
  accountId: Uint8Array,
  role: Role,
  at: number,
  headIndex: number = state.head.index,
): boolean {
  const account = toHex(accountId);
  return state.certifications.some(
    (one) =>
      one.account === account &&
      one.role === role &&
      one.index <= headIndex &&
      one.effectiveAt !== null &&
      one.effectiveAt <= at &&
      (one.revokedIndex === null || one.revokedIndex > headIndex),
  );
}

/** Whether `head` is an entry of this log. */
export function holdsHead(state: CommunityState, head: Head): boolean {
  const hash = state.hashes[head.index];
  return hash !== undefined && equalBytes(hash, head.hash);
}

function stewardsAt(state: CommunityState, at: number): ReadonlySet<string> {
  const counted = state.certifications.filter(
    (one) =>
      one.role === "steward" &&
      one.revokedIndex === null &&
      one.effectiveAt !== null &&
      one.effectiveAt <= at,
  );
  return new Set(counted.map((one) => one.account));
}

function readGenesis(root: Uint8Array, link: Link): CommunityState {
  const { entry } = link;
  if (entry.action !== "genesis") refuseEntry("log.bad_entry", "a community begins with genesis");
  if (entry.author.account_id !== null || entry.author.device_id !== null) {
    refuseEntry("log.bad_entry", "genesis has no author");
  }
  const body = readBody(link, "genesis");
  if (!equalBytes(body.root, root)) refuseEntry("log.bad_entry", "another root");
  if (!body.demo && body.certify_delay_hours < DELAY_HOURS_MIN)
    refuseEntry("log.bad_entry", "delay too short");
  checkSignature(link, root, root);
  return {
    root,
    fingerprint: rootFingerprint(root),
    demo: body.demo,
    delayMs: body.certify_delay_hours * HOUR_MS,
    firstStewardInvite: body.first_steward_invite,
    identityKeys: new Map(),
    certifications: [],
    hashes: [link.head.hash],
    head: link.head,
    at: entry.at,
  };
}

function advance(state: CommunityState, link: Link): CommunityState {
  return { ...state, hashes: [...state.hashes, link.head.hash], head: link.head, at: link.entry.at };
}

function claimFirst(state: CommunityState, link: Link): CommunityState {
  const { author, at, index } = link.entry;
  const body = readBody(link, "claim");
  if (index !== 1) refuseEntry("log.bad_entry", "a claim stands at index 1 alone");
  if (
    author.account_id === null ||
    author.device_id !== null ||
    !equalBytes(author.account_id, body.account_id)
  ) {
    refuseEntry("log.bad_entry", "a claim is signed for oneself");
  }
  checkSignature(link, state.root, state.firstStewardInvite);
  const account = toHex(body.account_id);
  return {
    ...advance(state, link),
    identityKeys: new Map([[account, body.identity_key]]),
    certifications: [{ account, role: "steward", index, by: "", effectiveAt: at, revokedIndex: null }],
  };
}

function checkSteward(state: CommunityState, link: Link, accounts: AccountLookup): string {
  const { author, at } = link.entry;
  const account = author.account_id === null ? null : accounts(author.account_id);
  const identityKey = account === null ? undefined : state.identityKeys.get(toHex(account.accountId));
  if (account === null || identityKey === undefined || !equalBytes(identityKey, account.identityKey)) {
    return refuseEntry("log.no_power", "an unknown author");
  }
  const key = deviceKeyAt(account, author.device_id, at);
  if (key === null) return refuseEntry("log.no_power", "not a live device");
  checkSignature(link, state.root, key);
  if (!isEffective(state, account.accountId, "steward", at)) refuseEntry("log.no_power", "not a steward");
  return toHex(account.accountId);
}

function certify(state: CommunityState, link: Link, by: string): CommunityState {
  const { at, index } = link.entry;
  const body = readBody(link, "certify");
  const account = toHex(body.account_id);
  const known = state.identityKeys.get(account);
  if (known !== undefined && !equalBytes(known, body.identity_key))
    refuseEntry("log.bad_entry", "another identity");
  const stewards = stewardsAt(state, at);
  const seconded = state.certifications.some(
    (one) =>
      one.account === account &&
      one.role === body.role &&
      one.revokedIndex === null &&
      one.by !== by &&
      stewards.has(one.by),
  );
  let effectiveAt: number | null = null;
  if (state.demo || seconded) effectiveAt = at;
  else if (stewards.size === 1) effectiveAt = at + state.delayMs;
  const one: Certification = { account, role: body.role, index, by, effectiveAt, revokedIndex: null };
  return {
    ...advance(state, link),
    identityKeys: new Map(state.identityKeys).set(account, body.identity_key),
    certifications: [...state.certifications, one],
  };
}

function revoke(state: CommunityState, link: Link): CommunityState {
  const { at, index } = link.entry;
  const body = readBody(link, "revoke");
  const account = toHex(body.account_id);
  const ends = (one: Certification): boolean =>
    one.account === account && one.role === body.role && one.revokedIndex === null;
  if (!state.certifications.some(ends)) refuseEntry("log.bad_entry", "no such role");
  const stewards = stewardsAt(state, at);
  if (body.role === "steward" && stewards.size === 1 && stewards.has(account)) {
    refuseEntry("log.bad_entry", "the last steward stays");
  }
  return {
    ...advance(state, link),
    certifications: state.certifications.map((one) => (ends(one) ? { ...one, revokedIndex: index } : one)),
  };
}

/** Apply the next entry; `state` is null before genesis. `root` is the pinned one. Raises LogRefusal. */
export function applyCommunityEntry(
  root: Uint8Array,
  state: CommunityState | null,
  signed: SignedEntry,
  accounts: AccountLookup,
): CommunityState {
  const place = state === null ? null : { head: state.head, at: state.at };
  const link = readLink(signed, "community", rootFingerprint(root), place);
  if (state === null) return readGenesis(root, link);
  if (link.entry.action === "claim") return claimFirst(state, link);
  const by = checkSteward(state, link, accounts);
  switch (link.entry.action) {
    case "certify":
      return certify(state, link, by);
    case "revoke":
      return revoke(state, link);
    default:
      return refuseEntry("log.bad_entry", "not a community's action");
  }
}
