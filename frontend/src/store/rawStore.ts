/**
 * Where bytes are kept: IndexedDB, or this tab's memory on a shared device. Neither knows what it keeps: keys are names
 * that tell nothing and values are sealed (database.ts). Changes that belong together are written together or not at all.
 */

export type RawChange =
  | { readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly key: Uint8Array; readonly value: null };

export interface RawStore {
  get: (key: Uint8Array) => Promise<Uint8Array | null>;
  /** All records whose key begins with `prefix`, in the order of their keys. */
  range: (prefix: Uint8Array) => Promise<readonly { readonly key: Uint8Array; readonly value: Uint8Array }[]>;
  /** One transaction, on disk when the promise resolves. */
  write: (changes: readonly RawChange[]) => Promise<void>;
  close: () => void;
  /** Remove everything. */
  destroy: () => Promise<void>;
}

const hex = (bytes: Uint8Array): string => {
  let text = "";
  for (const byte of bytes) text += (byte + 256).toString(16).slice(1);
  return text;
};

/** Return a store that ends with the page. */
export function createMemoryStore(): RawStore {
  const records = new Map<string, { key: Uint8Array; value: Uint8Array }>();
  return {
    get: async (key) => records.get(hex(key))?.value ?? null,
    range: async (prefix) => {
      const start = hex(prefix);
      return [...records.entries()]
        .filter(([name]) => name.startsWith(start))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, record]) => record);
    },
    write: async (changes) => {
      for (const { key, value } of changes) {
        if (value === null) records.delete(hex(key));
        else records.set(hex(key), { key, value });
      }
    },
    close: () => undefined,
    destroy: async () => {
      records.clear();
    },
  };
}

const RECORDS = "records";
const VERSION = 1;

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result);
    };
    request.onerror = () => {
      reject(request.error ?? new Error("storage failed"));
    };
  });
}

function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => {
      resolve();
    };
    const fail = (): void => {
      reject(transaction.error ?? new Error("storage failed"));
    };
    transaction.onabort = fail;
    transaction.onerror = fail;
  });
}

// A plain buffer: an IndexedDB key may be a view, but old Safari compares views by their whole buffer.
const keyOf = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;

/** The first key after all that begin with `prefix`; null when there is none. */
function after(prefix: Uint8Array): ArrayBuffer | null {
  const next = Uint8Array.from(prefix);
  for (let index = next.length - 1; index >= 0; index--) {
    if (next[index] !== 0xff) {
      next[index] = (next[index] ?? 0) + 1;
      return keyOf(next.subarray(0, index + 1));
    }
  }
  return null;
}

/** Open the database `name`, made on first use. Rejects where the browser allows no storage. */
export async function openIndexedDbStore(factory: IDBFactory, name: string): Promise<RawStore> {
  const opening = factory.open(name, VERSION);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore(RECORDS);
  };
  const database = await settled(opening);
  // Another tab erases or upgrades: let go, else it waits for ever.
  database.onversionchange = () => {
    database.close();
  };
  const records = () => database.transaction(RECORDS, "readonly").objectStore(RECORDS);
  return {
    get: async (key) => {
      const value: unknown = await settled(records().get(keyOf(key)));
      return value instanceof Uint8Array ? value : null;
    },
    range: async (prefix) => {
      const end = after(prefix);
      const span =
        end === null
          ? IDBKeyRange.lowerBound(keyOf(prefix))
          : IDBKeyRange.bound(keyOf(prefix), end, false, true);
      const store = records();
      const [keys, values] = await Promise.all([
        settled(store.getAllKeys(span)),
        settled(store.getAll(span)),
      ]);
      return keys.map((key, index) => ({
        key: new Uint8Array(key as ArrayBuffer),
        value: values[index] as Uint8Array,
      }));
    },
    write: async (changes) => {
      // Strict: a ratchet that went back after a power cut would seal a second message with a key that was used.
      const transaction = database.transaction(RECORDS, "readwrite", { durability: "strict" });
      const store = transaction.objectStore(RECORDS);
      const done = finished(transaction);
      for (const { key, value } of changes) {
        if (value === null) store.delete(keyOf(key));
        else store.put(value, keyOf(key));
      }
      await done;
    },
    close: () => {
      database.close();
    },
    destroy: async () => {
      // Emptied first: deleting a database waits for other tabs, the records must not.
      const transaction = database.transaction(RECORDS, "readwrite", { durability: "strict" });
      transaction.objectStore(RECORDS).clear();
      await finished(transaction);
      database.close();
      await settled(factory.deleteDatabase(name) as IDBRequest<unknown>);
    },
  };
}
