/**
 * Takes a room's items in, in the order of their seq, into a draft: entries into the log, commits into the group, messages
 * into the timeline. Replays, doubles and what was seen before change nothing; what does not check leaves a visible gap
 * (a message) or stops the room (an entry, a commit), and the draft of a stopped room is still worth storing.
 */
import { equalBytes } from "../crypto/bytes";
import { entryHash, LogRefusal, readBody, readLink, readSigned } from "../crypto/entries";
import { inspectCommit } from "../crypto/groupRules";
import { epochOf } from "../crypto/groupState";
import { toHex } from "../crypto/hex";
import { openPrivateMessage, type OpenedMessage } from "../crypto/openMessage";
import { Refusal } from "../crypto/refusal";
import { applyRoomEntry, type RoomState } from "../crypto/roomLog";
import { decodeCanonical } from "../protocol/codec";
import {
  LIMITS,
  type CommitItem,
  type EntryItem,
  type Item,
  type MessageItem,
  type SignedEntry,
} from "../protocol/generated";
import { ShapeError } from "../protocol/validate";
import type { Logs } from "./community";
import { eventOf } from "./events";
import { addedBy, adoptMade, communityHeadOf, readMessage, takeCommit, type Taken } from "./group";
import type { TimelineRecord } from "./records";
import { epochLog, lineAt, newestLog, type Group, type GroupMarks, type RoomDraft } from "./roomBook";

export type Page = {
  readonly after: number;
  readonly through: number;
  readonly items: readonly Item[];
};

export type TakeInContext = {
  readonly logs: Logs;
  readonly self: { readonly accountId: string; readonly deviceId: string };
  /** UTC milliseconds by the server's clock. */
  readonly now: () => number;
};

/** Errors by which a peer's or the server's bytes show themselves to be wrong; all others are ours and pass. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof Refusal || error instanceof LogRefusal || error instanceof ShapeError;

function mark(draft: RoomDraft, marks: Partial<GroupMarks>): void {
  if (draft.group === null) return;
  draft.group = { ...draft.group, marks: { ...draft.group.marks, ...marks } };
}

/** As it is now, whatever was known of it a step ago. */
const groupOf = (draft: RoomDraft): Group | null => draft.group;

/** Seqs that are not there: explained where a message could have expired by now, and counted as such. */
function passHole(draft: RoomDraft, group: Group, missing: number, now: number): void {
  const shortest = Math.min(...draft.record.log.map((log) => log.expirySeconds), LIMITS.EXPIRY_MAX_SECONDS);
  const { lastAt, holes } = group.marks;
  if (lastAt + shortest * 1000 <= now) mark(draft, { holes: holes + missing });
}

// --- Entries ---------------------------------------------------------------------------------------

/**
 * Fetch what judging this entry needs: the community up to its head, and its author. Not whom it admits: 25 people who
 * come at once are fetched together, with the commit that adds them.
 */
async function prepareEntry(logs: Logs, signed: SignedEntry): Promise<void> {
  const entry = readSigned(() => decodeCanonical("LogEntry", signed.entry));
  if (entry.community_head !== null) await logs.needHead(entry.community_head);
  const { account_id: account, device_id: device } = entry.author;
  if (account !== null && device !== null) {
    await logs.needAccounts([{ account: toHex(account), device: toHex(device) }]);
  }
}

/** Return the room's log with this entry; the same log for one that it holds already. Raises LogRefusal. */
export async function appendEntry(
  logs: Logs,
  roomId: Uint8Array,
  log: readonly RoomState[],
  signed: SignedEntry,
): Promise<readonly RoomState[]> {
  const newest = log[log.length - 1] ?? null;
  const index = readSigned(() => decodeCanonical("LogEntry", signed.entry)).index;
  if (newest !== null && index <= newest.head.index) {
    const known = newest.hashes[index];
    if (known === undefined || !equalBytes(known, entryHash(signed)))
      throw new LogRefusal("log.stale_head", "the log forked");
    return log;
  }
  await prepareEntry(logs, signed);
  return [...log, applyRoomEntry(logs.context(), roomId, newest, signed)];
}

