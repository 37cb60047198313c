/**
 * The community's log and the accounts' logs, as far as this device has verified them. Heads are remembered: a log that is
 * shorter than it was, or another one from some entry on, is refused, whoever brings it.
 *
 * It fetches what a rule needs to know; what the entries may do is judged in crypto.
 */
import { applyAccountEntry, readProfile, type AccountState } from "../crypto/accountLog";
import { equalBytes } from "../crypto/bytes";
import {
  applyCommunityEntry,
  holdsHead,
  type AccountLookup,
  type CommunityState,
} from "../crypto/communityLog";
import { entryHash, refuseEntry } from "../crypto/entries";
import { fromHex, toHex } from "../crypto/hex";
import type { RoomContext } from "../crypto/roomLog";
import type { Api } from "../protocol/endpoints";
import { LIMITS, type AccountLog, type Head, type LogAnswer } from "../protocol/generated";
import type { Batch, Database } from "./database";
import { PLACES } from "./records";

export type KnownAccounts = ReadonlyMap<string, AccountState>;

/** Let timers, input and frames in between: 60 accounts are seconds of checking on an old phone. */
const breathe = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, 0);
  });

/**
 * Return `account` verified, as an extension of what was known; raise LogRefusal for a fork or a rollback. Answers for
 * people without a session leave the profile out: then the known one stays.
 */
export function extendAccount(
  root: Uint8Array,
  known: AccountState | undefined,
  account: AccountLog,
  profileLeftOut: boolean,
): AccountState {
  let state: AccountState | null = known ?? null;
  if (known !== undefined) {
    const same = account.entries[known.head.index];
    if (same === undefined) return refuseEntry("log.stale_head", "an account's log went back");
    if (!equalBytes(entryHash(same), known.head.hash))
      refuseEntry("log.stale_head", "an account's log forked");
  }
  for (const signed of account.entries.slice(known === undefined ? 0 : known.head.index + 1)) {
    state = applyAccountEntry(root, account.account_id, state, signed);
  }
  if (state === null) return refuseEntry("log.bad_entry", "an empty log");
  if (profileLeftOut && account.profile === null) return state;
  const profile = readProfile(root, state, account.profile);
  const isKnown =
    state === known && profile?.at === known.profile?.at && profile?.handle === known.profile?.handle;
  return isKnown ? known : { ...state, profile };
}

async function extendAccounts(
  root: Uint8Array,
  known: KnownAccounts,
  accounts: readonly AccountLog[],
  profileLeftOut: boolean,
): Promise<Map<string, AccountState>> {
  const changed = new Map<string, AccountState>();
  for (const account of accounts) {
    const id = toHex(account.account_id);
    changed.set(id, extendAccount(root, changed.get(id) ?? known.get(id), account, profileLeftOut));
    await breathe();
  }
  return changed;
}

const lookupIn =
  (...maps: readonly KnownAccounts[]): AccountLookup =>
  (accountId) => {
    const id = toHex(accountId);
    for (const map of maps) {
      const found = map.get(id);
      if (found !== undefined) return found;
    }
    return null;
  };

/**
 * Return the log with what `answer` adds. `answer` was asked from the newest entry that is known, so that the entry itself
 * must come first: that is how a rollback and a fork are told from silence.
 */
function extendCommunity(
  root: Uint8Array,
  known: CommunityState | null,
  answer: LogAnswer,
  accounts: AccountLookup,
): CommunityState {
  let state = known;
  let fresh = answer.entries;
  if (known !== null) {
    const [same, ...rest] = answer.entries;
    if (same === undefined) return refuseEntry("log.stale_head", "the community's log went back");
    if (!equalBytes(entryHash(same), known.head.hash))
      refuseEntry("log.stale_head", "the community's log forked");
    fresh = rest;
  }
  for (const signed of fresh) state = applyCommunityEntry(root, state, signed, accounts);
  return state ?? refuseEntry("log.bad_entry", "an empty log");
}

export type Verified = { readonly community: CommunityState; readonly accounts: KnownAccounts };

