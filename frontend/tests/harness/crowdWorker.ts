/**
 * Some of the newcomers, on a thread of their own: twenty-five devices on one event loop would wait for each other, as no
 * two phones do.
 */
import { parentPort, workerData } from "node:worker_threads";
import { createHeadlessClient, must, signUp, until, type HeadlessClient } from "./client";
import { seeded } from "./seeded";
import { gapsOf, saySomething, stateIn, textsOf } from "./story";

export type WorkerSetting = {
  readonly url: string;
  readonly seed: number;
  readonly roomId: string;
  readonly fastCurves: boolean;
  readonly newcomers: readonly { readonly name: string; readonly link: string }[];
};

/** `go` on each: ask after `afterMs`, report how long it took. `read`: wait for a text, tell all that was read. */
export type Order =
  | { readonly do: "join"; readonly afterMs: readonly number[] }
  | { readonly do: "read"; readonly last: string }
  | { readonly do: "speak"; readonly who: number; readonly text: string }
  | { readonly do: "close" };

export type Answer =
  | { readonly done: "signed-up" }
  | { readonly done: "joined"; readonly waits: readonly number[] }
  | { readonly done: "read"; readonly texts: readonly (readonly string[])[]; readonly gaps: number }
  | { readonly done: "spoken" }
  | { readonly done: "failed"; readonly error: string; readonly standing: readonly unknown[] };

const setting = workerData as WorkerSetting;
const random = seeded(setting.seed);
const clients: HeadlessClient[] = [];
const say = (answer: Answer): void => {
  parentPort?.postMessage(answer);
};
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function join(client: HeadlessClient, afterMs: number): Promise<number> {
  const { roomId } = setting;
  await sleep(afterMs);
  const asked = Date.now();
  must(await client.store.askToJoin(roomId), `${client.name} asks`);
  await until(`${client.name} is in`, () => stateIn(client, roomId) === "ready", 120_000);
  must(await client.store.openRoom(roomId), "open");
  return Date.now() - asked;
}

async function carryOut(order: Order): Promise<void> {
  switch (order.do) {
    case "join": {
      const waits = await Promise.all(
        clients.map((client, index) => join(client, order.afterMs[index] ?? 0)),
      );
      say({ done: "joined", waits });
      return;
    }
    case "read": {
      await Promise.all(
        clients.map((client) =>
          until(`${client.name} reads the end`, () => textsOf(client).includes(order.last), 60_000),
        ),
      );
      say({
        done: "read",
        texts: clients.map(textsOf),
        gaps: clients.reduce((sum, one) => sum + gapsOf(one), 0),
      });
      return;
    }
    case "speak": {
      const client = clients[order.who];
      if (client !== undefined) await saySomething(client, order.text);
      say({ done: "spoken" });
      return;
    }
    case "close":
      for (const client of clients) client.close();
      parentPort?.close();
  }
}

function fail(error: unknown): void {
  say({
    done: "failed",
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    standing: clients.map(({ name, store }) => ({
      who: name,
      phase: store.phase.value,
      connection: store.connection.value.state,
      rooms: store.standing(),
    })),
  });
}

parentPort?.on("message", (order: Order) => {
  carryOut(order).catch(fail);
});

async function begin(): Promise<void> {
  for (const { name, link } of setting.newcomers) {
    const client = await createHeadlessClient({ name, url: setting.url, random });
    clients.push(client);
    await signUp(client, link);
    await until(`${name} sees the room`, () =>
      client.store.rooms.value.some((room) => room.id === setting.roomId),
    );
  }
  say({ done: "signed-up" });
}

begin().catch(fail);
