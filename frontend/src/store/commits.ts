/**
 * Carrying a commit through: made, stored, sent, and known to have won or lost only by the room's own feed. A lost race
 * takes the winner in and builds again. Whatever the answer was, a made commit is kept until its epoch is over: one whose
 * request was late may still win, and its keys must be there.
 */
import { equalBytes } from "../crypto/bytes";
import { makeEntry, type BodyOf } from "../crypto/entries";
import type { Leaf as TreeLeaf } from "../crypto/groupState";
import { fromHex, toHex } from "../crypto/hex";
import { readKeyPackage } from "../crypto/keyPackage";
import { claimOf, rightLeaf } from "../crypto/leaves";
import { applyRoomEntry, type RoomState } from "../crypto/roomLog";
import { CallError } from "../protocol/failure";
import type { Action, SignedEntry } from "../protocol/generated";
import { openGroup, type Core } from "./core";
import { planCommit, wrongLeaves, type CommitPlan } from "./group";
import type { MadeRecord } from "./records";
import { newestLog, type Room } from "./roomBook";

const TRIES = 8;
/** How long the feed may take to bring what the server said it has. */
const FEED_MS = 5_000;

/** What a part of the store that waits for the feed needs of sync. */
export interface Feed {
  /** Ask for everything after the room's cursor; resolves when the answers were taken in. */
  catchUp: (roomId: string) => Promise<void>;
}

/** Make an entry of the room's log that follows `log`. */
export function draftEntry<A extends Action>(
  core: Core,
  log: RoomState,
  action: A,
  body: BodyOf<A>,
): SignedEntry {
  return makeEntry(
    {
      log: "room",
      logId: log.roomId,
      place: { head: log.head, at: log.at },
      communityHead: core.logs.community().head,
      author: { account_id: core.self.accountId, device_id: core.self.deviceId },
      action,
      body,
      // Never before the entry it follows, whatever this clock says.
      at: Math.max(core.clock.now(), log.at),
    },
    core.sign,
  );
}

type Wish = {
  /** Builds the entry that lands with the commit, anew for each try; null where there is none. */
  readonly entry: ((log: RoomState) => SignedEntry) | null;
  readonly adds: CommitPlan["adds"];
  /** The epoch that `adds` was fetched for. */
  readonly epoch: number;
};

/** The answer to "what shall the next commit do": null when there is nothing to do any more. */
export type Ask = (room: Room) => Promise<Wish | null>;

function isLost(error: unknown): error is CallError {
  return (
    error instanceof CallError &&
    ["room.stale_epoch", "log.stale_head", "room.not_pending", "log.wrong_clock"].includes(error.code)
  );
}

async function makeAndStore(core: Core, roomId: Uint8Array, wish: Wish): Promise<MadeRecord | null> {
  return core.book.change(roomId, async (draft) => {
    const { group } = draft;
    const log = newestLog(draft);
    if (group === null || log === null || draft.record.problem !== null)
      throw new CallError("request.not_found");
    if (group.marks.epoch !== wish.epoch) return null;
    const context = core.logs.context();
    const entry = wish.entry === null ? null : wish.entry(log);
    const after = entry === null ? log : applyRoomEntry(context, roomId, log, entry);
    const removes = wrongLeaves(context, after, group.state);
    const { made, wipe } = await planCommit({
      roomId,
      group,
      context,
      log: after,
      entry,
      adds: wish.adds.filter((add) => isWanted(core, after, add)),
      removes,
      at: core.clock.now(),
    });
    draft.made = [...draft.made, made];
    draft.wipe.push(...wipe);
    return made;
  });
}

/** Right by the log, and not in the group already. */
function isWanted(core: Core, log: RoomState, add: CommitPlan["adds"][number]): boolean {
  const { identity, signatureKey } = readKeyPackage(add.keyPackage);
  const leaf = rightLeaf(core.logs.context(), log, identity, signatureKey);
  return leaf !== null && equalBytes(leaf.deviceId, add.deviceId);
}

