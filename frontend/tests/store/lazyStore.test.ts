import { beforeEach, describe, expect, test } from "vitest";
import { IDBFactory } from "fake-indexeddb";
import { openLazyStore } from "../../src/store/lazyStore";

const KEY = Uint8Array.of(1, 2);
const VALUE = Uint8Array.of(3);
const NAME = "notes";

let factory: IDBFactory;
const names = async () => (await factory.databases()).map((database) => database.name);

beforeEach(() => {
  factory = new IDBFactory();
});

describe("a store that is made when it is needed", () => {
  test("leaves no database behind by opening, reading and removing what is not there", async () => {
    const store = await openLazyStore(factory, NAME);
    expect(await store.get(KEY)).toBeNull();
    expect(await store.range(KEY)).toEqual([]);
    await store.write([{ key: KEY, value: null }]);
    await store.destroy();
    store.close();
    expect(await names()).toEqual([]);
  });

  test("keeps what is written, for this opening and the next", async () => {
    const store = await openLazyStore(factory, NAME);
    await store.write([{ key: KEY, value: VALUE }]);
    expect(await store.get(KEY)).toEqual(VALUE);
    store.close();
    const again = await openLazyStore(factory, NAME);
    expect(await again.get(KEY)).toEqual(VALUE);
    expect(await again.range(Uint8Array.of(1))).toHaveLength(1);
  });

  test("makes one database for writes at the same moment", async () => {
    const store = await openLazyStore(factory, NAME);
    await Promise.all([
      store.write([{ key: KEY, value: VALUE }]),
      store.write([{ key: Uint8Array.of(1, 9), value: VALUE }]),
    ]);
    expect(await store.range(Uint8Array.of(1))).toHaveLength(2);
  });

  test("is gone after it was destroyed, and can be written again", async () => {
    const store = await openLazyStore(factory, NAME);
    await store.write([{ key: KEY, value: VALUE }]);
    await store.destroy();
    expect(await names()).toEqual([]);
    await store.write([{ key: KEY, value: VALUE }]);
    expect(await store.get(KEY)).toEqual(VALUE);
  });

  test("rejects at once where the browser allows no storage", async () => {
    const refusing = {
      open: () => {
        throw new DOMException("no", "SecurityError");
      },
    } as unknown as IDBFactory;
    await expect(openLazyStore(refusing, NAME)).rejects.toThrow("no");
  });
});
