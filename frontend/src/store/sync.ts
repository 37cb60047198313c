/**
 * The engine: brings this device to where the server is, and keeps it there. The database is the truth and a push only a
 * hint: what does not follow the cursor is asked for again, in order, and the cursor moves in the transaction that stores
 * what it passed. So a page that is interrupted anywhere starts again from the last whole step.
 */
import { LogRefusal } from "../crypto/entries";
import { toHex } from "../crypto/hex";
import { CallError } from "../protocol/failure";
import {
  CLOSE_CODES,
  LIMITS,
  type DeviceItem,
  type Items,
  type Notice,
  type PresenceUpdate,
  type Ready,
  type ServerFrame,
} from "../protocol/generated";
import type { LinkState } from "../protocol/link";
import { askPath, askPending, idBytes, runCommit, settleMade, type Feed } from "./commits";
import type { Core } from "./core";
import { createGather } from "./gather";
import { isRefusal, type TakeInContext } from "./items";
import { takeWelcome } from "./joining";
import { tendKeyPackages } from "./keyStock";
import { createListLook } from "./listLook";
import { createOutbox, type Outbox } from "./outbox";
import { createPoller } from "./poller";
import { PLACES, type CursorRecord } from "./records";
import { createRenewals } from "./renewals";
import { dropExpired, refreshRooms } from "./roomList";
import { newestLog, type Room } from "./roomBook";
import { createTurns } from "./turns";

const RETRY_MS = 2_000;
const EXPIRY_TICK_MS = 15_000;

export type SyncEvents = {
  readonly connection: (isOnline: boolean) => void;
  readonly presence: (update: PresenceUpdate) => void;
  /** Something about this room's waiting people may have changed; null: about any room. */
  readonly waiting: (roomId: string | null) => void;
  /** The socket ended for good: signed out, replaced, or too old. */
  readonly ended: (closeCode: number) => void;
  readonly roomsListed: () => void;
  /** Storage failed, or a fault of ours: what was shown stays, nothing more is taken in. */
  readonly broken: (error: unknown) => void;
  /** A log forked, went back or was forged: nothing of it is believed. */
  readonly distrusted: () => void;
};

export interface Sync extends Feed {
  readonly outbox: Outbox;
  start: (cursor: CursorRecord) => void;
  stop: () => void;
  refresh: () => Promise<void>;
  /** Whether all that the server was known to have in this room was taken in; true while there is no network to ask. */
  isCaughtUp: (roomId: string) => boolean;
  /** Sign of life: try at once what waits. */
  nudge: () => void;
  /** For tests and scenarios: resolves when nothing that was begun is still running. */
  idle: () => Promise<void>;
}

