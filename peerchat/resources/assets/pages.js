// Makes the way out better; without this script it is a plain link. Nothing else on these pages needs a script.
"use strict";
(() => {
  const root = document.documentElement;
  const way = document.querySelector("a[data-exit]");
  if (way === null) return;
  const target = way.href;
  let left = false;

  const leave = () => {
    left = true;
    root.classList.add("gone");
    document.body.replaceChildren();
    try {
      sessionStorage.setItem("left", "1");
      navigator.sendBeacon("/api/v1/exit");
    } finally {
      // Not assign: this page must not be one step back.
      location.replace(target);
    }
  };

  addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || event.target.closest("[data-exit]") === null) return;
    event.preventDefault();
    leave();
  });

  // Three taps of Shift alone within 5 s. Shift that makes a capital letter is no tap; Escape closes things and never exits.
  let bare = false;
  let taps = [];
  addEventListener("keydown", (event) => {
    const alone = event.key === "Shift" && !event.ctrlKey && !event.altKey && !event.metaKey;
    if (alone && event.repeat) return;
    bare = alone;
    if (!alone) taps = [];
  });
  addEventListener("pointerdown", () => {
    bare = false;
  });
  addEventListener("keyup", (event) => {
    if (event.key !== "Shift" || !bare) return;
    bare = false;
    taps = [...taps, event.timeStamp].filter((tap) => event.timeStamp - tap <= 5000);
    if (taps.length === 3) leave();
  });

  // After an exit, Back shows nothing in this tab. A page that somebody asks for anew opens as always.
  addEventListener("pagehide", () => root.classList.add("gone"));
  addEventListener("pageshow", (event) => {
    const [entry] = performance.getEntriesByType("navigation");
    const back = event.persisted || (entry !== undefined && entry.type === "back_forward");
    let was = null;
    try {
      was = sessionStorage.getItem("left");
      if (!back) sessionStorage.removeItem("left");
    } catch {
      // Storage is refused in some private windows; Back then shows this public page again.
    }
    if (back && was !== null) leave();
    else if (!left) root.classList.remove("gone");
  });
})();
