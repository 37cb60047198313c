// The test build. A module that is imported with ?guard=NAME, and all of ours that it imports, is compiled in memory from
// src/ with the named guard cut out. Nothing in src/ knows of it: there is no switch that a production bundle could hold.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";

let guards = {};
const compiled = new Map();
const OPTIONS = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };

export async function initialize() {
  const source = readFileSync(new URL("./guards.ts", import.meta.url), "utf8");
  const { outputText } = ts.transpileModule(source, { compilerOptions: OPTIONS });
  guards = (await import(`data:text/javascript,${encodeURIComponent(outputText)}`)).GUARDS;
}

const guardOf = (url) => new URL(url).searchParams.get("guard");

export async function resolve(specifier, context, next) {
  const parent = context.parentURL?.startsWith("file:") ? context.parentURL : null;
  const guard = (specifier.startsWith("file:") ? guardOf(specifier) : null) ?? (parent && guardOf(parent));
  if (!guard || !/^(?:\.|file:)/.test(specifier)) return next(specifier, context);
  const url = new URL(specifier, parent ?? undefined);
  url.search = "";
  const path = fileURLToPath(url);
  const file = [path, `${path}.ts`, `${path}/index.ts`].find((one) => /\.\w+$/.test(one) && existsSync(one));
  if (file === undefined || !file.endsWith(".ts")) return next(specifier, context);
  const found = pathToFileURL(file);
  found.searchParams.set("guard", guard);
  return { url: found.href, format: "module", shortCircuit: true };
}

function withoutGuard(path, source, name) {
  const guard = guards[name];
  const edits = guard?.edits.filter((edit) => path.endsWith(`/src/${edit.file}`)) ?? [];
  for (const { find, put } of edits) {
    if (source.split(find).length !== 2) throw new Error(`guard ${name} is not where it was: ${find}`);
    source = source.replace(find, () => put);
  }
  return edits.length === 0 ? null : source;
}

export async function load(url, context, next) {
  if (!url.startsWith("file:") || !guardOf(url)) return next(url, context);
  const path = fileURLToPath(url.split("?")[0]);
  const source = readFileSync(path, "utf8");
  const changed = withoutGuard(path, source, guardOf(url));
  if (changed === null && !compiled.has(path))
    compiled.set(path, ts.transpileModule(source, { compilerOptions: OPTIONS, fileName: path }).outputText);
  const text =
    changed === null
      ? compiled.get(path)
      : ts.transpileModule(changed, { compilerOptions: OPTIONS, fileName: path }).outputText;
  return { format: "module", source: text, shortCircuit: true };
}
