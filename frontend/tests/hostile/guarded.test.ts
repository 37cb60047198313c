/**
 * Every attack on the core as it is. That each succeeds once its guard is cut out is `make test-hostile`; here it is only
 * checked that the guards stand where that expects them.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { GUARDS } from "./guards";
import { SCENARIOS } from "./scenarios";

describe("an attack is answered:", () => {
  for (const { name, expect: answer, attack } of SCENARIOS) {
    it(name, async () => {
      expect(await attack()).toEqual({ harm: false, how: answer });
    });
  }
});

describe("the guards", () => {
  it("stand in src exactly once each, and each has an attack that it stops", () => {
    for (const { edits } of Object.values(GUARDS)) {
      for (const { file, find } of edits) {
        const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), "utf8");
        expect({ file, find, times: source.split(find).length - 1 }).toEqual({ file, find, times: 1 });
      }
    }
    expect(new Set(SCENARIOS.map(({ guard }) => guard))).toEqual(new Set(Object.keys(GUARDS)));
  });
});