async function takeEntry(draft: RoomDraft, item: EntryItem, context: TakeInContext): Promise<void> {
  const before = newestLog(draft);
  const { roomId } = draft.record;
  const log = await appendEntry(context.logs, roomId, draft.record.log, item.entry);
  const after = log[log.length - 1] ?? null;
  const link = readLinkLoosely(item.entry, roomId);
  if (after !== before) draft.record = { ...draft.record, log };
  // An entry that came with the log on joining is shown in its place all the same.
  const line = eventOf(item, link, { before, after, context: context.logs.context() });
  if (line !== null && lineAt(draft, item.seq) === null) draft.lines.set(item.seq, line);
  if (link.entry.action === "hide") noteHideReason(draft, item.entry);
  mark(draft, { lastAt: Math.max(draft.group?.marks.lastAt ?? 0, link.entry.at) });
}

/** The entry's own content; its place in the chain was checked by whoever appended it. */
function readLinkLoosely(signed: SignedEntry, roomId: Uint8Array) {
  const entry = readSigned(() => decodeCanonical("LogEntry", signed.entry));
  const place =
    entry.index === 0 ? null : { head: { index: entry.index - 1, hash: entry.previous_hash }, at: entry.at };
  return readLink(signed, "room", roomId, place);
}

function noteHideReason(draft: RoomDraft, signed: SignedEntry): void {
  const body = readBody(readLinkLoosely(signed, draft.record.roomId), "hide");
  const id = toHex(body.message_id);
  const own = [...draft.before.timeline.values(), ...draft.lines.values()].some(
    (line) => line?.kind === "message" && line.own && line.messageId === id,
  );
  if (!own) return;
  draft.record = { ...draft.record, hideReasons: new Map(draft.record.hideReasons).set(id, body.reason) };
}

// --- Commits ---------------------------------------------------------------------------------------

async function takeCommitItem(draft: RoomDraft, item: CommitItem, context: TakeInContext): Promise<void> {
  const { group } = draft;
  if (group === null || item.epoch < group.marks.epoch) return;
  if (item.epoch > group.marks.epoch) throw new Refusal("future-epoch");
  const own = draft.made.find((made) => equalBytes(made.bundle.commit, item.commit));
  const taken: Taken =
    own === undefined
      ? await takeOthersCommit(draft, group, item, context)
      : adoptMade(group, own, draft.record.log);
  draft.made = [];
  draft.wipe.push(...taken.wipe);
  if (taken.kind === "removed") {
    draft.group = null;
    return;
  }
  const { log } = draft.record;
  draft.record = { ...draft.record, log: log.slice(log.indexOf(taken.room)) };
  const senders = new Map(group.marks.senders);
  const fresh = { counter: 0, holes: group.marks.holes };
  for (const device of taken.removed) senders.delete(device);
  for (const device of taken.added) senders.set(device, fresh);
  // A commit that only adds has no path (RFC 9420 §12.4): it lets others in and renews nothing.
  const hasPath = own !== undefined && (own.bundle.adds.length === 0 || own.bundle.removes.length > 0);
  const renewed = hasPath ? { pathAt: item.at, sentSincePath: 0 } : {};
  draft.group = {
    state: taken.state,
    marks: {
      ...group.marks,
      ...renewed,
      epoch: Number(epochOf(taken.state)),
      communityIndex: taken.communityIndex,
      roomIndex: taken.room.head.index,
      senders,
      lastAt: Math.max(group.marks.lastAt, item.at),
    },
  };
}

async function takeOthersCommit(
  draft: RoomDraft,
  group: Group,
  item: CommitItem,
  { logs }: TakeInContext,
): Promise<Taken> {
  const opened = await openPrivateMessage(group.state, item.commit);
  if (opened.kind !== "commit") throw new Refusal("not-a-commit");
  await logs.needHead(communityHeadOf(opened));
  await logs.needAccounts(addedBy(inspectCommit(group.state, opened)));
  return takeCommit({
    roomId: draft.record.roomId,
    group,
    opened,
    log: draft.record.log,
    context: logs.context(),
    at: item.at,
  });
}

// --- Messages --------------------------------------------------------------------------------------

const gapAt = (item: MessageItem): TimelineRecord => ({
  kind: "gap",
  seq: item.seq,
  at: item.at,
  expiresAt: item.expires_at,
});

