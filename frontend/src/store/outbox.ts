/**
 * Messages on their way. One is under way in a room at a time, since a reader's ratchet takes a sender's messages in order
 * alone. Sealed for the epoch of the moment, stored together with the ratchet that moved, then sent; sent again in the same
 * bytes while nobody knows, sealed again under the same id when the epoch moved. So each arrives once, or says that it
 * failed.
 */
import { toHex } from "../crypto/hex";
import { newId } from "../crypto/statements";
import { CallError, isPassing } from "../protocol/failure";
import { LIMITS, type Ack, type Refused, type SendAnswer } from "../protocol/generated";
import { askCleaning, awaitFeed, epochIs, idBytes, runCommit, type Feed } from "./commits";
import type { Core } from "./core";
import { sealContent, wrongLeaves } from "./group";
import type { OutboxRecord } from "./records";
import { newestLog, type Room, type RoomDraft } from "./roomBook";
import type { Turns } from "./turns";

const ANSWER_MS = 15_000;
/** A device renews its keys daily or after this many messages (group rule 8). */
const PATH_AFTER_MESSAGES = 1_000;
/** Sealing again this often means that the room moves faster than this network. */
const RESEALS = 30;

export interface Outbox {
  add: (roomId: string, text: string, note: string | null) => Promise<string>;
  retry: (roomId: string, messageId: string) => Promise<void>;
  discard: (roomId: string, messageId: string) => Promise<void>;
  /** Send what waits in this room; does nothing while that is being done. */
  pump: (roomId: string) => Promise<void>;
  onAnswer: (frame: Ack | Refused) => void;
  /** The socket died: nobody will answer. */
  onSilence: () => void;
}

const nextOf = (room: Room | null): OutboxRecord | null =>
  room?.outbox.find((message) => message.failure === null) ?? null;

function replace(draft: RoomDraft, message: OutboxRecord): void {
  draft.outbox = draft.outbox.map((one) => (one.messageId === message.messageId ? message : one));
}

