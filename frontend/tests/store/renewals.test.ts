import { expect, test } from "vitest";
import { createRenewals } from "../../src/store/renewals";
import type { Room } from "../../src/store/roomBook";

const DAY_MS = 24 * 3_600_000;

function scene(first: { pathAt: number | null; members: number }) {
  let { pathAt } = first;
  const renewed: string[] = [];
  const timers: { ms: number; run: () => void }[] = [];
  const room = (): Room =>
    ({
      id: "a",
      group: { marks: { pathAt }, state: { ratchetTree: { length: 2 * first.members } } },
    }) as unknown as Room;
  const plan = createRenewals({
    room,
    later: (run, ms) => {
      timers.push({ ms, run });
      return () => undefined;
    },
    random: () => 0.5,
    now: () => 1_000,
    renew: (roomId) => renewed.push(roomId),
  });
  return {
    renewed,
    timers,
    plan: () => {
      plan(room());
    },
    renewNow: () => {
      pathAt = 1_000;
    },
  };
}

test("a joiner renews its keys soon, within a second for each member", () => {
  const { plan, timers, renewed } = scene({ pathAt: null, members: 10 });
  plan();
  plan();
  expect(timers.map(({ ms }) => ms)).toEqual([5_000]);
  timers[0]?.run();
  expect(renewed).toEqual(["a"]);
});

test("who has renewed them does so again after a day", () => {
  const { plan, timers } = scene({ pathAt: 1_000, members: 2 });
  plan();
  expect(timers[0]?.ms).toBeGreaterThanOrEqual(DAY_MS);
});

test("a renewal that a message brought meanwhile is not made twice", () => {
  const { plan, timers, renewed, renewNow } = scene({ pathAt: null, members: 2 });
  plan();
  renewNow();
  timers[0]?.run();
  expect(renewed).toEqual([]);
});