/** An own message comes back before its acknowledgement: this is one. False for one that nobody here remembers. */
function takeOwn(draft: RoomDraft, item: MessageItem, accountId: string): boolean {
  const id = toHex(item.message_id);
  const waiting = draft.outbox.find((message) => message.messageId === id);
  if (waiting === undefined) return false;
  draft.outbox = draft.outbox.filter((message) => message !== waiting);
  draft.lines.set(item.seq, {
    kind: "message",
    seq: item.seq,
    at: item.at,
    expiresAt: item.expires_at,
    messageId: id,
    accountId,
    own: true,
    text: waiting.text,
    note: waiting.note,
    missed: 0,
  });
  return true;
}

async function openMessage(group: Group, item: MessageItem): Promise<OpenedMessage | "own" | null> {
  try {
    const opened = await openPrivateMessage(group.state, item.ciphertext);
    return opened.kind === "message" ? opened : null;
  } catch (error) {
    if (error instanceof Refusal && error.code === "own-message") return "own";
    if (isRefusal(error)) return null;
    throw error;
  }
}

async function takeMessage(draft: RoomDraft, item: MessageItem, context: TakeInContext): Promise<void> {
  const { group } = draft;
  if (group === null) return;
  mark(draft, { lastAt: Math.max(group.marks.lastAt, item.at) });
  // Acknowledged before it came around.
  const line = lineAt(draft, item.seq);
  if (line?.kind === "message" && line.own) return;
  const opened = await openMessage(group, item);
  if (opened === "own" || opened === null) {
    // Also one whose ciphertext was swapped under way: that the server took it is all that it can tell.
    const isOwn = opened === "own" && takeOwn(draft, item, context.self.accountId);
    if (!isOwn) draft.lines.set(item.seq, gapAt(item));
    return;
  }
  // Its key is used up whatever it says.
  if (draft.group === null) return;
  draft.group = { ...draft.group, state: opened.newState };
  draft.wipe.push(...opened.wipe);
  const epoch = epochLog(draft);
  const newest = newestLog(draft);
  let read;
  try {
    read =
      epoch === null || newest === null
        ? null
        : readMessage(opened, draft.record.roomId, item.message_id, { epoch, newest });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    read = null;
  }
  if (read === null) {
    draft.lines.set(item.seq, gapAt(item));
    return;
  }
  const { senders, holes } = group.marks;
  const last = senders.get(read.device);
  // A repeat, by the author's own count: nothing is lost by dropping it.
  if (last !== undefined && read.counter <= last.counter) return;
  mark(draft, { senders: new Map(senders).set(read.device, { counter: read.counter, holes }) });
  const unexplained = last === undefined ? 0 : read.counter - last.counter - 1 - (holes - last.holes);
  draft.lines.set(item.seq, {
    kind: "message",
    seq: item.seq,
    at: item.at,
    expiresAt: item.expires_at,
    messageId: toHex(item.message_id),
    accountId: read.account,
    own: read.account === context.self.accountId,
    text: read.content.text,
    note: read.content.note,
    missed: Math.max(0, unexplained),
  });
}

// --- A page ----------------------------------------------------------------------------------------

async function takeItem(draft: RoomDraft, item: Item, context: TakeInContext): Promise<void> {
  switch (item.kind) {
    case "entry":
      return takeEntry(draft, item, context);
    case "commit":
      return takeCommitItem(draft, item, context);
    case "message":
      return takeMessage(draft, item, context);
  }
}

/**
 * Take a page in. Returns false when something before it is missing: ask for items after the cursor. Stops at the first
 * entry or commit that does not check, with the cursor before it and the room's `problem` set.
 */
export async function takePage(draft: RoomDraft, page: Page, context: TakeInContext): Promise<boolean> {
  const before = groupOf(draft);
  if (before === null || draft.record.problem !== null) return true;
  if (page.after > before.marks.cursor) return false;
  for (const item of page.items) {
    const group = groupOf(draft);
    if (group === null) return true;
    const { cursor } = group.marks;
    if (item.seq <= cursor) continue;
    if (item.seq > cursor + 1) passHole(draft, group, item.seq - cursor - 1, context.now());
    try {
      await takeItem(draft, item, context);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      draft.record = { ...draft.record, problem: "room.unconfirmed" };
      return true;
    }
    mark(draft, { cursor: item.seq });
  }
  const group = groupOf(draft);
  if (group !== null && page.through > group.marks.cursor) {
    passHole(draft, group, page.through - group.marks.cursor, context.now());
    mark(draft, { cursor: page.through });
  }
  return true;
}
