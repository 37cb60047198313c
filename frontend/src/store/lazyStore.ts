import { openIndexedDbStore, type RawStore } from "./rawStore";

/**
 * A store that is made at the first write. Whoever only looks at a link, or uses a shared device, leaves no database behind:
 * an empty one tells that the app was open here.
 *
 * Rejects at once where the browser allows no storage, as `openIndexedDbStore` does. One tab at a time uses it (Web Locks).
 */
export async function openLazyStore(factory: IDBFactory, name: string): Promise<RawStore> {
  let made: Promise<RawStore> | null = null;
  const make = () => (made ??= openIndexedDbStore(factory, name));
  if (await isThere(factory, name)) await make();
  return {
    get: async (key) => (await made)?.get(key) ?? null,
    range: async (prefix) => (await made)?.range(prefix) ?? [],
    write: async (changes) => {
      if (made === null && changes.every(({ value }) => value === null)) return;
      await (await make()).write(changes);
    },
    close: () => {
      void made?.then((store) => {
        store.close();
      });
    },
    destroy: async () => {
      const there = made;
      made = null;
      await (await there)?.destroy();
    },
  };
}

/** Ask without making it: an upgrade that is aborted leaves no database (Indexed Database API 3.0 §5.7). */
function isThere(factory: IDBFactory, name: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let missing = false;
    const asked = factory.open(name);
    asked.onupgradeneeded = () => {
      missing = true;
      asked.transaction?.abort();
    };
    asked.onsuccess = () => {
      asked.result.close();
      resolve(true);
    };
    asked.onerror = (event) => {
      event.preventDefault();
      if (missing) resolve(false);
      else reject(asked.error ?? new Error("no storage"));
    };
  });
}
