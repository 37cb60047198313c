/** What the store is given from outside: the network, the disk, the clock. `main.ts` hands in a browser's, tests their own. */
import type { Api } from "../protocol/endpoints";
import type { Link } from "../protocol/link";
import type { RawStore } from "./rawStore";

/** `busy`: another tab of this browser holds it. `missing`: the browser has no such thing. */
export type TabClaim =
  { readonly kind: "held"; readonly release: () => void } | { readonly kind: "busy" | "missing" };

export type Ports = {
  readonly api: Api;
  readonly link: Link;
  /** What this browser keeps for the app. Rejects where it allows no storage. */
  readonly openStore: () => Promise<RawStore>;
  readonly claimTab: () => Promise<TabClaim>;
  /** UTC milliseconds by the device's own clock, which may be wrong. */
  readonly now: () => number;
  /** As the browser shows it, and as sign-in statements name it. */
  readonly origin: string;
  /** Send an empty POST to a path that outlives the page. */
  readonly beacon: (path: string) => void;
  /** 0 to 1, for jitter alone. */
  readonly random: () => number;
  readonly setTimer: (run: () => void, ms: number) => () => void;
};

/** One writer in this browser: two tabs would use the same ratchet keys twice. */
export function claimTabWith(locks: LockManager | undefined, name: string): Promise<TabClaim> {
  if (locks === undefined) return Promise.resolve({ kind: "missing" });
  return new Promise((resolve) => {
    const asked = locks.request(name, { ifAvailable: true }, (lock) => {
      if (lock === null) {
        resolve({ kind: "busy" });
        return undefined;
      }
      return new Promise<void>((release) => {
        resolve({ kind: "held", release });
      });
    });
    asked.catch(() => {
      resolve({ kind: "missing" });
    });
  });
}