export function createSync(core: Core, events: SyncEvents): Sync {
  const { link, setTimer, random } = core.ports;
  const running = new Set<Promise<unknown>>();
  const pulling = new Map<string, Promise<void>>();
  const newestSeq = new Map<string, number>();
  const cancels = new Set<() => void>();
  let deviceSeq = 0;
  let isLive = false;
  let isStopped = false;
  let takingDevice: Promise<void> = Promise.resolve();

  const context: TakeInContext = { logs: core.logs, self: core.ids, now: core.clock.now };
  const take = createGather(core.book, context, afterPage);
  const feed: Feed = { catchUp };
  const turns = createTurns({
    ask: (roomId, isUrgent) => link.send({ type: "turn", room_id: idBytes(roomId), urgent: isUrgent }),
    commitPending: (roomId) => runCommit(core, feed, roomId, askPending(core, feed)),
    commitPath: (roomId) => runCommit(core, feed, roomId, askPath),
    pathAt: (roomId) => core.book.get(roomId)?.group?.marks.pathAt,
    watch: core.watch,
    now: core.ports.now,
  });
  const planRenewal = createRenewals({
    room: core.book.get,
    later,
    random,
    now: core.clock.now,
    renew: (roomId) => {
      beside(() => turns.renew(roomId, false));
    },
  });
  const lookAtList = createListLook({
    later,
    random,
    now: core.ports.now,
    look: (roomId) => {
      beside(async () => {
        await refreshRooms(core);
        events.roomsListed();
        events.waiting(roomId);
      });
    },
  });
  const outbox = createOutbox(core, feed, turns);
  const poller = createPoller({ setTimer, random, poll, onBroken: events.broken });

  /** Let it run beside; what the network or a peer did wrong is dealt with by the next try, all else is a fault of ours. */
  function beside(work: () => Promise<unknown>): void {
    if (isStopped) return;
    const promise = work().catch((error: unknown) => {
      if (isStopped || error instanceof CallError) return;
      if (error instanceof LogRefusal) events.distrusted();
      else if (!isRefusal(error)) events.broken(error);
    });
    running.add(promise);
    void promise.finally(() => running.delete(promise));
  }

  function later(run: () => void, ms: number): () => void {
    const cancel = setTimer(() => {
      cancels.delete(cancel);
      if (!isStopped) run();
    }, ms);
    cancels.add(cancel);
    return cancel;
  }

  // --- Rooms ---------------------------------------------------------------------------------------

  function afterPage(room: Room, epochBefore: number): void {
    if (room.group === null) {
      beside(() => refreshRooms(core));
    } else if (room.group.marks.epoch !== epochBefore) {
      planRenewal(room);
    }
    if (room.outbox.some((message) => message.failure === null)) beside(() => outbox.pump(room.id));
  }

  /** Pull page after page until the server has no more. One at a time for a room. */
  function catchUp(roomId: string): Promise<void> {
    const already = pulling.get(roomId);
    if (already !== undefined) return already;
    const work = (async () => {
      for (;;) {
        const room = core.book.get(roomId);
        if (room === null || room.group === null || room.record.problem !== null) return;
        const { cursor } = room.group.marks;
        const answer = await core.api.call("items", null, {
          room: roomId,
          query: { after: cursor, limit: LIMITS.PULL_MAX_ITEMS },
        });
        if (answer.after !== cursor || answer.through <= cursor) return;
        await take(room.record.roomId, answer);
        if ((core.book.get(roomId)?.group?.marks.cursor ?? Infinity) <= cursor) return;
      }
    })().finally(() => pulling.delete(roomId));
    pulling.set(roomId, work);
    return work;
  }

  /** Ask for what follows the cursor; by the socket where it lives, since its answer needs no further round trip. */
  function pull(roomId: string): void {
    const room = core.book.get(roomId);
    if (room === null || room.group === null || room.record.problem !== null) return;
    const after = room.group.marks.cursor;
    const frame = { type: "pull", room_id: room.record.roomId, after, limit: LIMITS.PULL_MAX_ITEMS } as const;
    if (!isLive || !link.send(frame)) beside(() => catchUp(roomId));
  }

  async function onItems(frame: Items): Promise<void> {
    const roomId = toHex(frame.room_id);
    newestSeq.set(roomId, Math.max(newestSeq.get(roomId) ?? 0, frame.through));
    const before = core.book.get(roomId)?.group?.marks.cursor ?? null;
    if (before === null) return;
    const isWhole = await take(frame.room_id, frame);
    const cursor = core.book.get(roomId)?.group?.marks.cursor ?? null;
    if (cursor === null) return;
    // An answer that was cut at its size does not say so: whatever brought something is followed by another pull.
    if (!isWhole || (!frame.pushed && cursor > before)) pull(roomId);
  }

  // --- The device's own events ------------------------------------------------------------------------

  async function takeDeviceItem(item: DeviceItem): Promise<void> {
    const cursor: CursorRecord = { deviceSeq: item.seq };
    if (item.kind === "welcome") {
      try {
        await takeWelcome(core, item, cursor);
        const room = core.book.get(toHex(item.room_id));
        if (room !== null) planRenewal(room);
        pull(toHex(item.room_id));
      } catch (error) {
        // Not for us, or not to be believed: it must not stand in the way of the next one.
        if (!isRefusal(error)) throw error;
        if (error instanceof LogRefusal) events.distrusted();
      }
    } else if (item.kind === "room" && item.what === "waiting") {
      events.waiting(toHex(item.room_id));
    }
    await core.db.write((batch) => {
      batch.put(PLACES.cursor, cursor);
    });
    deviceSeq = item.seq;
  }

  /** Take events in, in order, one page after the other. Events before the cursor were seen; after a gap all is asked again. */
  function takeDevicePage(page: {
    after: number;
    through: number;
    items: readonly DeviceItem[];
  }): Promise<void> {
    const work = async (): Promise<void> => {
      if (page.after > deviceSeq) {
        askDevice();
        return;
      }
      const fresh = page.items.filter((item) => item.seq > deviceSeq);
      for (const item of fresh) await takeDeviceItem(item);
      if (fresh.length > 0) {
        await refreshRooms(core);
        events.roomsListed();
        // Asked again, so that the server forgets what was taken in.
        askDevice();
      }
    };
    takingDevice = takingDevice.then(work, work);
    return takingDevice;
  }

  function askDevice(): void {
    if (isLive && link.send({ type: "pull_device", after: deviceSeq })) return;
    if (isLive) return;
    beside(async () => {
      await takeDevicePage(await core.api.call("deviceItems", null, { query: { after: deviceSeq } }));
    });
  }

  // --- Frames ------------------------------------------------------------------------------------------

  async function refresh(): Promise<void> {
    await Promise.all([core.logs.syncCommunity(), refreshRooms(core)]);
    events.roomsListed();
    events.waiting(null);
  }

  function onReady(frame: Ready): void {
    core.clock.learn(frame.now);
    for (const mark of frame.rooms) {
      const id = toHex(mark.room_id);
      newestSeq.set(id, mark.last_seq);
      const cursor = core.book.get(id)?.group?.marks.cursor;
      if (cursor !== undefined && cursor < mark.last_seq) pull(id);
    }
    askDevice();
    beside(refresh);
    beside(() => tendKeyPackages(core));
    nudge();
  }

  function onNotice(frame: Notice): void {
    const roomId = frame.room_id === null ? null : toHex(frame.room_id);
    if (frame.notice === "commit_wanted" && roomId !== null) beside(() => turns.takeTurn(roomId));
    if (frame.notice === "turn_queued" && roomId !== null) turns.onQueued(roomId);
    if (frame.notice === "behind" && roomId !== null) pull(roomId);
    if (frame.notice === "refetch") {
      if (roomId === null) beside(core.logs.syncCommunity);
      lookAtList(roomId, roomId === null || isLeading(roomId));
    }
  }

  function isLeading(roomId: string): boolean {
    const room = core.book.get(roomId);
    return room !== null && newestLog(room)?.members.get(core.ids.accountId)?.role === "leader";
  }

  async function onFrame(frame: ServerFrame): Promise<void> {
    if (isStopped) return;
    switch (frame.type) {
      case "ready":
        onReady(frame);
        return;
      case "ack":
        outbox.onAnswer(frame);
        return;
      case "refused":
        if (frame.message_id !== null) outbox.onAnswer(frame);
        // A pull that failed: nothing more comes by itself.
        else askLater(frame.room_id === null ? null : toHex(frame.room_id));
        return;
      case "items":
        await guarded(() => onItems(frame), toHex(frame.room_id));
        return;
      case "device_items":
        await guarded(() => takeDevicePage(frame), null);
        return;
      case "presence":
        events.presence(frame);
        return;
      case "notice":
        onNotice(frame);
        return;
    }
  }

  /** Ask for a room's items, or for this device's events, a little later. */
  function askLater(roomId: string | null): void {
    const ask = (): void => {
      if (roomId === null) askDevice();
      else pull(roomId);
    };
    later(ask, RETRY_MS * (1 + random()));
  }

  /** What could not be judged now, because something for it could not be fetched, is asked for again a little later. */
  async function guarded(work: () => Promise<void>, roomId: string | null): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (isStopped) return;
      if (error instanceof LogRefusal) events.distrusted();
      else if (error instanceof CallError) askLater(roomId);
      else if (!isRefusal(error)) events.broken(error);
    }
  }

  // --- The network --------------------------------------------------------------------------------------

  function nudge(): void {
    for (const room of core.book.all()) {
      if (room.group === null) continue;
      if (room.made.some((made) => !made.refused)) beside(() => settleMade(core, feed, room.id));
      if (room.outbox.some((message) => message.failure === null)) beside(() => outbox.pump(room.id));
    }
  }

  function onState(state: LinkState): void {
    const was = isLive;
    isLive = state.kind === "live";
    if (was && !isLive) outbox.onSilence();
    if (isLive) {
      poller.stop();
      events.connection(true);
    } else if (state.kind === "waiting") {
      if (!poller.isUp()) events.connection(false);
      // Perhaps only WebSockets are blocked here.
      if (state.failures >= 2) poller.start();
    } else if (state.kind === "ended") {
      poller.stop();
      events.connection(false);
      if (state.closeCode === CLOSE_CODES.SIGNED_OUT) beside(signInAgain);
      else events.ended(state.closeCode);
    }
  }

  /** Any call signs in again by itself; then the socket may try as well. */
  async function signInAgain(): Promise<void> {
    const me = await core.api.call("me", null);
    core.clock.learn(me.now);
    if (isStopped) return;
    link.stop();
    startLink();
  }

  function startLink(): void {
    link.start({ onFrame, onState, ping: () => ({ type: "pull_device", after: deviceSeq }) });
  }

  /** One round by HTTP; raises CallError when nothing answers. */
  async function poll(): Promise<void> {
    await takeDevicePage(await core.api.call("deviceItems", null, { query: { after: deviceSeq } }));
    events.connection(true);
    for (const room of core.book.all()) if (room.group !== null) await catchUp(room.id);
    nudge();
  }

  function tick(): void {
    beside(() => dropExpired(core));
    later(tick, EXPIRY_TICK_MS);
  }

  return {
    outbox,
    catchUp,
    refresh,
    nudge,
    isCaughtUp: (roomId) =>
      !isLive || (core.book.get(roomId)?.group?.marks.cursor ?? 0) >= (newestSeq.get(roomId) ?? 0),
    start: (cursor) => {
      deviceSeq = cursor.deviceSeq;
      beside(async () => {
        for (const room of core.book.all()) {
          planRenewal(room);
          // What did not add up is looked at once more: the app, or the server, may be another by now.
          if (room.record.problem === null) continue;
          await core.book.change(room.record.roomId, (draft) => {
            draft.record = { ...draft.record, problem: null };
          });
        }
        startLink();
      });
      tick();
    },
    stop: () => {
      isStopped = true;
      link.stop();
      poller.stop();
      outbox.onSilence();
      for (const cancel of cancels) cancel();
      core.watch.close();
    },
    idle: async () => {
      do {
        await Promise.all([...running]);
        await core.lanes.settled();
      } while (running.size > 0);
    },
  };
}
