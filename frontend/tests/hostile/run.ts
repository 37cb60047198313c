/**
 * Every attack by name, twice: on the app's own core, which must answer as expected, and on a test build of it with the one
 * guard cut out, where it must succeed. Exit code 1 if either is not so. `main.mjs WORD...` runs those whose name has a word in it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { GUARDS } from "./guards";
import type { Scenario, Verdict } from "./scenario";

/** Nothing that a production bundle is made of may know of guards that can be cut out. */
function checkSource(): number {
  const src = fileURLToPath(new URL("../../src/", import.meta.url.split("?")[0]));
  const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) =>
    /\.tsx?$/.test(file),
  );
  for (const file of files) {
    const source = readFileSync(`${src}${file}`, "utf8");
    if (/hostile|\?guard=|from "[^"]*tests\//.test(source))
      throw new Error(`src/${file} knows of the test build`);
  }
  return files.length;
}

async function load(guard: string): Promise<readonly Scenario[]> {
  const url = new URL(
    `./scenarios/index.ts?guard=${encodeURIComponent(guard)}`,
    import.meta.url.split("?")[0],
  );
  const loaded = (await import(url.href)) as { SCENARIOS: readonly Scenario[] };
  return loaded.SCENARIOS;
}

async function attempt(scenario: Scenario): Promise<Verdict> {
  try {
    return await scenario.attack();
  } catch (error) {
    return {
      harm: false,
      how: `broken: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    };
  }
}

async function attemptWithout(scenario: Scenario): Promise<Verdict> {
  const same = (await load(scenario.guard)).find(({ name }) => name === scenario.name);
  return same === undefined ? { harm: false, how: "gone" } : attempt(same);
}

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

async function main(words: readonly string[]): Promise<number> {
  const began = performance.now();
  const files = checkSource();
  const all = await load("none");
  const chosen = all.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  const names = new Set<string>();
  let failed = 0;
  for (const scenario of chosen) {
    if (names.has(scenario.name)) throw new Error(`two scenarios: ${scenario.name}`);
    names.add(scenario.name);
    const guarded = await attempt(scenario);
    const holds = !guarded.harm && guarded.how === scenario.expect;
    const open = await attemptWithout(scenario);
    const canFail = open.harm;
    if (!holds || !canFail) failed += 1;
    const mark = holds && canFail ? "ok  " : "FAIL";
    print(`${mark} [${scenario.by}] ${scenario.name}`);
    print(`       answer: ${guarded.how}${guarded.harm ? " (HARM)" : ""}`);
    print(`       without "${scenario.guard}": ${canFail ? "succeeds" : `DOES NOT SUCCEED (${open.how})`}`);
  }
  if (words.length === 0) {
    const used = new Set(all.map(({ guard }) => guard));
    for (const guard of Object.keys(GUARDS)) {
      if (used.has(guard)) continue;
      failed += 1;
      print(`FAIL no scenario takes away "${guard}"`);
    }
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  print(`${String(chosen.length)} attacks, ${String(failed)} failed, ${seconds} s.`);
  print(
    `None of the ${String(files)} files of src/ knows of the test build: guards are cut out of the source in memory.`,
  );
  return failed === 0 ? 0 : 1;
}

process.exit(await main(process.argv.slice(2)));
