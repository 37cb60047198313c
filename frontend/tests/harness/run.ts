/**
 * Runs one scenario against a server: `tsx run.ts NAME`, with {"url", "link", "seed", "fastCurves", "crowd"} as JSON on
 * standard input; prints one JSON object a line. The last line's event is `done` or `failed`. `link` is the first steward's.
 */
import { readFileSync } from "node:fs";
import { seeded } from "./seeded";
import type { CrowdSize, Setting, Say } from "./story";

type Scenario = (setting: Setting, say: Say) => Promise<void>;

// Loaded after the curves were chosen.
const SCENARIOS: Readonly<Record<string, () => Promise<Scenario>>> = {
  crowd: async () => (await import("./crowd")).crowd,
  "two-survivors": async () => (await import("./twoSurvivors")).twoSurvivors,
};

const began = Date.now();
const say: Say = (event, details = {}) => {
  process.stdout.write(`${JSON.stringify({ event, ms: Date.now() - began, ...details })}\n`);
};

async function main(): Promise<void> {
  const name = process.argv[2] ?? "";
  const load = SCENARIOS[name];
  if (load === undefined) throw new Error(`no scenario ${name}`);
  const given = JSON.parse(readFileSync(0, "utf8")) as {
    url: string;
    link: string;
    seed: number;
    fastCurves: boolean;
    crowd: CrowdSize;
  };
  if (given.fastCurves) await import("./fastCurves.mjs");
  const scenario = await load();
  await scenario({ ...given, random: seeded(given.seed) }, say);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    say("failed", { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    process.exit(1);
  },
);
