import { createAppStore } from "./store/appStore";
import type { AppStore } from "./store/model";
import { claimTabWith } from "./store/ports";
import { openLazyStore } from "./store/lazyStore";
import { createApi } from "./transport/http";
import { createLink, type SocketLike } from "./transport/socket";

// What this browser calls its storage, where anyone who holds the phone can look: it tells no more than the title does.
const NAME = "notes";

/** Give the store what a browser has: its network, its disk, its clock and its locks. */
export function createBrowserStore(page: Window & typeof globalThis): AppStore {
  const { origin } = page.location;
  return createAppStore({
    api: createApi({ fetch: (...args) => page.fetch(...args), origin }),
    link: createLink({
      connect: (subprotocol) =>
        // Its handlers take whole events, ours read one field of them.
        new page.WebSocket(`${origin.replace(/^http/, "ws")}/ws`, subprotocol) as unknown as SocketLike,
      events: [page, page.document],
    }),
    openStore: () => openLazyStore(page.indexedDB, NAME),
    // Absent in old browsers, and everywhere outside of https and localhost, whatever the types say.
    claimTab: () => claimTabWith((page.navigator as { locks?: LockManager }).locks, NAME),
    now: Date.now,
    origin,
    beacon: (path) => {
      page.navigator.sendBeacon(path);
    },
    random: Math.random,
    setTimer: (run, ms) => {
      const timer = page.setTimeout(run, ms);
      return () => {
        page.clearTimeout(timer);
      };
    },
  });
}
