/** The signals and the opened store that the parts of the app's store share. */
import { signal, type Signal } from "@preact/signals";
import { CallError } from "../protocol/failure";
import { createClock, type Clock } from "./core";
import type { Community, Connection, Phase } from "./model";
import type { Opened } from "./opened";
import type { Ports } from "./ports";

export type Shell = {
  readonly ports: Ports;
  readonly clock: Clock;
  readonly phase: Signal<Phase>;
  readonly connection: Signal<Connection>;
  readonly community: Signal<Community | null>;
  readonly opened: Signal<Opened | null>;
  /** Counts changes of what is kept, so that what is computed from it is computed again. */
  readonly version: Signal<number>;
  readonly bump: () => void;
  /** Let whoever computes be computed again after each change. */
  readonly follow: () => number;
  readonly online: (isOnline: boolean) => void;
  /** Raises `session.signed_out` where nothing is open. */
  readonly use: () => Opened;
};

export function createShell(ports: Ports): Shell {
  const opened = signal<Opened | null>(null);
  const version = signal(0);
  const connection = signal<Connection>({ state: "connecting", since: ports.now() });
  return {
    ports,
    clock: createClock(ports.now),
    phase: signal<Phase>("loading"),
    connection,
    community: signal<Community | null>(null),
    opened,
    version,
    bump: () => {
      version.value = version.peek() + 1;
    },
    follow: () => version.value,
    online: (isOnline) => {
      const state = isOnline ? "online" : "offline";
      if (connection.peek().state !== state) connection.value = { state, since: ports.now() };
    },
    use: () => {
      const found = opened.peek();
      if (found === null) throw new CallError("session.signed_out");
      return found;
    },
  };
}
