/** What the parts of an open store share: who this device is, what is verified, what is kept, and how to reach the server. */
import { toHex } from "../crypto/hex";
import { sign } from "../crypto/sodium";
import type { Api } from "../protocol/endpoints";
import { CallError } from "../protocol/failure";
import type { Label } from "../protocol/generated";
import type { Logs } from "./community";
import type { Database } from "./database";
import type { Lanes } from "./lanes";
import type { Ports } from "./ports";
import type { SelfRecord } from "./records";
import type { Room, RoomBook } from "./roomBook";

export type Core = {
  readonly ports: Ports;
  /** Signs in again by itself when the session ended. */
  readonly api: Api;
  readonly db: Database;
  readonly self: SelfRecord;
  readonly ids: { readonly accountId: string; readonly deviceId: string };
  readonly logs: Logs;
  readonly book: RoomBook;
  readonly lanes: Lanes;
  readonly clock: Clock;
  readonly watch: Watch;
  readonly sign: (label: Label, bytes: Uint8Array) => Uint8Array;
};

/** The server's time as this device knows it: phones are often wrong, and signed entries must not be. */
export interface Clock {
  now: () => number;
  learn: (serverNow: number) => void;
}

export function createClock(deviceNow: () => number): Clock {
  let ahead = 0;
  return {
    now: () => deviceNow() + ahead,
    learn: (serverNow) => {
      ahead = serverNow - deviceNow();
    },
  };
}

/** Waiting for something that another part will do. */
export interface Watch {
  changed: () => void;
  /** True once `isTrue` holds, looked at after each change; false after `ms`, or when the store closes. */
  until: (isTrue: () => boolean, ms: number) => Promise<boolean>;
  close: () => void;
}

export function createWatch(setTimer: Ports["setTimer"]): Watch {
  const waiting = new Set<{ isTrue: () => boolean; end: (held: boolean) => void }>();
  return {
    changed: () => {
      for (const one of [...waiting]) if (one.isTrue()) one.end(true);
    },
    until: (isTrue, ms) =>
      isTrue()
        ? Promise.resolve(true)
        : new Promise((resolve) => {
            const one = {
              isTrue,
              end: (held: boolean): void => {
                waiting.delete(one);
                cancel();
                resolve(held);
              },
            };
            const cancel = setTimer(() => {
              one.end(false);
            }, ms);
            waiting.add(one);
          }),
    close: () => {
      for (const one of [...waiting]) one.end(false);
    },
  };
}

export const signerOf =
  (self: SelfRecord) =>
  (label: Label, bytes: Uint8Array): Uint8Array =>
    sign(label, self.root, bytes, self.deviceSeed);

/** Return the room, with its group, or raise the one error for a room that is not open on this device. */
export function openGroup(core: Core, roomId: string): Room & { readonly group: NonNullable<Room["group"]> } {
  const room = core.book.get(roomId);
  if (room === null || room.group === null || room.record.problem !== null)
    throw new CallError("request.not_found");
  return room as Room & { readonly group: NonNullable<Room["group"]> };
}

export const idsOf = (self: SelfRecord): Core["ids"] => ({
  accountId: toHex(self.accountId),
  deviceId: toHex(self.deviceId),
});
