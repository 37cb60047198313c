/**
 * Turns to commit. A device that needs to renew its keys asks for its turn and waits for it, so that no two build a commit
 * for the same epoch: each lost race is a whole commit built for nothing, and in a busy room a slow phone would lose every
 * one. Where no turn comes, for want of a socket, of an answer, or in a minute, it goes ahead and takes its chance.
 */
import { CallError } from "../protocol/failure";
import { LIMITS } from "../protocol/generated";
import type { Watch } from "./core";

/** A server answers at once; two bars of signal may need this long. */
const ANSWER_MS = 3_000;
/** A message must not wait for ever because others do not take their turns. */
const PATIENCE_MS = 60_000;

export type TurnsPorts = {
  /** Ask the server; false where there is no socket to ask by. */
  readonly ask: (roomId: string, isUrgent: boolean) => boolean;
  /** Carry out what is pending; false where there was nothing. Raises CallError. */
  readonly commitPending: (roomId: string) => Promise<boolean>;
  /** Commit a path of this device's own. Raises CallError. */
  readonly commitPath: (roomId: string) => Promise<boolean>;
  /** When this device's keys were last renewed in the room: null never, undefined where it has no group. */
  readonly pathAt: (roomId: string) => number | null | undefined;
  readonly watch: Pick<Watch, "until" | "changed">;
  readonly now: () => number;
};

export interface Turns {
  /** Renew this device's keys in the room. `isUrgent`: its person waits for it. Raises CallError. */
  renew: (roomId: string, isUrgent: boolean) => Promise<void>;
  /** The server knows that this device waits. */
  onQueued: (roomId: string) => void;
  /** This device was asked to commit: carry out what is pending, else renew its keys where it wants to. */
  takeTurn: (roomId: string) => Promise<void>;
}

type Wish = { isUrgent: boolean; isQueued: boolean; error: CallError | null; done: Promise<void> };

export function createTurns(ports: TurnsPorts): Turns {
  const { ask, pathAt, watch } = ports;
  const wishes = new Map<string, Wish>();
  const taking = new Set<string>();
  const again = new Set<string>();

  async function waitForTurn(roomId: string, wish: Wish): Promise<void> {
    const before = pathAt(roomId);
    const until = ports.now() + PATIENCE_MS;
    const isOver = (): boolean => pathAt(roomId) !== before || wish.error !== null;
    while (!isOver() && ports.now() < until) {
      wish.isQueued = false;
      if (!ask(roomId, wish.isUrgent)) break;
      if (!(await watch.until(() => isOver() || wish.isQueued, ANSWER_MS))) break;
      await watch.until(isOver, LIMITS.TURN_RENEW_MS);
    }
    if (wish.error !== null) throw wish.error;
    if (!isOver()) await ports.commitPath(roomId);
  }

  async function takeTurn(roomId: string): Promise<void> {
    if (taking.has(roomId)) {
      // Asked for the next one, while the feed still brings what the last one did.
      again.add(roomId);
      return;
    }
    taking.add(roomId);
    const wish = wishes.get(roomId);
    try {
      const hasAdded = await ports.commitPending(roomId);
      if (wish !== undefined) {
        if (hasAdded) ask(roomId, wish.isUrgent);
        else await ports.commitPath(roomId);
      }
    } catch (error) {
      if (wish !== undefined && error instanceof CallError) wish.error = error;
      throw error;
    } finally {
      taking.delete(roomId);
      watch.changed();
    }
    if (again.delete(roomId)) await takeTurn(roomId);
  }

  return {
    renew: (roomId, isUrgent) => {
      const already = wishes.get(roomId);
      if (already !== undefined) {
        if (isUrgent && !already.isUrgent) {
          already.isUrgent = true;
          ask(roomId, true);
        }
        return already.done;
      }
      const wish: Wish = { isUrgent, isQueued: false, error: null, done: Promise.resolve() };
      wishes.set(roomId, wish);
      wish.done = waitForTurn(roomId, wish).finally(() => wishes.delete(roomId));
      return wish.done;
    },
    onQueued: (roomId) => {
      const wish = wishes.get(roomId);
      if (wish !== undefined) wish.isQueued = true;
      watch.changed();
    },
    takeTurn,
  };
}
