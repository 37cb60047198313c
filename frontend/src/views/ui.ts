import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { signal, type Signal } from "@preact/signals";
import type { AppStore, Id } from "../store/model";

/** Where in the open app a person is. It is kept out of the address, so that the browser's history holds one page. */
export type Place =
  | { readonly at: "rooms" }
  | { readonly at: "room"; readonly id: Id; readonly view: "talk" | "people" }
  | { readonly at: "new-room" }
  | { readonly at: "invites"; readonly roomId: Id | null }
  | { readonly at: "you" };

/** `armed`: the next exit is practice. `showing`: it was pressed. */
export type Practice = "off" | "armed" | "showing";

export type Ui = {
  readonly store: AppStore;
  readonly place: Signal<Place>;
  readonly helpOpen: Signal<boolean>;
  readonly practice: Signal<Practice>;
  /** The end of a link that was opened and is not used yet: an account that is locked here comes first. */
  readonly heldLink: Signal<string | null>;
  readonly now: () => number;
};

export function createUi(store: AppStore, now: () => number = Date.now): Ui {
  return {
    store,
    place: signal<Place>({ at: "rooms" }),
    helpOpen: signal(false),
    practice: signal<Practice>("off"),
    heldLink: signal<string | null>(null),
    now,
  };
}

export const UiContext = createContext<Ui | null>(null);

export function useUi(): Ui {
  const ui = useContext(UiContext);
  if (ui === null) throw new Error("rendered outside of the app");
  return ui;
}
