/**
 * Forward secrecy and healing, measured with a thief who has all that lies on a device and the key that opens it, every
 * ciphertext that ever went through the server, and a client without any of our rules.
 */
import { processPrivateMessage } from "ts-mls/processMessages.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import { describe, expect, it } from "vitest";
import type { ClientState } from "ts-mls/clientState.js";
import { decodeState } from "../../src/crypto/groupState";
import { toHex } from "../../src/crypto/hex";
import { suite } from "../../src/crypto/provider";
import { decodePrivateMessage } from "../../src/crypto/wire";
import { openDatabase } from "../../src/store/database";
import { PLACES, type GroupRecord, type KeyPackageRecord } from "../../src/store/records";
import { unguarded } from "../crypto/hostile";
import {
  commitHonestly,
  deliver,
  newRoom,
  pull,
  seal,
  textsOf,
  type Client,
  type Said,
  type World,
} from "./world";

async function steal(world: World, { raw, localKey }: Client): Promise<ClientState> {
  const db = openDatabase(raw, localKey.slice());
  const record = await db.get<GroupRecord>(PLACES.group(toHex(world.roomId)));
  if (record === null) throw new Error("nothing to steal");
  return unguarded(decodeState(record.state.slice()));
}

/** The thief tries everything there is, in order, and follows the commits that it can follow. */
async function readsWith(stolen: ClientState, world: World): Promise<number> {
  let state = stolen;
  let read = 0;
  for (const item of world.feed) {
    if (item.kind === "entry") continue;
    const bytes = item.kind === "commit" ? item.commit : item.ciphertext;
    try {
      const result = await processPrivateMessage(state, decodePrivateMessage(bytes), emptyPskIndex, suite);
      state = result.newState;
      if (result.kind === "applicationMessage") read += 1;
    } catch {
      continue;
    }
  }
  return read;
}

async function talk(world: World, from: Client, to: Client, count: number): Promise<Said[]> {
  const said: Said[] = [];
  for (let at = 0; at < count; at++) {
    const one = await seal(world, from, `message ${String(at)}`);
    said.push(one);
    deliver(world, one);
  }
  await pull(world, to);
  return said;
}

describe("a thief with a copy of the whole device", () => {
  it("opens none of the messages that were read, in this epoch and in those before", async () => {
    const { world, lee, mo, mallory } = await newRoom();
    await talk(world, mallory, mo, 5);
    await commitHonestly(world, lee);
    for (const client of [mo, mallory]) await pull(world, client);
    await talk(world, mallory, mo, 5);
    await talk(world, lee, mo, 5);
    expect(textsOf(await pull(world, mo))).toHaveLength(15);
    expect(await readsWith(await steal(world, mo), world)).toBe(0);
  });

  it("opens none of what this device itself wrote", async () => {
    const { world, mo, mallory } = await newRoom();
    await talk(world, mo, mallory, 5);
    await pull(world, mo);
    expect(await readsWith(await steal(world, mo), world)).toBe(0);
  });

  it("reads on until the device renews its keys once, and nothing after", async () => {
    const { world, lee, mo, mallory } = await newRoom();
    const stolen = await steal(world, mo);
    await talk(world, mallory, mo, 3);
    // The control: until then the thief is as good as the device, so that the last number means something.
    expect(await readsWith(stolen, world)).toBe(3);
    await commitHonestly(world, mo);
    for (const client of [lee, mallory]) await pull(world, client);
    await talk(world, mallory, mo, 4);
    await talk(world, lee, mo, 4);
    expect(textsOf(await pull(world, mo))).toHaveLength(11);
    expect(await readsWith(stolen, world)).toBe(3);
  });

  it("is not shut out by the others' renewals alone, which is why each device renews its own daily", async () => {
    const { world, lee, mo, mallory } = await newRoom();
    const stolen = await steal(world, mo);
    await commitHonestly(world, lee);
    for (const client of [mo, mallory]) await pull(world, client);
    await talk(world, mallory, mo, 2);
    expect(await readsWith(stolen, world)).toBe(2);
  });

  it("finds no key package that a Welcome used up", async () => {
    const { mo } = await newRoom();
    const db = openDatabase(mo.raw, mo.localKey.slice());
    const left = await db.list<KeyPackageRecord>("key-package");
    expect(left.every((record) => record.lastResort)).toBe(true);
  });
});
