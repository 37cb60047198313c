import { expect, test } from "vitest";
import { createListLook } from "../../src/store/listLook";

/** Looks that are planned, by when they are due; none is done before its timer is run. */
function scene() {
  const looks: (string | null)[] = [];
  const timers: { ms: number; run: () => void; isCancelled: boolean }[] = [];
  const look = createListLook({
    later: (run, ms) => {
      const timer = { ms, run, isCancelled: false };
      timers.push(timer);
      return () => {
        timer.isCancelled = true;
      };
    },
    random: () => 0,
    now: () => 0,
    look: (roomId) => looks.push(roomId),
  });
  return { looks, look, live: () => timers.filter(({ isCancelled }) => !isCancelled) };
}

test("many changes are one look", () => {
  const { looks, look, live } = scene();
  for (let count = 0; count < 50; count++) look("a", false);
  expect(live()).toHaveLength(1);
  live()[0]?.run();
  expect(looks).toEqual(["a"]);
});

test("a wish to look soon does not wait for one that is planned for later", () => {
  const { look, live } = scene();
  look("a", false);
  const later = live()[0]?.ms ?? 0;
  look("b", true);
  expect(live()).toHaveLength(1);
  expect(live()[0]?.ms).toBeLessThan(later / 10);
});

test("after a look the next change plans another", () => {
  const { looks, look, live } = scene();
  look("a", true);
  live()[0]?.run();
  look("b", true);
  live()[1]?.run();
  expect(looks).toEqual(["a", "b"]);
});
