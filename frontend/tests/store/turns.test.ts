import { describe, expect, test } from "vitest";
import { CallError } from "../../src/protocol/failure";
import { createWatch } from "../../src/store/core";
import { createTurns } from "../../src/store/turns";

const ROOM = "a".repeat(32);

/** A device, its server by hand, and a clock that moves when told. */
function scene({ hasSocket = true, answers = true } = {}) {
  let now = 0;
  const timers = new Set<{ at: number; run: () => void }>();
  const watch = createWatch((run, ms) => {
    const timer = { at: now + ms, run };
    timers.add(timer);
    return () => timers.delete(timer);
  });
  const asked: boolean[] = [];
  const done: string[] = [];
  let pathAt: number | null = null;
  let pending = 0;
  let looks = 0;
  let error: CallError | null = null;
  let holdUp: Promise<void> = Promise.resolve();
  const turns = createTurns({
    ask: (roomId, isUrgent) => {
      if (!hasSocket) return false;
      asked.push(isUrgent);
      if (answers) {
        queueMicrotask(() => {
          turns.onQueued(roomId);
        });
      }
      return true;
    },
    commitPending: async () => {
      looks += 1;
      await holdUp;
      if (error !== null) throw error;
      if (pending === 0) return false;
      pending = 0;
      done.push("pending");
      return true;
    },
    commitPath: async () => {
      done.push("path");
      pathAt = now + 1;
      watch.changed();
      return true;
    },
    pathAt: () => pathAt,
    watch,
    now: () => now,
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 30; turn++) await Promise.resolve();
  };
  return {
    turns,
    asked,
    done,
    settle,
    looks: () => looks,
    pend: () => {
      pending = 1;
    },
    fail: (code: "network") => {
      error = new CallError(code);
    },
    holdUpWith: (promise: Promise<void>) => {
      holdUp = promise;
    },
    pass: async (ms: number): Promise<void> => {
      const end = now + ms;
      for (;;) {
        await settle();
        const due = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        timers.delete(due);
        now = due.at;
        due.run();
      }
      now = end;
      await settle();
    },
  };
}

describe("a device that needs to renew its keys", () => {
  test("waits for its turn, says again and again that it does, and then commits once", async () => {
    const one = scene();
    const renewed = one.turns.renew(ROOM, true);
    await one.pass(12_000);
    expect(one.done).toEqual([]);
    expect(one.asked).toEqual([true, true, true]);
    await one.turns.takeTurn(ROOM);
    await renewed;
    expect(one.done).toEqual(["path"]);
  });

  test("commits at once where there is no socket to ask by", async () => {
    const one = scene({ hasSocket: false });
    await one.turns.renew(ROOM, true);
    expect(one.done).toEqual(["path"]);
  });

  test("goes ahead when nobody answers", async () => {
    const one = scene({ answers: false });
    const renewed = one.turns.renew(ROOM, true);
    await one.pass(2_900);
    expect(one.done).toEqual([]);
    await one.pass(200);
    await renewed;
    expect(one.done).toEqual(["path"]);
  });

  test("goes ahead after a minute in which others did not take their turns", async () => {
    const one = scene();
    const renewed = one.turns.renew(ROOM, true);
    await one.pass(55_000);
    expect(one.done).toEqual([]);
    await one.pass(10_000);
    await renewed;
    expect(one.done).toEqual(["path"]);
  });

  test("lets others in first and asks for another turn", async () => {
    const one = scene();
    const renewed = one.turns.renew(ROOM, false);
    await one.settle();
    one.pend();
    await one.turns.takeTurn(ROOM);
    expect(one.done).toEqual(["pending"]);
    expect(one.asked).toEqual([false, false]);
    await one.turns.takeTurn(ROOM);
    await renewed;
    expect(one.done).toEqual(["pending", "path"]);
  });

  test("says that it is urgent as soon as its person waits", async () => {
    const one = scene();
    const renewed = one.turns.renew(ROOM, false);
    const urgent = one.turns.renew(ROOM, true);
    await one.settle();
    expect(one.asked).toEqual([false, true]);
    await one.pass(5_500);
    expect(one.asked).toEqual([false, true, true]);
    await one.turns.takeTurn(ROOM);
    await Promise.all([renewed, urgent]);
    expect(one.done).toEqual(["path"]);
  });

  test("hears why its turn came to nothing", async () => {
    const one = scene();
    const renewed = one.turns.renew(ROOM, true);
    await one.settle();
    one.fail("network");
    const failed = expect(renewed).rejects.toMatchObject({ code: "network" });
    await expect(one.turns.takeTurn(ROOM)).rejects.toMatchObject({ code: "network" });
    await failed;
  });
});

test("who is asked again during a turn takes the next one after it, and no third", async () => {
  const one = scene();
  let go = (): void => undefined;
  one.holdUpWith(
    new Promise((resolve) => {
      go = resolve;
    }),
  );
  const first = one.turns.takeTurn(ROOM);
  await one.turns.takeTurn(ROOM);
  await one.turns.takeTurn(ROOM);
  expect(one.looks()).toBe(1);
  go();
  await first;
  expect(one.looks()).toBe(2);
});

test("who is not waiting renews nothing in its turn", async () => {
  const one = scene();
  await one.turns.takeTurn(ROOM);
  expect(one.done).toEqual([]);
});
