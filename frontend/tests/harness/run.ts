/**
 * Runs one scenario against a server: `tsx run.ts NAME`, with {"url", "link", "seed"} as JSON on standard input; prints one
 * JSON object a line. The last line's event is `done` or `failed`. `link` is the first steward's.
 */
import { readFileSync } from "node:fs";
import type { Setting, Say } from "./story";
import { twoSurvivors } from "./twoSurvivors";

const SCENARIOS: Readonly<Record<string, (setting: Setting, say: Say) => Promise<void>>> = {
  "two-survivors": twoSurvivors,
};

/** Mulberry32: small, seeded, good enough for jitter and choices. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const began = Date.now();
const say: Say = (event, details = {}) => {
  process.stdout.write(`${JSON.stringify({ event, ms: Date.now() - began, ...details })}\n`);
};

async function main(): Promise<void> {
  const name = process.argv[2] ?? "";
  const scenario = SCENARIOS[name];
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  const given = JSON.parse(readFileSync(0, "utf8")) as { url: string; link: string; seed: number };
  await scenario({ url: given.url, link: given.link, random: seeded(given.seed) }, say);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    say("failed", { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    process.exit(1);
  },
);