export function createOutbox(core: Core, feed: Feed, turns: Turns): Outbox {
  const waiting = new Map<
    string,
    { resolve: (answer: SendAnswer) => void; reject: (error: CallError) => void }
  >();
  const pumping = new Set<string>();
  const again = new Set<string>();

  /** Seal the message for the present epoch unless it is; store the ciphertext with the ratchet that made it. */
  function seal(room: Room, messageId: string): Promise<OutboxRecord | null> {
    return core.book.change(room.record.roomId, async (draft) => {
      const message = draft.outbox.find((one) => one.messageId === messageId);
      const { group } = draft;
      if (message === undefined || group === null) return null;
      if (message.sealed?.epoch === group.marks.epoch) return message;
      // Kept from its first sealing, unless a later one was sealed since: counts only go up.
      const isNewest = message.counter === group.marks.nextCounter - 1;
      const counter = isNewest ? message.counter : group.marks.nextCounter;
      const made = await sealContent({
        roomId: draft.record.roomId,
        state: group.state,
        messageId: idBytes(messageId),
        counter,
        content: { v: 1, text: message.text, note: message.note },
      });
      const sealed = {
        ...message,
        counter,
        sealed: { epoch: group.marks.epoch, ciphertext: made.ciphertext },
      };
      replace(draft, sealed);
      draft.group = {
        state: made.state,
        marks: {
          ...group.marks,
          nextCounter: counter + 1,
          sentSincePath: group.marks.sentSincePath + 1,
        },
      };
      draft.wipe.push(...made.wipe);
      return sealed;
    });
  }

  function deliver(room: Room, message: OutboxRecord): Promise<SendAnswer> {
    const { sealed } = message;
    if (sealed === null) throw new CallError("network");
    const wire = {
      message_id: idBytes(message.messageId),
      epoch: sealed.epoch,
      ciphertext: sealed.ciphertext,
    };
    const answered = new Promise<SendAnswer>((resolve, reject) => {
      waiting.set(message.messageId, { resolve, reject });
    });
    if (!core.ports.link.send({ type: "send", room_id: room.record.roomId, ...wire })) {
      waiting.delete(message.messageId);
      return core.api.call("sendMessage", wire, { room: room.id });
    }
    const cancel = core.ports.setTimer(() => {
      waiting.get(message.messageId)?.reject(new CallError("network"));
    }, ANSWER_MS);
    return answered.finally(() => {
      cancel();
      waiting.delete(message.messageId);
    });
  }

  async function take(room: Room, message: OutboxRecord, answer: SendAnswer): Promise<void> {
    await core.book.change(room.record.roomId, (draft) => {
      // The feed may have been quicker than the acknowledgement.
      if (!draft.outbox.some((one) => one.messageId === message.messageId)) return;
      draft.outbox = draft.outbox.filter((one) => one.messageId !== message.messageId);
      draft.lines.set(answer.seq, {
        kind: "message",
        seq: answer.seq,
        at: answer.at,
        expiresAt: answer.expires_at,
        messageId: message.messageId,
        accountId: core.ids.accountId,
        own: true,
        text: message.text,
        note: message.note,
        missed: 0,
      });
    });
  }

  async function fail(room: Room, messageId: string, error: CallError): Promise<void> {
    const failure = error.code === "network" ? "device.offline" : error.code;
    await core.book.change(room.record.roomId, (draft) => {
      const current = draft.outbox.find((one) => one.messageId === messageId);
      if (current !== undefined) replace(draft, { ...current, failure });
    });
  }

  /** Nothing is sent before this device has renewed its keys once, nor while someone is in the group who should not be. */
  async function prepare(room: Room): Promise<void> {
    const log = newestLog(room);
    if (room.group === null || log === null) return;
    const { pathAt, sentSincePath } = room.group.marks;
    if (pathAt === null || sentSincePath >= PATH_AFTER_MESSAGES) await turns.renew(room.id, true);
    else if (wrongLeaves(core.logs.context(), log, room.group.state).length > 0)
      await runCommit(core, feed, room.id, askCleaning(core));
  }

  async function tryOnce(before: Room, messageId: string): Promise<"done" | "stale"> {
    await prepare(before);
    const room = core.book.get(before.id);
    const message = room === null ? null : await seal(room, messageId);
    // It came back through the feed meanwhile, or the room is gone.
    if (room === null || message === null) return "done";
    try {
      await take(room, message, await deliver(room, message));
      return "done";
    } catch (error) {
      if (!(error instanceof CallError) || error.code !== "room.stale_epoch") throw error;
      await awaitFeed(core, feed, room.id, () => epochIs(core, room.id) > (message.sealed?.epoch ?? 0));
      return "stale";
    }
  }

  /** Send one message; returns whether to go on with the next. */
  async function sendOne(roomId: string, messageId: string): Promise<boolean> {
    for (let tries = 0; tries < RESEALS; tries++) {
      const room = core.book.get(roomId);
      if (room === null || room.group === null || room.record.problem !== null) return false;
      try {
        if ((await tryOnce(room, messageId)) === "done") return true;
      } catch (error) {
        if (!(error instanceof CallError) || isPassing(error.code) || error.code === "room.stale_epoch")
          throw error;
        await fail(room, messageId, error);
        return true;
      }
    }
    throw new CallError("network");
  }

  async function drain(roomId: string): Promise<void> {
    for (;;) {
      const next = nextOf(core.book.get(roomId));
      if (next === null) return;
      try {
        if (!(await sendOne(roomId, next.messageId))) return;
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
        // Tried again with the next sign of life; a wait that the server asked for is kept.
        const wait = error.details["wait_ms"] ?? (error.code === "network" ? null : 2_000);
        if (wait !== null) core.ports.setTimer(() => void pump(roomId), wait);
        return;
      }
    }
  }

  async function pump(roomId: string): Promise<void> {
    if (pumping.has(roomId)) {
      again.add(roomId);
      return;
    }
    pumping.add(roomId);
    try {
      do {
        again.delete(roomId);
        await drain(roomId);
      } while (again.has(roomId));
    } finally {
      pumping.delete(roomId);
    }
  }

  return {
    add: (roomId, text, note) =>
      core.book.change(idBytes(roomId), (draft) => {
        const messageId = toHex(newId());
        const order = 1 + Math.max(0, ...draft.outbox.map((message) => message.order));
        const at = core.clock.now();
        draft.outbox = [
          ...draft.outbox,
          {
            roomId: draft.record.roomId,
            messageId,
            order,
            text,
            note,
            at,
            counter: null,
            sealed: null,
            failure: null,
          },
        ];
        return messageId;
      }),
    retry: async (roomId, messageId) => {
      await core.book.change(idBytes(roomId), (draft) => {
        const message = draft.outbox.find((one) => one.messageId === messageId);
        if (message === undefined) throw new CallError("request.not_found");
        // At its end again, and sealed anew: a later message may have moved the ratchet past it.
        const order = 1 + Math.max(0, ...draft.outbox.map((one) => one.order));
        const rest = draft.outbox.filter((one) => one !== message);
        draft.outbox = [...rest, { ...message, order, failure: null, sealed: null }];
      });
    },
    discard: (roomId, messageId) =>
      core.book.change(idBytes(roomId), (draft) => {
        const message = draft.outbox.find((one) => one.messageId === messageId);
        if (message === undefined || message.failure === null) throw new CallError("request.not_found");
        draft.outbox = draft.outbox.filter((one) => one !== message);
      }),
    pump,
    onAnswer: (frame) => {
      if (frame.message_id === null) return;
      const one = waiting.get(toHex(frame.message_id));
      if (frame.type === "ack") one?.resolve(frame);
      else one?.reject(new CallError(frame.code, frame.details));
    },
    onSilence: () => {
      for (const one of [...waiting.values()]) one.reject(new CallError("network"));
    },
  };
}

/** What a person may write: one to 4,000 characters, none of them only half of one. */
export function textProblem(text: string): "text.empty" | "text.too_long" | null {
  if (text.trim() === "") return "text.empty";
  return Array.from(text).length > LIMITS.TEXT_MAX_CHARS ? "text.too_long" : null;
}
