/** A store whose keys are in memory: what is kept is loaded, the engine runs. Ended by `close`, which drops the keys. */
import type { AccountState } from "../crypto/accountLog";
import type { CommunityState } from "../crypto/communityLog";
import { toHex } from "../crypto/hex";
import { wipe } from "../crypto/wipe";
import { createLogs } from "./community";
import { createClock, createWatch, idsOf, signerOf, type Clock, type Core } from "./core";
import { openDatabase, type Database } from "./database";
import { createLanes } from "./lanes";
import type { Ports } from "./ports";
import type { RawStore } from "./rawStore";
import { PLACES, type CursorRecord, type SelfRecord } from "./records";
import { createRoomBook, loadRooms } from "./roomBook";
import { createSignedInApi } from "./signIn";
import { createSync, type Sync, type SyncEvents } from "./sync";

export type Opened = {
  readonly core: Core;
  readonly sync: Sync;
  readonly raw: RawStore;
  readonly localKey: Uint8Array;
  readonly cursor: CursorRecord;
  close: () => void;
};

/** Return the account this browser holds; null where there is none, or a sign-up never came to its end. */
export const readSelf = (db: Database): Promise<SelfRecord | null> => db.get<SelfRecord>(PLACES.self);

export async function openKept(make: {
  ports: Ports;
  raw: RawStore;
  localKey: Uint8Array;
  self: SelfRecord;
  clock?: Clock;
  events: SyncEvents;
  onChange: () => void;
}): Promise<Opened> {
  const { ports, raw, localKey, self } = make;
  const db = openDatabase(raw, localKey);
  const lanes = createLanes();
  const watch = createWatch(ports.setTimer);
  const onChange = (): void => {
    watch.changed();
    make.onChange();
  };
  const [community, accounts, rooms, cursor] = await Promise.all([
    db.get<CommunityState>(PLACES.community),
    db.list<AccountState>("account"),
    loadRooms(db),
    db.get<CursorRecord>(PLACES.cursor),
  ]);
  if (community === null) throw new Error("no community is kept");
  const api = createSignedInApi(ports.api, self, ports.origin);
  const known = new Map(accounts.map((account) => [toHex(account.accountId), account]));
  const core: Core = {
    ports,
    api,
    db,
    self,
    ids: idsOf(self),
    logs: createLogs({ api, db, verified: { community, accounts: known }, onChange }),
    book: createRoomBook({ db, lanes, rooms, onChange }),
    lanes,
    clock: make.clock ?? createClock(ports.now),
    watch,
    sign: signerOf(self),
  };
  const sync = createSync(core, make.events);
  return {
    core,
    sync,
    raw,
    localKey,
    cursor: cursor ?? { deviceSeq: 0 },
    close: () => {
      sync.stop();
      db.lock();
      wipe([localKey, self.deviceSeed]);
    },
  };
}
