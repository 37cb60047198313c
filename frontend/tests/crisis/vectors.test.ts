/** What the Python matcher found (tests/vectors/crisis.json), found again: both must say the same of every line. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fold } from "../../src/crisis/folding";
import type { CompiledPack } from "../../src/crisis/lexicon";
import { Matcher } from "../../src/crisis/matcher";

type Answer = [string, string, number, number, number];

const project = new URL("../../../", import.meta.url);
const readJson = (path: string): unknown => JSON.parse(readFileSync(new URL(path, project), "utf8"));
const folder = "moderation/crisis/compiled/";
const packs = readdirSync(new URL(folder, project))
  .filter((name) => name.endsWith(".json"))
  .sort()
  .map((name) => readJson(folder + name) as CompiledPack);
const matcher = new Matcher(packs);
const find = (line: string): Answer[] =>
  matcher
    .find(line)
    .map(({ entry, category, severity, start, end }) => [entry, category, severity, start, end]);

const disagreements = (cases: [string, Answer[]][]) =>
  cases.filter(([line, answers]) => JSON.stringify(find(line)) !== JSON.stringify(answers)).slice(0, 5);

describe("the two matchers", () => {
  it("find the same in every line of the vectors", () => {
    const cases = readJson("tests/vectors/crisis.json") as [string, Answer[]][];
    expect(cases.length).toBeGreaterThan(500);
    expect(cases.filter(([, answers]) => answers.length > 0).length).toBeGreaterThan(200);
    expect(disagreements(cases)).toEqual([]);
  });

  // A phone's Unicode may be older or newer than the server's.
  it("fold every code point alike", { timeout: 60_000 }, () => {
    const hash = createHash("sha256");
    for (let point = 0; point < 0x110000; point += 1)
      hash.update(Buffer.from(`${fold(String.fromCodePoint(point))}\0`, "utf16le"));
    const wanted = readFileSync(new URL("tests/vectors/crisis_folds.sha256", project), "utf8").trim();
    expect(hash.digest("hex")).toBe(wanted);
  });

  // A larger comparison, by hand: tests/vectors/README.md says how.
  const more = process.env["PEERCHAT_CRISIS_LINES"];
  it.skipIf(!more)("find the same in many more lines", { timeout: 1_800_000 }, () => {
    const lines = readFileSync(more ?? "", "utf8")
      .trim()
      .split("\n");
    expect(disagreements(lines.map((line) => JSON.parse(line) as [string, Answer[]]))).toEqual([]);
  });
});

describe("the matcher", () => {
  it("refuses a pack of another format", () => {
    const pack = packs[0];
    if (!pack) throw new Error("no packs");
    expect(() => new Matcher([{ ...pack, format: 2 }])).toThrow();
  });

  it("finds the same after it has forgotten the words it met", () => {
    const before = find("I want to die");
    matcher.forget();
    expect(find("I want to die")).toEqual(before);
    expect(before.length).toBeGreaterThan(0);
  });

  it("comes through 100 KB of one word, of marks and of half characters", () => {
    for (const text of ["suicide ".repeat(12_500), "e" + "\u0301".repeat(100_000), "\ud800".repeat(50_000)])
      expect(find(text).length).toBeLessThan(packs.length * 10);
  });

  it("folds what looks alike to the same letters", () => {
    expect(fold("Ｄｉｅ")).toBe("die");
    expect(fold("𝓭𝓲𝓮")).toBe("die");
    expect(fold("d\u0301i\u200be")).toBe("die");
  });
});
