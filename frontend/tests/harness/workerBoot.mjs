// A worker thread does not take tsx over from its parent.
import { workerData } from "node:worker_threads";
import { register } from "tsx/esm/api";

register();
if (workerData.fastCurves) await import("./fastCurves.mjs");
await import("./crowdWorker.ts");
