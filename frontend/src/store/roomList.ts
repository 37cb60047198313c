/** Which rooms there are for this person: the server's list, kept on the device, and what it says about waiting and names. */
import { toHex } from "../crypto/hex";
import { CallError } from "../protocol/failure";
import type { RoomRow } from "../protocol/generated";
import type { Core } from "./core";
import { newestLog, type Room } from "./roomBook";

function sameRow(a: RoomRow | null, b: RoomRow): boolean {
  return (
    a !== null &&
    (Object.keys(b) as (keyof RoomRow)[]).every((key) => (key === "room_id" ? true : a[key] === b[key]))
  );
}

/** Fetch the list and keep what changed. A room that is not in it any more is shown as left. */
export async function refreshRooms(core: Core): Promise<void> {
  const { rooms } = await core.api.call("rooms", null);
  const listed = new Set(rooms.map((row) => toHex(row.room_id)));
  for (const row of rooms) {
    const known = core.book.get(toHex(row.room_id));
    if (known !== null && sameRow(known.record.row, row)) continue;
    await core.book.change(row.room_id, (draft) => {
      draft.record = { ...draft.record, row };
    });
  }
  for (const room of core.book.all()) {
    const { row } = room.record;
    if (listed.has(room.id) || row === null || row.standing === "left") continue;
    await core.book.change(room.record.roomId, (draft) => {
      draft.record = { ...draft.record, row: { ...row, standing: "left", in_group: false } };
    });
  }
}

/** By the signed log, this person is in; by the server's list, before the log is there. */
export function isMember(core: Core, room: Room): boolean {
  const log = newestLog(room);
  return log === null ? room.record.row?.standing === "member" : log.members.has(core.ids.accountId);
}

/** Drop what is due on this device, by the server's clock. */
export async function dropExpired(core: Core): Promise<void> {
  const now = core.clock.now();
  for (const room of core.book.all()) {
    const due = [...room.timeline.values()].filter((line) => line.expiresAt <= now);
    if (due.length === 0) continue;
    await core.book.change(room.record.roomId, (draft) => {
      for (const line of due) draft.lines.set(line.seq, null);
    });
  }
}

/**
 * Ask to be let in. A room that the invite names may not have been opened yet: that is no refusal, and it is asked again
 * with each look at the list.
 */
export async function askAgain(core: Core, roomId: string): Promise<void> {
  const room = core.book.get(roomId);
  if (room?.record.asking !== true) return;
  try {
    await core.api.call("askToJoin", { acceptance: null }, { room: roomId });
  } catch (error) {
    if (error instanceof CallError && error.code === "request.not_found") return;
    throw error;
  }
  await core.book.change(room.record.roomId, (draft) => {
    draft.record = { ...draft.record, asking: false };
  });
}
