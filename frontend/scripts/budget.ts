/**
 * Weighs what a first visit to the app loads, Brotli at its strongest as the server sends it, and fails above the limit.
 *
 * First visit: the page, its style and icon, its entry, and every chunk that the page preloads. What is loaded only when
 * it is needed is listed apart and is no part of the sum.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const BUDGET_KB = 90;
const LIMIT_KB = 110;

const dist = process.argv[2] ?? join(import.meta.dirname, "..", "dist");

function weigh(file: string): number {
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  return brotliCompressSync(readFileSync(join(dist, file)), { params }).length;
}

const page = readFileSync(join(dist, "index.html"), "utf8");
const named = [...page.matchAll(/<(?:script|link)[^>]*?(?:src|href)="\/([^"]+)"/g)].map(
  (match) => match[1] ?? "",
);
const first = ["index.html", ...new Set(named)];
const later = readdirSync(join(dist, "assets"))
  .map((file) => `assets/${file}`)
  // Beside each file may lie the compressed one that the server sends.
  .filter((file) => !first.includes(file) && !/\.(br|gz)$/.test(file));

const kb = (bytes: number) => `${(bytes / 1024).toFixed(1).padStart(7)} KB`;
const list = (files: readonly string[]) =>
  files
    .map((file) => ({ file, bytes: weigh(file) }))
    .sort((a, b) => b.bytes - a.bytes)
    .map(({ file, bytes }) => {
      process.stdout.write(`${kb(bytes)}  ${file}\n`);
      return bytes;
    })
    .reduce((sum, bytes) => sum + bytes, 0);

process.stdout.write("First visit, Brotli:\n");
const sum = list(first);
if (later.length > 0) {
  process.stdout.write("When it is needed:\n");
  list(later);
}
process.stdout.write(`${kb(sum)}  first visit; budget ${BUDGET_KB} KB, limit ${LIMIT_KB} KB\n`);

// A page whose app is not preloaded would weigh next to nothing and pass.
if (named.filter((file) => file.endsWith(".js")).length < 2) {
  process.stdout.write("The page preloads no chunk: this measured nothing.\n");
  process.exitCode = 1;
} else if (sum > LIMIT_KB * 1024) {
  process.stdout.write("Over the limit.\n");
  process.exitCode = 1;
} else if (sum > BUDGET_KB * 1024) {
  process.stdout.write("Over the budget, below the limit: find what can go.\n");
}
