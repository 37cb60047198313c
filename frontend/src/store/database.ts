/**
 * Records under the local key. Each value is sealed with XChaCha20-Poly1305, its store and key as associated data, so that
 * nothing can be read and no record can be put in another's place; keys are keyed hashes. What stays visible: how many
 * records there are, their sizes, and in which lists they stand.
 *
 * There is one way to change anything: a batch, all or nothing. So a crash at any moment leaves a state that was whole.
 */
import { decode, encode, ExtensionCodec } from "@msgpack/msgpack";
import { concatBytes, utf8 } from "../crypto/bytes";
import { recordKeys, recordName, type RecordKeys } from "../crypto/localKey";
import { aeadOpen, aeadSeal } from "../crypto/sodium";
import { wipe } from "../crypto/wipe";
import type { RawChange, RawStore } from "./rawStore";

/** Every kind of record, with what one of them is. */
export const STORES = [
  "self", // this account and device, one record
  "community", // the verified community log, one record
  "account", // a verified account log each
  "room", // the verified log of a room, its row in the list, what the person set
  "group", // a room's MLS state and cursor
  "made", // own commits whose fate is not known yet
  "key-package", // own key packages with their private keys
  "outbox", // messages that the server has not taken
  "timeline", // messages and lines that are shown, in order of seq
] as const;
export type StoreName = (typeof STORES)[number];

/** A record's place: alone (`item` absent), in a list by number, or in a list by name. */
export type Place = { readonly store: StoreName; readonly list?: string; readonly item?: number | string };

const MAP = 1;
const SET = 2;
const extensions = new ExtensionCodec();
extensions.register({
  type: MAP,
  encode: (value) => (value instanceof Map ? encode([...value], { extensionCodec: extensions }) : null),
  decode: (data) => new Map(decode(data, { extensionCodec: extensions }) as [unknown, unknown][]),
});
extensions.register({
  type: SET,
  encode: (value) => (value instanceof Set ? encode([...value], { extensionCodec: extensions }) : null),
  decode: (data) => new Set(decode(data, { extensionCodec: extensions }) as unknown[]),
});

export interface Batch {
  put: (place: Place, value: unknown) => void;
  remove: (place: Place) => void;
}

export interface Database {
  get: <T>(place: Place) => Promise<T | null>;
  /** All records of a list, by number; a list by name comes in no particular order. */
  list: <T>(store: StoreName, list?: string) => Promise<readonly T[]>;
  /** `fill` collects changes; they are written together. */
  write: (fill: (batch: Batch) => void) => Promise<void>;
  /** Forget the keys. Nothing can be read or written after. */
  lock: () => void;
}

function numberBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** Return the records of `raw` as `localKey` opens them. */
export function openDatabase(raw: RawStore, localKey: Uint8Array): Database {
  let keys: RecordKeys | null = recordKeys(localKey);

  function held(): RecordKeys {
    if (keys === null) throw new Error("locked");
    return keys;
  }

  const prefixOf = (store: StoreName, list = ""): Uint8Array => recordName(held(), `${store}/${list}`);

  function keyOf({ store, list = "", item }: Place): Uint8Array {
    const prefix = prefixOf(store, list);
    if (item === undefined) return prefix;
    if (typeof item === "number") return concatBytes(prefix, numberBytes(item));
    return concatBytes(prefix, recordName(held(), `${store}/${list}/${item}`));
  }

  const dataOf = (store: StoreName, key: Uint8Array): Uint8Array => concatBytes(utf8(`${store}/`), key);

  function open(store: StoreName, key: Uint8Array, sealed: Uint8Array): unknown {
    const plain = aeadOpen(held().seal, sealed, dataOf(store, key));
    // Copied out of the buffer by the decoder's own rules or not, it is this function's alone.
    return decode(plain, { extensionCodec: extensions });
  }

  function seal(store: StoreName, key: Uint8Array, value: unknown): Uint8Array {
    const plain = encode(value, { extensionCodec: extensions, ignoreUndefined: true });
    const sealed = aeadSeal(held().seal, plain, dataOf(store, key));
    plain.fill(0);
    return sealed;
  }

  return {
    get: async <T>(place: Place) => {
      const key = keyOf(place);
      const sealed = await raw.get(key);
      return sealed === null ? null : (open(place.store, key, sealed) as T);
    },
    list: async <T>(store: StoreName, list?: string) => {
      const records = await raw.range(prefixOf(store, list));
      return records.map(({ key, value }) => open(store, key, value) as T);
    },
    write: async (fill) => {
      const changes: RawChange[] = [];
      fill({
        put: (place, value) => {
          const key = keyOf(place);
          changes.push({ key, value: seal(place.store, key, value) });
        },
        remove: (place) => {
          changes.push({ key: keyOf(place), value: null });
        },
      });
      if (changes.length > 0) await raw.write(changes);
    },
    lock: () => {
      if (keys !== null) wipe([keys.seal, keys.name]);
      keys = null;
    },
  };
}