/** Send a made commit, with its entry where it has one. Returns the seq of the commit. */
export async function postMade(core: Core, made: MadeRecord): Promise<number> {
  const room = toHex(made.roomId);
  if (made.entry === null) return (await core.api.call("commit", { commit: made.bundle }, { room })).seq;
  const answer = await core.api.call("appendRoom", { entry: made.entry, commit: made.bundle }, { room });
  return answer.seq + 1;
}

async function markRefused(core: Core, made: MadeRecord): Promise<void> {
  await core.book.change(made.roomId, (draft) => {
    draft.made = draft.made.map((one) => (one.id === made.id ? { ...one, refused: true } : one));
  });
}

/** Wait until the feed has brought `isTrue` about, asking for it where it is slow. */
export async function awaitFeed(
  core: Core,
  feed: Feed,
  roomId: string,
  isTrue: () => boolean,
): Promise<void> {
  for (let tries = 0; tries < 3; tries++) {
    if (await core.watch.until(isTrue, tries === 0 ? FEED_MS : 200)) return;
    await feed.catchUp(roomId);
  }
  if (!isTrue()) throw new CallError("network");
}

export const epochIs = (core: Core, roomId: string): number =>
  core.book.get(roomId)?.group?.marks.epoch ?? Infinity;
export const cursorIs = (core: Core, roomId: string): number =>
  core.book.get(roomId)?.group?.marks.cursor ?? Infinity;

/**
 * Carry out what `ask` wants done. Returns false when there was nothing to do. Raises CallError: after `network` the
 * commit may still land, and the feed will show it.
 */
export async function runCommit(core: Core, feed: Feed, roomId: string, ask: Ask): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries++) {
    const room = openGroup(core, roomId);
    const { epoch } = room.group.marks;
    try {
      const wish = await ask(room);
      if (wish === null) return false;
      const made = await makeAndStore(core, room.record.roomId, wish);
      if (made === null) continue;
      await postOrMark(core, feed, made);
      return true;
    } catch (error) {
      if (!isLost(error)) throw error;
      if (error.code === "room.stale_epoch") {
        await awaitFeed(core, feed, roomId, () => epochIs(core, roomId) > epoch);
      } else {
        await core.logs.syncCommunity();
        await feed.catchUp(roomId);
      }
    }
  }
  throw new CallError("room.stale_epoch");
}

/** Send a made commit and wait until the feed shows it; note a refusal, so that it is not sent again. */
async function postOrMark(core: Core, feed: Feed, made: MadeRecord): Promise<void> {
  const roomId = toHex(made.roomId);
  let seq: number;
  try {
    seq = await postMade(core, made);
  } catch (error) {
    if (error instanceof CallError && error.code !== "network") await markRefused(core, made);
    throw error;
  }
  await awaitFeed(core, feed, roomId, () => cursorIs(core, roomId) >= seq);
}

/** Commits whose fate was open when the app closed: sent again as they are, since they may have landed. */
export async function settleMade(core: Core, feed: Feed, roomId: string): Promise<void> {
  const open = core.book.get(roomId)?.made.filter((made) => !made.refused) ?? [];
  for (const made of open) {
    if (epochIs(core, roomId) !== made.epoch) return;
    try {
      await postOrMark(core, feed, made);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      if (error.code === "network") return;
    }
  }
}

/** Renew this device's keys, and remove whoever has no place in the group any more. */
export const askPath: Ask = async (room) =>
  room.group === null ? null : { entry: null, adds: [], epoch: room.group.marks.epoch };

/** Only remove those who have no place any more. */
export function askCleaning(core: Core): Ask {
  return async (room) => {
    const log = newestLog(room);
    if (room.group === null || log === null) return null;
    const wrong = wrongLeaves(core.logs.context(), log, room.group.state);
    return wrong.length === 0 ? null : { entry: null, adds: [], epoch: room.group.marks.epoch };
  };
}

