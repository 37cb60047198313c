/**
 * Turns to commit. A device that needs to renew its keys asks for its turn and waits for it, so that no two build a commit
 * for the same epoch: each lost race is a whole commit built for nothing, and in a busy room a slow phone would lose every
 * one. Where nobody gives turns, for want of a socket, it goes ahead and takes its chance.
 */
import { CallError } from "../protocol/failure";
import { LIMITS } from "../protocol/generated";
import { askPath, askPending, idBytes, runCommit, type Feed } from "./commits";
import type { Core } from "./core";

/** A server that gives turns answers at once; two bars of signal may need this long. */
const ANSWER_MS = 3_000;

export interface Turns {
  /** Renew this device's keys in the room. `isUrgent`: its person waits for it. Raises CallError. */
  renew: (roomId: string, isUrgent: boolean) => Promise<void>;
  /** The server knows that this device waits. */
  onQueued: (roomId: string) => void;
  /** This device was asked to commit: carry out what is pending, else renew its keys where it wants to. */
  takeTurn: (roomId: string) => Promise<void>;
}

type Wish = { isUrgent: boolean; isQueued: boolean; error: CallError | null; done: Promise<void> };

export function createTurns(core: Core, feed: Feed): Turns {
  const wishes = new Map<string, Wish>();
  const taking = new Set<string>();
  const again = new Set<string>();

  const pathAt = (roomId: string): number | null | undefined => core.book.get(roomId)?.group?.marks.pathAt;

  function ask(roomId: string, isUrgent: boolean): boolean {
    return core.ports.link.send({ type: "turn", room_id: idBytes(roomId), urgent: isUrgent });
  }

  async function waitForTurn(roomId: string, wish: Wish): Promise<void> {
    const before = pathAt(roomId);
    const isOver = (): boolean => pathAt(roomId) !== before || wish.error !== null;
    while (!isOver()) {
      wish.isQueued = false;
      if (!ask(roomId, wish.isUrgent)) break;
      if (await core.watch.until(() => isOver() || wish.isQueued, ANSWER_MS)) {
        await core.watch.until(isOver, LIMITS.TURN_RENEW_MS);
      } else break;
    }
    if (wish.error !== null) throw wish.error;
    if (!isOver()) await runCommit(core, feed, roomId, askPath);
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
      const hasAdded = await runCommit(core, feed, roomId, askPending(core, feed));
      if (wish !== undefined) {
        if (hasAdded) ask(roomId, wish.isUrgent);
        else await runCommit(core, feed, roomId, askPath);
      }
    } catch (error) {
      if (wish !== undefined && error instanceof CallError) wish.error = error;
      throw error;
    } finally {
      taking.delete(roomId);
      core.watch.changed();
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
      core.watch.changed();
    },
    takeTurn,
  };
}
