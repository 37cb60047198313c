import { installExit } from "./views/exit";
import { followViewport } from "./views/viewport";
import type { AppStore } from "./store/model";

// The first script, and a small one. Before anything large is loaded the link's secret leaves the address, and with it the
// history, and the way out works. Then it joins what `joined.ts` made of transport and store with the views.

const APP = "/app";
const JOIN = "/join";

const fragment = location.hash.slice(1);
history.replaceState(null, "", APP);

let store: AppStore | null = null;
let left = false;

const exit = installExit({
  page: window,
  target: document.querySelector<HTMLMetaElement>('meta[name="leave-to"]')?.content ?? "/",
  replace: (target) => {
    location.replace(target);
  },
  onLeave: () => {
    left = true;
    if (store) store.leaveFast();
    else navigator.sendBeacon("/api/v1/exit");
  },
  onReturn: () => {
    // A page that was kept is not trusted to be in order: without a store to lock there is nothing on it to lose.
    if (store) store.lock();
    else location.reload();
  },
});
followViewport(window);

function offerToLoadAgain(): void {
  document.getElementById("loading")?.toggleAttribute("hidden", true);
  const failed = document.getElementById("load-failed");
  failed?.toggleAttribute("hidden", false);
  failed?.querySelector("button")?.addEventListener("click", () => {
    // The link was taken out of the address; it is put back for one moment, or it would be lost.
    if (fragment) location.replace(`${JOIN}#${fragment}`);
    else location.reload();
  });
}

async function start(): Promise<void> {
  const [views, joined] = await Promise.all([import("./views/app"), import("./joined")]);
  const root = document.getElementById("app");
  // Somebody may have left while it was loading.
  if (left || root === null) return;
  store = joined.createBrowserStore(window);
  views.mountApp({ store, root, exit, link: fragment || null });
  const noteActivity = () => store?.noteActivity();
  for (const event of ["pointerdown", "keydown", "scroll"]) {
    window.addEventListener(event, noteActivity, { capture: true, passive: true });
  }
  await store.start();
}

start().catch(() => {
  if (store === null && !left) offerToLoadAgain();
});
