/**
 * The way out. It stands alone, so that it works before anything else is loaded and while anything else is broken.
 *
 * A click is caught on the window before any other handler sees it, on whatever carries `data-exit`; so are three bare
 * taps of Shift within 5 s. Escape is no way out: it closes dialogs, and a single key is pressed by accident.
 *
 * What it can't do: clear the browser's history, or stop somebody who reads the screen by other means.
 */

const TAPS = 3;
const WITHIN_MS = 5_000;

export type Exit = {
  readonly leave: () => void;
  /** Asked before leaving by click or keys; `true` means that it was practice and the page stays. */
  intercept: (() => boolean) | null;
};

export type ExitParts = {
  readonly page: Window;
  /** Where to: a neutral page. Read from `<meta name="leave-to">`. */
  readonly target: string;
  readonly replace: (target: string) => void;
  /** Lock and end the session; the page is hidden before. Whatever it throws, the page is left. */
  readonly onLeave: () => void;
  /** The browser shows a kept copy of the page again (bfcache): nothing may be readable before this has locked. */
  readonly onReturn: () => void;
};

export function installExit({ page, target, replace, onLeave, onReturn }: ExitParts): Exit {
  const { document } = page;
  const hide = () => {
    document.documentElement.classList.add("gone");
  };

  const exit: Exit = {
    intercept: null,
    leave: () => {
      hide();
      // Hiding is not enough: a hidden page still gives its text to whoever asks the document.
      document.body.replaceChildren();
      try {
        onLeave();
      } finally {
        replace(target);
      }
    },
  };

  const leaveUnlessPractice = () => {
    if (exit.intercept?.() !== true) exit.leave();
  };

  page.addEventListener(
    "click",
    (event) => {
      if (!(event.target instanceof Element) || event.target.closest("[data-exit]") === null) return;
      event.preventDefault();
      event.stopPropagation();
      leaveUnlessPractice();
    },
    { capture: true },
  );
  watchShift(page, leaveUnlessPractice);

  page.addEventListener("pagehide", hide);
  page.addEventListener("pageshow", (event) => {
    if (event.persisted) onReturn();
    document.documentElement.classList.remove("gone");
  });
  return exit;
}

/** Call `act` after three taps of Shift alone. Shift that makes a capital letter is no tap, however fast someone writes. */
function watchShift(page: Window, act: () => void): void {
  let bare = false;
  let taps: number[] = [];
  page.addEventListener(
    "keydown",
    (event) => {
      const alone = event.key === "Shift" && !event.ctrlKey && !event.altKey && !event.metaKey;
      if (alone && event.repeat) return;
      bare = alone;
      if (!alone) taps = [];
    },
    { capture: true },
  );
  page.addEventListener(
    "pointerdown",
    () => {
      bare = false;
    },
    { capture: true },
  );
  page.addEventListener(
    "keyup",
    (event) => {
      if (event.key !== "Shift" || !bare) return;
      bare = false;
      taps = [...taps, event.timeStamp].filter((tap) => event.timeStamp - tap <= WITHIN_MS);
      if (taps.length < TAPS) return;
      taps = [];
      act();
    },
    { capture: true },
  );
}
