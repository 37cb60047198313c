/** Asking by HTTP while no socket lives: slower and jittered, and slower still while nothing answers. */
import { CallError } from "../protocol/failure";
import type { Ports } from "./ports";

const ROUND_MS = 4_000;
const FAILED_MS = 15_000;

export interface Poller {
  start: () => void;
  stop: () => void;
  /** Whether the newest round was answered. */
  isUp: () => boolean;
}

export function createPoller(make: {
  readonly setTimer: Ports["setTimer"];
  readonly random: () => number;
  readonly poll: () => Promise<void>;
  readonly onBroken: (error: unknown) => void;
}): Poller {
  let cancel: (() => void) | null = null;
  let isOn = false;
  let isUp = false;

  function next(ms: number): void {
    if (isOn) cancel = make.setTimer(() => void round(), ms * (0.75 + make.random() / 2));
  }

  async function round(): Promise<void> {
    try {
      await make.poll();
      isUp = true;
      next(ROUND_MS);
    } catch (error) {
      isUp = false;
      next(FAILED_MS);
      if (!(error instanceof CallError)) make.onBroken(error);
    }
  }

  return {
    start: () => {
      if (isOn) return;
      isOn = true;
      void round();
    },
    stop: () => {
      isOn = false;
      isUp = false;
      cancel?.();
      cancel = null;
    },
    isUp: () => isUp,
  };
}
