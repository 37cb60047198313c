/** When this device renews its keys in a room: as a joiner's first act, then each day, and not all in the same moment. */
import type { Room } from "./roomBook";

const DAY_MS = 24 * 3_600_000;
/** A first renewal waits up to this for each member, so that 25 who come at once do not ask 25 times at once. */
const SPREAD_MS = 1_000;
const SPREAD_MAX_MS = 40_000;

export type RenewalsPorts = {
  readonly room: (roomId: string) => Room | null;
  readonly later: (run: () => void, ms: number) => () => void;
  readonly random: () => number;
  readonly now: () => number;
  readonly renew: (roomId: string) => void;
};

/** Return what plans a room's next renewal; one that is planned already stays as it is. */
export function createRenewals(ports: RenewalsPorts): (room: Room) => void {
  const planned = new Set<string>();

  function whenDue(roomId: string): void {
    planned.delete(roomId);
    const pathAt = ports.room(roomId)?.group?.marks.pathAt;
    // Renewed meanwhile, with a message or a removal: that plans the next one.
    if (pathAt === undefined || (pathAt !== null && pathAt + DAY_MS > ports.now())) return;
    ports.renew(roomId);
  }

  return (room) => {
    const { group } = room;
    if (group === null || planned.has(room.id)) return;
    const { pathAt } = group.marks;
    const members = group.state.ratchetTree.length / 2;
    const spread = ports.random() * Math.min(SPREAD_MAX_MS, members * SPREAD_MS);
    const wait = pathAt === null ? spread : Math.max(0, pathAt + DAY_MS - ports.now()) + spread * 60;
    planned.add(room.id);
    ports.later(() => {
      whenDue(room.id);
    }, wait);
  };
}
