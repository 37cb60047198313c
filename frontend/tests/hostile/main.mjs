// Starts run.ts with the hooks that compile our TypeScript, and cut out a guard where one is named.
import { register } from "node:module";

register("./hooks.mjs", import.meta.url);
await import(new URL("./run.ts?guard=none", import.meta.url).href);
