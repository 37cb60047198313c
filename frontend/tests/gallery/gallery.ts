import { render, h } from "preact";
import { App } from "../../src/views/app";
import { installExit } from "../../src/views/exit";
import { createUi } from "../../src/views/ui";
import { createFakeStore } from "../support/fakeStore";
import { NOON } from "../support/people";
import { SCENES } from "./scenes";

/** Shows the scene that the fragment names: `#room`, or `#room/rtl` with the page's direction turned. */

const [name = "", direction = "ltr"] = location.hash.slice(1).split("/");
const scene = SCENES[name];
const root = document.getElementById("app");

if (scene === undefined || root === null) {
  document.body.textContent = Object.keys(SCENES).join(" ");
} else {
  document.documentElement.dir = direction;
  const store = createFakeStore(NOON);
  const ui = createUi(store, () => NOON);
  const exit = installExit({
    page: window,
    target: "/",
    replace: (target) => {
      location.replace(target);
    },
    onLeave: store.leaveFast,
    onReturn: store.lock,
  });
  exit.intercept = () => {
    if (ui.practice.value !== "armed") return false;
    ui.practice.value = "showing";
    return true;
  };
  void Promise.resolve(
    scene(store, ui, () => {
      render(h(App, { ui }), root);
    }),
  ).then(() => {
    // What a test waits for: the scene stands.
    document.documentElement.dataset["scene"] = name;
  });
}
