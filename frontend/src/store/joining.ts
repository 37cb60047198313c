/**
 * Coming into a room: the log from its beginning, every leaf through the whole chain, and only then the keys. A Welcome
 * for someone else, for another group, or with one leaf that nobody admitted changes nothing here.
 */
import { equalBytes } from "../crypto/bytes";
import { toHex } from "../crypto/hex";
import { joinRoom, type JoinedRoom } from "../crypto/groupRules";
import { epochOf, groupIdOf, membersOf, type GroupState } from "../crypto/groupState";
import { claimOf } from "../crypto/leaves";
import { refuseEntry, readSigned } from "../crypto/entries";
import { Refusal } from "../crypto/refusal";
import type { RoomState } from "../crypto/roomLog";
import { decodeCanonical } from "../protocol/codec";
import type { ItemsAnswer, RoomLogAnswer, WelcomeEvent } from "../protocol/generated";
import type { Core } from "./core";
import { authorityAt } from "./group";
import { appendEntry } from "./items";
import { listKeyPackages, spendKeyPackage } from "./keyStock";
import { PLACES, type CursorRecord, type KeyPackageRecord } from "./records";
import type { Group, RoomDraft } from "./roomBook";

/** Fetch and verify a room's whole log. Raises LogRefusal, CallError. */
export async function fetchRoomLog(core: Core, roomId: Uint8Array): Promise<readonly RoomState[]> {
  const answer: RoomLogAnswer = await core.api.call("roomLog", null, {
    room: toHex(roomId),
    query: { after: 0 },
  });
  await core.logs.takeAccounts(answer.accounts);
  let log: readonly RoomState[] = [];
  for (const signed of answer.entries) log = await appendEntry(core.logs, roomId, log, signed);
  return log;
}

/**
 * How far the log went when this device was added. The server's claim, and harmless if false: the whole log is known by
 * now, and nothing is sent while a leaf stands in the group that the newest entry does not want there.
 */
async function logLengthAt(core: Core, roomId: Uint8Array, seq: number, length: number): Promise<number> {
  let after = seq;
  for (;;) {
    const page: ItemsAnswer = await core.api.call("items", null, { room: toHex(roomId), query: { after } });
    for (const item of page.items) {
      if (item.kind !== "entry") continue;
      const { index } = readSigned(() => decodeCanonical("LogEntry", item.entry.entry));
      return Math.min(index, length);
    }
    if (page.through <= after) return length;
    after = page.through;
  }
}

async function openWelcome(
  core: Core,
  welcome: Uint8Array,
  packages: readonly KeyPackageRecord[],
  room: RoomState,
): Promise<JoinedRoom & { readonly used: KeyPackageRecord }> {
  for (const used of packages) {
    try {
      const joined = await joinRoom({
        welcome,
        keyPackage: used,
        deviceKey: { seed: core.self.deviceSeed, publicKey: core.self.deviceKey },
        groupId: room.groupId,
        authority: authorityAt(core.logs.context(), room),
      });
      return { ...joined, used };
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "no-key-package") throw error;
    }
  }
  throw new Refusal("no-key-package");
}

function placeIn(
  draft: RoomDraft,
  event: WelcomeEvent,
  joined: JoinedRoom,
  log: readonly RoomState[],
  at: number,
): void {
  const [first] = log;
  if (first === undefined) return;
  draft.group = {
    state: joined.newState,
    marks: {
      epoch: Number(epochOf(joined.newState)),
      cursor: event.room_seq,
      joinedSeq: event.room_seq,
      communityIndex: first.communityIndex,
      roomIndex: first.head.index,
      senders: new Map(),
      nextCounter: 1,
      holes: 0,
      lastAt: 0,
      pathAt: null,
      sentSincePath: 0,
    },
  };
  draft.made = [];
  draft.record = { ...draft.record, log, problem: null };
  draft.lines.set(event.room_seq, {
    kind: "start",
    seq: event.room_seq,
    at,
    expiresAt: at + first.expirySeconds * 1000,
  });
}

/**
 * A last-resort package opens a Welcome again for a day, under whatever seq the server gives it: the group would stand at an
 * epoch that is over, with keys that were used.
 */
function leadsBack(held: Group | null, joined: GroupState): boolean {
  return (
    held !== null &&
    equalBytes(groupIdOf(held.state), groupIdOf(joined)) &&
    epochOf(held.state) >= epochOf(joined)
  );
}

/**
 * Take a Welcome in and move the device cursor past it, in one transaction. Raises Refusal or LogRefusal for one that must
 * not be believed, and CallError where the network failed: then nothing changed.
 */
export async function takeWelcome(core: Core, event: WelcomeEvent, cursor: CursorRecord): Promise<void> {
  const packages = await listKeyPackages(core);
  const log = await fetchRoomLog(core, event.room_id);
  const length = await logLengthAt(core, event.room_id, event.room_seq, log.length);
  const known = log.slice(Math.max(0, length - 1));
  const [room] = known;
  if (room === undefined) return refuseEntry("log.bad_entry", "an empty log");
  await core.book.change(event.room_id, async (draft) => {
    // Seen before, and stored before its event was dropped.
    if (draft.group !== null && draft.group.marks.joinedSeq >= event.room_seq) return;
    const joined = await openWelcome(core, event.welcome, packages, room);
    if (leadsBack(draft.group, joined.newState)) throw new Refusal("old-epoch");
    const own = membersOf(joined.newState).some((leaf) => {
      const claim = claimOf(leaf.identity);
      return claim !== null && toHex(claim.deviceId) === core.ids.deviceId;
    });
    if (!own) throw new Refusal("leaf-not-allowed");
    const now = core.clock.now();
    placeIn(draft, event, joined, known, now);
    draft.wipe.push(...joined.wipe);
    draft.also.push((batch) => {
      spendKeyPackage(batch, joined.used, now);
      batch.put(PLACES.cursor, cursor);
    });
  });
}