/** What the server's bookkeeping says is pending, with a key package for each device that the logs allow. */
export function askPending(core: Core, feed: Feed): Ask {
  return async (room) => {
    const pending = await core.api.call("pending", null, { room: room.id });
    if (pending.epoch > (room.group?.marks.epoch ?? 0)) await feed.catchUp(room.id);
    // Together, since each is a round trip that newcomers wait for; what is claimed counts only by the logs.
    const [, claimed] = await Promise.all([
      core.logs.needAccounts(
        pending.adds.map((add) => ({ account: toHex(add.account_id), device: toHex(add.device_id) })),
      ),
      pending.adds.length === 0
        ? []
        : claimPackages(
            core,
            room.id,
            pending.adds.map((add) => add.device_id),
          ),
    ]);
    const current = openGroup(core, room.id);
    const log = newestLog(current);
    if (log === null) return null;
    const context = core.logs.context();
    const wanted = pending.adds.filter((add) => isAdmitted(core, log, add.account_id, add.device_id));
    const isClean = wrongLeaves(context, log, current.group.state).length === 0;
    const adds = claimed.filter((one) => wanted.some((add) => equalBytes(add.device_id, one.deviceId)));
    if (adds.length === 0 && isClean) return null;
    return { entry: null, adds, epoch: current.group.marks.epoch };
  };
}

function isAdmitted(core: Core, log: RoomState, accountId: Uint8Array, deviceId: Uint8Array): boolean {
  const member = log.members.get(toHex(accountId));
  const account = core.logs.accounts().get(toHex(accountId));
  return member !== undefined && account?.devices.get(toHex(deviceId))?.revokedAt === null;
}

async function claimPackages(
  core: Core,
  room: string,
  deviceIds: readonly Uint8Array[],
): Promise<CommitPlan["adds"]> {
  const answer = await core.api.call("claim", { device_ids: deviceIds.slice(0, 30) }, { room });
  return answer.key_packages.map((claimed) => ({
    deviceId: claimed.device_id,
    keyPackage: claimed.key_package,
  }));
}

/** Append an entry that needs no commit, and wait until the room's feed shows it. */
export async function runEntry<A extends Action>(
  core: Core,
  feed: Feed,
  roomId: string,
  action: A,
  body: BodyOf<A>,
): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const room = openGroup(core, roomId);
    const log = newestLog(room);
    if (log === null) throw new CallError("request.not_found");
    const entry = draftEntry(core, log, action, body);
    // Refused here as everyone else would refuse it.
    applyRoomEntry(core.logs.context(), room.record.roomId, log, entry);
    try {
      const { seq } = await core.api.call("appendRoom", { entry, commit: null }, { room: roomId });
      if (action !== "leave") await awaitFeed(core, feed, roomId, () => cursorIs(core, roomId) >= seq);
      return;
    } catch (error) {
      if (!isLost(error)) throw error;
      await core.logs.syncCommunity();
      await feed.catchUp(roomId);
    }
  }
  throw new CallError("log.stale_head");
}

/** Append an entry that lands together with a commit: a removal or a mute. */
export function runEntryWithCommit<A extends Action>(
  core: Core,
  feed: Feed,
  roomId: string,
  action: A,
  body: BodyOf<A>,
): Promise<boolean> {
  return runCommit(core, feed, roomId, async (room) =>
    room.group === null
      ? null
      : { entry: (log) => draftEntry(core, log, action, body), adds: [], epoch: room.group.marks.epoch },
  );
}

export const idBytes = (id: string): Uint8Array => {
  const bytes = fromHex(id);
  if (bytes?.length !== 16) throw new CallError("request.not_found");
  return bytes;
};

/** The account whose leaf it is, for a leaf that was judged before. */
export const accountOf = (leaf: TreeLeaf): string => {
  const claim = claimOf(leaf.identity);
  return claim === null ? "" : toHex(claim.accountId);
};
