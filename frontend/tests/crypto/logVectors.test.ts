/** The same logs that the server's tests judge (tests/vectors): both languages must give the same answers. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { applyAccountEntry, verifyAccount, type AccountState } from "../../src/crypto/accountLog";
import {
  applyCommunityEntry,
  isEffective,
  type AccountLookup,
  type CommunityState,
} from "../../src/crypto/communityLog";
import { LogRefusal } from "../../src/crypto/entries";
import { fromHex, toHex } from "../../src/crypto/hex";
import { applyRoomEntry, type RoomState } from "../../src/crypto/roomLog";
import type { Role, SignedEntry } from "../../src/protocol/generated";

type Written = { entry: string; body: string | null; signature: string };
type Read = (text: string) => Uint8Array | null;
type Verdict<S> = { state: S | null; code: string | null; index: number | null };

function load(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../tests/vectors/${name}.json`, import.meta.url), "utf8"));
}

function must(bytes: Uint8Array | null): Uint8Array {
  if (bytes === null) throw new Error("a vector does not parse");
  return bytes;
}

function signed(written: Written, read: Read): SignedEntry {
  return {
    entry: must(read(written.entry)),
    body: written.body === null ? null : must(read(written.body)),
    signature: must(read(written.signature)),
  };
}

function judge<S>(
  entries: readonly SignedEntry[],
  apply: (state: S | null, entry: SignedEntry) => S,
): Verdict<S> {
  let state: S | null = null;
  for (const [index, entry] of entries.entries()) {
    try {
      state = apply(state, entry);
    } catch (error) {
      if (error instanceof LogRefusal) return { state: null, code: error.code, index };
      throw error;
    }
  }
  return { state, code: null, index: null };
}

type WrittenAccounts = readonly { account_id: string; entries: readonly Written[] }[];

function lookup(root: Uint8Array, accounts: WrittenAccounts, read: Read): AccountLookup {
  const states = new Map<string, AccountState>();
  for (const account of accounts) {
    try {
      const entries = account.entries.map((one) => signed(one, read));
      states.set(
        account.account_id,
        verifyAccount(root, { account_id: must(fromHex(account.account_id)), entries, profile: null }),
      );
    } catch (error) {
      if (!(error instanceof LogRefusal)) throw error;
    }
  }
  return (accountId) => states.get(toHex(accountId)) ?? null;
}

describe("the logs of accounts and the community", () => {
  type Question = {
    account_id: string;
    role: Role;
    at: number;
    head_index: number | null;
    effective: boolean;
  };
  const file = load("logs") as {
    root: string;
    account_logs: Readonly<Record<string, { account_id: string; entries: readonly Written[] }>>;
    cases: readonly {
      name: string;
      kind: "account" | "community";
      log_id: string;
      accounts: readonly string[];
      entries: readonly Written[];
      error: string | null;
      refused_index: number | null;
      state: {
        head: string;
        identity_key?: string;
        live?: string[];
        revoked?: string[];
        demo?: boolean;
        roles?: readonly Question[];
      } | null;
    }[];
  };
  const root = must(fromHex(file.root));

  it.each(file.cases)("$kind: $name", (one) => {
    const entries = one.entries.map((entry) => signed(entry, fromHex));
    const known = one.accounts.map((name) => file.account_logs[name]).filter((log) => log !== undefined);
    const accounts = lookup(root, known, fromHex);
    const logId = must(fromHex(one.log_id));
    const verdict: Verdict<AccountState | CommunityState> =
      one.kind === "account"
        ? judge<AccountState>(entries, (state, entry) => applyAccountEntry(root, logId, state, entry))
        : judge<CommunityState>(entries, (state, entry) => applyCommunityEntry(root, state, entry, accounts));
    expect([verdict.code, verdict.index]).toEqual([one.error, one.refused_index]);
    const { state } = verdict;
    if (state === null) return;
    expect(toHex(state.head.hash)).toBe(one.state?.head);
    if ("devices" in state) {
      const ids = (revoked: boolean) =>
        [...state.devices.entries()]
          .filter(([, device]) => (device.revokedAt !== null) === revoked)
          .map(([id]) => id);
      expect([ids(false), ids(true)]).toEqual([one.state?.live, one.state?.revoked]);
      expect(toHex(state.identityKey)).toBe(one.state?.identity_key);
    } else {
      expect(state.demo).toBe(one.state?.demo);
      for (const asked of one.state?.roles ?? []) {
        const headIndex = asked.head_index ?? state.head.index;
        const answer = isEffective(state, must(fromHex(asked.account_id)), asked.role, asked.at, headIndex);
        expect({ ...asked, effective: answer }).toEqual(asked);
      }
    }
  });
});

describe("a room's log", () => {
  type WrittenState = {
    group_id: string;
    members: { account_id: string; identity_key: string; role: string; muted: boolean }[];
    hidden: string[];
    locked: boolean;
    expiry_seconds: number;
    community_index: number;
    head: { index: number; hash: string };
  };
  const file = load("room_log") as {
    root: string;
    community: readonly Written[];
    accounts: Readonly<Record<string, readonly Written[]>>;
    room_id: string;
    chain: readonly Written[];
    states: readonly WrittenState[];
    cases: readonly {
      name: string;
      known_community_entries: number;
      replaced_accounts: Readonly<Record<string, readonly Written[]>>;
      after: number;
      entries: readonly Written[];
      error: string | null;
      refused_index: number | null;
      state: WrittenState | null;
    }[];
  };
  const root = must(fromHex(file.root));
  const roomId = must(fromHex(file.room_id));

  function written(state: RoomState): WrittenState {
    const members = [...state.members.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      group_id: toHex(state.groupId),
      members: members.map(([account_id, member]) => ({
        account_id,
        identity_key: toHex(member.identityKey),
        role: member.role,
        muted: member.muted,
      })),
      hidden: [...state.hidden].sort(),
      locked: state.locked,
      expiry_seconds: state.expirySeconds,
      community_index: state.communityIndex,
      head: { index: state.head.index, hash: toHex(state.head.hash) },
    };
  }

  const listed = (logs: typeof file.accounts) =>
    Object.entries(logs).map(([account_id, entries]) => ({ account_id, entries }));
  // The community is judged by the logs as they are: it is the room's reader who was shown other ones.
  const honest = lookup(root, listed(file.accounts), fromHex);
  const communities: CommunityState[] = [];
  for (const entry of file.community) {
    const before = communities[communities.length - 1] ?? null;
    communities.push(applyCommunityEntry(root, before, signed(entry, fromHex), honest));
  }

  function read(known: number, replaced: typeof file.accounts, log: readonly Written[]) {
    const shown = lookup(root, listed(replaced), fromHex);
    const accounts: AccountLookup = (accountId) =>
      toHex(accountId) in replaced ? shown(accountId) : honest(accountId);
    const community = communities[known - 1];
    if (community === undefined) throw new Error("a vector without a community");
    return judge<RoomState>(
      log.map((entry) => signed(entry, fromHex)),
      (state, entry) => applyRoomEntry({ community, accounts }, roomId, state, entry),
    );
  }

  it("gives the same state after each entry of a log with every action", () => {
    expect(new Set(file.states.map((state) => state.head.index)).size).toBe(file.chain.length);
    for (const [index, state] of file.states.entries()) {
      const verdict = read(file.community.length, {}, file.chain.slice(0, index + 1));
      expect(verdict.code).toBeNull();
      expect(verdict.state === null ? null : written(verdict.state)).toEqual(state);
    }
  });

  it.each(file.cases)("$name", (one) => {
    const log = [...file.chain.slice(0, one.after), ...one.entries];
    const verdict = read(one.known_community_entries, one.replaced_accounts, log);
    expect([verdict.code, verdict.index]).toEqual([one.error, one.refused_index]);
    expect(verdict.state === null ? null : written(verdict.state)).toEqual(one.state);
  });
});
