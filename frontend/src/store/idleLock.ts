/** Drops the keys when nobody has touched the page for a while. Short where a PIN brings them back, longer where not. */
import type { Ports } from "./ports";

const IDLE_MS = { pin: 5 * 60_000, phrase: 15 * 60_000, shared: 30 * 60_000 } as const;
const LOOK_MS = 15_000;

export interface IdleLock {
  start: (kind: keyof typeof IDLE_MS) => void;
  stop: () => void;
  touch: () => void;
}

/** `lock` is called once the time is over. Looks at the clock, since timers stand still while a phone sleeps. */
export function createIdleLock(ports: Pick<Ports, "now" | "setTimer">, lock: () => void): IdleLock {
  let touchedAt = 0;
  let allowedMs = 0;
  let cancel: (() => void) | null = null;

  function look(): void {
    if (ports.now() - touchedAt >= allowedMs) {
      cancel = null;
      lock();
    } else cancel = ports.setTimer(look, LOOK_MS);
  }

  return {
    start: (kind) => {
      cancel?.();
      allowedMs = IDLE_MS[kind];
      touchedAt = ports.now();
      cancel = ports.setTimer(look, LOOK_MS);
    },
    stop: () => {
      cancel?.();
      cancel = null;
    },
    touch: () => {
      touchedAt = ports.now();
    },
  };
}
