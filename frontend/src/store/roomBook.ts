/**
 * The rooms as this device holds them, and the one way to change one: a step that works on a draft, then one transaction
 * with all that it changed, then memory, then what had to wait for it. A step that fails changed nothing.
 */
import { decodeState, encodeState, type GroupState } from "../crypto/groupState";
import { toHex } from "../crypto/hex";
import type { RoomState } from "../crypto/roomLog";
import { wipe } from "../crypto/wipe";
import type { Batch, Database } from "./database";
import type { Lanes } from "./lanes";
import {
  PLACES,
  type GroupRecord,
  type MadeRecord,
  type OutboxRecord,
  type RoomRecord,
  type TimelineRecord,
} from "./records";

export type GroupMarks = Omit<GroupRecord, "state" | "roomId">;
export type Group = { readonly marks: GroupMarks; readonly state: GroupState };

export type Room = {
  readonly id: string;
  readonly record: RoomRecord;
  readonly group: Group | null;
  readonly made: readonly MadeRecord[];
  readonly outbox: readonly OutboxRecord[];
  readonly timeline: ReadonlyMap<number, TimelineRecord>;
};

/** A room while a step works on it. Assign new objects: what is the same object as before is not written again. */
export type RoomDraft = {
  readonly id: string;
  record: RoomRecord;
  group: Group | null;
  made: readonly MadeRecord[];
  outbox: readonly OutboxRecord[];
  readonly before: Room;
  /** Lines by seq; null removes one. */
  readonly lines: Map<number, TimelineRecord | null>;
  /** Secrets that nothing needs once the draft is stored. */
  readonly wipe: Uint8Array[];
  /** Other records that must change in the same transaction. */
  readonly also: ((batch: Batch) => void)[];
};

export const newestLog = (room: { readonly record: RoomRecord }): RoomState | null =>
  room.record.log[room.record.log.length - 1] ?? null;

export const epochLog = (room: { readonly record: RoomRecord }): RoomState | null =>
  room.record.log[0] ?? null;

/** The line at `seq` as the draft has it. */
export const lineAt = (draft: RoomDraft, seq: number): TimelineRecord | null =>
  draft.lines.has(seq) ? (draft.lines.get(seq) ?? null) : (draft.before.timeline.get(seq) ?? null);

export interface RoomBook {
  all: () => readonly Room[];
  get: (roomId: string) => Room | null;
  /** Run `step` alone for this room and store what it did. Makes the room if there is none. */
  change: <T>(roomId: Uint8Array, step: (draft: RoomDraft) => Promise<T> | T) => Promise<T>;
  /** Drop from memory a room whose records a step removed. */
  forget: (roomId: string) => void;
}

const emptyRoom = (roomId: Uint8Array): Room => ({
  id: toHex(roomId),
  record: {
    roomId,
    row: null,
    agreedVersion: null,
    asking: false,
    creation: null,
    log: [],
    hideReasons: new Map(),
    problem: null,
  },
  group: null,
  made: [],
  outbox: [],
  timeline: new Map(),
});

function putChanged<T>(
  batch: Batch,
  before: readonly T[],
  after: readonly T[],
  placeOf: (item: T) => ReturnType<typeof PLACES.made>,
): void {
  const idOf = (item: T) => placeOf(item).item;
  const kept = new Set(after.map(idOf));
  for (const item of before) if (!kept.has(idOf(item))) batch.remove(placeOf(item));
  for (const item of after) if (!before.includes(item)) batch.put(placeOf(item), item);
}

function writeDraft(batch: Batch, draft: RoomDraft): void {
  const { before, id } = draft;
  if (draft.record !== before.record) batch.put(PLACES.room(id), draft.record);
  if (draft.group !== before.group) {
    if (draft.group === null) batch.remove(PLACES.group(id));
    else {
      const { marks, state } = draft.group;
      batch.put(PLACES.group(id), { ...marks, roomId: draft.record.roomId, state: encodeState(state) });
    }
  }
  putChanged(batch, before.made, draft.made, (made) => PLACES.made(made.id));
  putChanged(batch, before.outbox, draft.outbox, (message) => PLACES.outbox(message.messageId));
  for (const [seq, line] of draft.lines) {
    if (line === null) batch.remove(PLACES.timeline(id, seq));
    else batch.put(PLACES.timeline(id, seq), line);
  }
  for (const also of draft.also) also(batch);
}

function withLines(
  timeline: ReadonlyMap<number, TimelineRecord>,
  lines: ReadonlyMap<number, TimelineRecord | null>,
) {
  if (lines.size === 0) return timeline;
  const next = new Map(timeline);
  for (const [seq, line] of lines) {
    if (line === null) next.delete(seq);
    else next.set(seq, line);
  }
  return next;
}

export async function loadRooms(db: Database): Promise<readonly Room[]> {
  const [records, groups, made, outbox] = await Promise.all([
    db.list<RoomRecord>("room"),
    db.list<GroupRecord>("group"),
    db.list<MadeRecord>("made"),
    db.list<OutboxRecord>("outbox"),
  ]);
  return Promise.all(
    records.map(async (record): Promise<Room> => {
      const id = toHex(record.roomId);
      const isHere = (other: { readonly roomId: Uint8Array }): boolean => toHex(other.roomId) === id;
      const found = groups.find(isHere);
      const lines = await db.list<TimelineRecord>("timeline", id);
      return {
        id,
        record,
        group: found === undefined ? null : { marks: marksOf(found), state: decodeState(found.state) },
        made: made.filter(isHere),
        outbox: outbox.filter(isHere).sort((a, b) => a.order - b.order),
        timeline: new Map(lines.map((line) => [line.seq, line])),
      };
    }),
  );
}

function marksOf(record: GroupRecord): GroupMarks {
  const { roomId: _roomId, state: _state, ...marks } = record;
  return marks;
}

export function createRoomBook(make: {
  db: Database;
  lanes: Lanes;
  rooms: readonly Room[];
  onChange: () => void;
}): RoomBook {
  const rooms = new Map(make.rooms.map((room) => [room.id, room]));
  return {
    all: () => [...rooms.values()],
    get: (roomId) => rooms.get(roomId) ?? null,
    forget: (roomId) => {
      rooms.delete(roomId);
      make.onChange();
    },
    change: (roomId, step) =>
      make.lanes.run(toHex(roomId), async () => {
        const id = toHex(roomId);
        const before = rooms.get(id) ?? emptyRoom(roomId);
        const draft: RoomDraft = {
          id,
          record: before.record,
          group: before.group,
          made: before.made,
          outbox: before.outbox,
          before,
          lines: new Map(),
          wipe: [],
          also: [],
        };
        const result = await step(draft);
        await make.db.write((batch) => {
          writeDraft(batch, draft);
        });
        const isSame =
          draft.record === before.record &&
          draft.group === before.group &&
          draft.made === before.made &&
          draft.outbox === before.outbox &&
          draft.lines.size === 0;
        if (isSame) return result;
        rooms.set(id, {
          id,
          record: draft.record,
          group: draft.group,
          made: draft.made,
          outbox: draft.outbox,
          timeline: withLines(before.timeline, draft.lines),
        });
        wipe(draft.wipe);
        make.onChange();
        return result;
      }),
  };
}