/** The community as `root` pins it, from genesis. For those who have nothing yet; `answer` was asked from index 0. */
export async function verifyCommunity(root: Uint8Array, answer: LogAnswer): Promise<Verified> {
  const accounts = await extendAccounts(root, new Map(), answer.accounts, true);
  return { community: extendCommunity(root, null, answer, lookupIn(accounts)), accounts };
}

export interface Logs {
  community: () => CommunityState;
  accounts: () => KnownAccounts;
  context: () => RoomContext;
  /** Fetch what is new in the community's log. */
  syncCommunity: () => Promise<void>;
  /** Make sure that an entry or a commit which names `head` can be judged; raise LogRefusal if there is no such entry. */
  needHead: (head: Head) => Promise<void>;
  /** Fetch accounts of which nothing, or not this device, is known yet. Those that may not be seen stay unknown. */
  needAccounts: (wanted: Iterable<{ readonly account: string; readonly device?: string }>) => Promise<void>;
  /** Fetch the logs of these accounts, known or not. */
  refreshAccounts: (accountIds: readonly string[]) => Promise<void>;
  /** Verify and keep what an answer brought along. */
  takeAccounts: (accounts: readonly AccountLog[]) => Promise<void>;
}

export function saveVerified(batch: Batch, verified: Verified): void {
  batch.put(PLACES.community, verified.community);
  for (const [id, account] of verified.accounts) batch.put(PLACES.account(id), account);
}

/** Return the logs that `db` holds, ready to grow. */
export function createLogs(make: { api: Api; db: Database; verified: Verified; onChange: () => void }): Logs {
  const { api, db } = make;
  let community = make.verified.community;
  let accounts = new Map(make.verified.accounts);
  // One at a time: two answers that each extend the same state would undo each other.
  let busy: Promise<unknown> = Promise.resolve();
  const alone = <T>(step: () => Promise<T>): Promise<T> => {
    const running = busy.then(step, step);
    busy = running.catch(() => undefined);
    return running;
  };

  async function keep(
    brought: ReadonlyMap<string, AccountState>,
    grown: CommunityState | null,
  ): Promise<void> {
    const changed = new Map([...brought].filter(([id, state]) => state !== accounts.get(id)));
    if (changed.size === 0 && grown === null) return;
    await db.write((batch) => {
      if (grown !== null) batch.put(PLACES.community, grown);
      for (const [id, account] of changed) batch.put(PLACES.account(id), account);
    });
    if (grown !== null) community = grown;
    accounts = new Map([...accounts, ...changed]);
    make.onChange();
  }

  function growCommunity(): Promise<void> {
    return alone(async () => {
      const answer = await api.call("communityLog", null, { query: { after: community.head.index } });
      const changed = await extendAccounts(community.root, accounts, answer.accounts, true);
      const grown = extendCommunity(community.root, community, answer, lookupIn(changed, accounts));
      await keep(changed, grown.head.index === community.head.index ? null : grown);
    });
  }

  function take(brought: readonly AccountLog[]): Promise<void> {
    return alone(async () => {
      await keep(await extendAccounts(community.root, accounts, brought, false), null);
    });
  }

  async function refresh(accountIds: readonly string[]): Promise<void> {
    for (let start = 0; start < accountIds.length; start += LIMITS.ROOM_MEMBERS_MAX) {
      const asked = accountIds.slice(start, start + LIMITS.ROOM_MEMBERS_MAX);
      const ids = asked.map((id) => fromHex(id)).filter((id) => id !== null);
      const answer = await api.call("accountLogs", { account_ids: ids });
      await take(answer.accounts.filter((account) => asked.includes(toHex(account.account_id))));
    }
  }

  return {
    community: () => community,
    accounts: () => accounts,
    context: () => ({ community, accounts: lookupIn(accounts) }),
    syncCommunity: growCommunity,
    needHead: async (head) => {
      if (head.index > community.head.index) await growCommunity();
      if (!holdsHead(community, head)) refuseEntry("log.bad_entry", "community head");
    },
    needAccounts: async (wanted) => {
      const missing = new Set<string>();
      for (const { account, device } of wanted) {
        const known = accounts.get(account);
        if (known === undefined || (device !== undefined && !known.devices.has(device))) missing.add(account);
      }
      if (missing.size > 0) await refresh([...missing]);
    },
    refreshAccounts: refresh,
    takeAccounts: take,
  };
}
