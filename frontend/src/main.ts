import { installExit } from "./views/exit";
import { followViewport } from "./views/viewport";

// Joins transport, store and views. First of all, before anything large is loaded: the link's secret leaves the address
// and with it the history, and the exit works.
const fragment = location.hash.slice(1);
if (location.hash !== "") history.replaceState(null, "", location.pathname);

const exit = installExit({
  page: window,
  target: document.querySelector<HTMLMetaElement>('meta[name="leave-to"]')?.content ?? "/",
  replace: (target) => {
    location.replace(target);
  },
  onLeave: () => undefined,
  onReturn: () => undefined,
});
followViewport(window);
void [exit, fragment];
