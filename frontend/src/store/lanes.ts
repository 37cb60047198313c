/** One step at a time for each name: what changes a room's keys waits until the step before has been stored. */

export interface Lanes {
  /** Run `step` after all earlier steps of the same lane, whether those succeeded or not. */
  run: <T>(lane: string, step: () => Promise<T>) => Promise<T>;
  /** Resolves when every lane is idle. */
  settled: () => Promise<void>;
}

export function createLanes(): Lanes {
  const tails = new Map<string, Promise<unknown>>();
  return {
    run: (lane, step) => {
      const before = tails.get(lane) ?? Promise.resolve();
      const running = before.then(step, step);
      const tail = running.then(
        () => undefined,
        () => undefined,
      );
      tails.set(lane, tail);
      void tail.then(() => {
        if (tails.get(lane) === tail) tails.delete(lane);
      });
      return running;
    },
    settled: async () => {
      while (tails.size > 0) await Promise.all(tails.values());
    },
  };
}
