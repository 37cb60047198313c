import { h, render } from "preact";
import { App } from "../../src/views/app";
import { installExit, type Exit } from "../../src/views/exit";
import { createUi, type Place, type Ui } from "../../src/views/ui";
import { createFakeStore, type FakeStore } from "./fakeStore";
import { COMMUNITY, me, NOON, openRoom } from "./people";
import type { OpenRoom } from "../../src/store/model";

/** A person in front of the app: they see text, press what they see and type into what is labelled. */
export type Person = {
  readonly store: FakeStore;
  readonly ui: Ui;
  readonly exit: Exit;
  /** Where the exit led; empty while the page stays. */
  readonly wentTo: string[];
  readonly sees: (text: string) => boolean;
  readonly button: (text: string) => HTMLElement;
  readonly press: (text: string) => Promise<void>;
  readonly field: (label: string) => HTMLInputElement | HTMLTextAreaElement;
  readonly type: (label: string, text: string) => Promise<void>;
  readonly key: (key: string, more?: KeyboardEventInit) => void;
  readonly settle: () => Promise<void>;
};

// Signals draw in a microtask, effects in a frame; a few turns are enough and no clock is waited for.
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise<void>((done) => {
      requestAnimationFrame(() => {
        setTimeout(done, 0);
      });
    });
  }
}

// Listeners on the window outlive a test; those of earlier people go with the signal.
let before: AbortController | null = null;

function windowUntil(signal: AbortSignal): Window {
  return new Proxy(window, {
    get: (target, name) => {
      if (name === "addEventListener") {
        return (type: string, listener: EventListener, options: AddEventListenerOptions = {}) => {
          target.addEventListener(type, listener, { ...options, signal });
        };
      }
      return Reflect.get(target, name, target) as unknown;
    },
  });
}

export function visit(prepare: (store: FakeStore) => void): Person {
  before?.abort();
  before = new AbortController();
  document.body.replaceChildren();
  document.documentElement.className = "";
  const root = document.body.appendChild(document.createElement("div"));
  const store = createFakeStore(NOON);
  const ui = createUi(store, () => NOON);
  const wentTo: string[] = [];
  const exit = installExit({
    page: windowUntil(before.signal),
    target: "/leave",
    replace: (target) => {
      wentTo.push(target);
    },
    onLeave: () => {
      store.leaveFast();
    },
    onReturn: () => {
      store.lock();
    },
  });
  exit.intercept = () => {
    if (ui.practice.value !== "armed") return false;
    ui.practice.value = "showing";
    return true;
  };
  prepare(store);
  render(h(App, { ui }), root);

  const shown = () => document.body.textContent.replace(/\s+/g, " ");
  const nameOf = (element: Element) => (element.getAttribute("aria-label") ?? element.textContent).trim();
  const button = (text: string) => {
    const all = [...document.querySelectorAll<HTMLElement>("button, summary, label.option, a")];
    // A modal dialog is in front of the page, and later in it.
    const found = all.reverse().find((element) => nameOf(element).startsWith(text));
    if (!found) throw new Error(`nothing to press with the text "${text}" in: ${shown()}`);
    return found;
  };
  const field = (label: string) => {
    const found = [...document.querySelectorAll("label")].find((one) =>
      one.textContent.trim().startsWith(label),
    );
    const input = document.getElementById(found?.htmlFor ?? "");
    if (input === null) throw new Error(`no field "${label}" in: ${shown()}`);
    return input as HTMLInputElement;
  };
  return {
    store,
    ui,
    exit,
    wentTo,
    settle,
    button,
    field,
    sees: (text) => shown().includes(text),
    press: async (text) => {
      button(text).click();
      await settle();
    },
    type: async (label, text) => {
      const input = field(label);
      input.value = text;
      input.dispatchEvent(new Event("input", { bubbles: true }));
      await settle();
    },
    key: (key, more = {}) => {
      const target = document.activeElement ?? document.body;
      target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
      target.dispatchEvent(new KeyboardEvent("keyup", { key, bubbles: true, ...more }));
    },
  };
}

/** Someone signed in, at a place in the app. */
export async function visitOpen(
  prepare: (store: FakeStore) => void,
  place: Place = { at: "rooms" },
): Promise<Person> {
  const person = visit((store) => {
    store.set.phase.value = "open";
    store.set.community.value = COMMUNITY;
    store.set.me.value = me();
    prepare(store);
  });
  await settle();
  person.ui.place.value = place;
  await settle();
  return person;
}

export async function visitRoom(
  more: Partial<OpenRoom>,
  view: "talk" | "people" = "talk",
  prepare: (store: FakeStore) => void = () => undefined,
): Promise<Person> {
  const current = openRoom(more);
  return visitOpen(
    (store) => {
      store.set.rooms.value = [current];
      store.set.currentRoom.value = current;
      prepare(store);
    },
    { at: "room", id: current.id, view },
  );
}
