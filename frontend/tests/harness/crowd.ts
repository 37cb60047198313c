/**
 * Many devices ask to come in within a few seconds while others talk. All must come in, and nothing may be lost: everyone who was there reads everything, each newcomer all from their first line on, in the same order.
 */
import { Worker } from "node:worker_threads";
import { must, until, type HeadlessClient } from "./client";
import type { Answer, Order, WorkerSetting } from "./crowdWorker";
import {
  beginCommunity,
  comeIn,
  gapsOf,
  letIn,
  openARoom,
  saySomething,
  textsOf,
  type Say,
  type Setting,
} from "./story";

const THREADS = 3;
const TALK_EVERY_MS = 2_000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
type Of<D extends Answer["done"]> = Extract<Answer, { readonly done: D }>;

/** A thread of newcomers; `order` resolves with its answer and rejects when it failed. */
function startThread(setting: WorkerSetting, say: Say) {
  const worker = new Worker(new URL("./workerBoot.mjs", import.meta.url), {
    workerData: setting,
  });
  const next = <D extends Answer["done"]>(done: D): Promise<Of<D>> =>
    new Promise((resolve, reject) => {
      const take = (answer: Answer): void => {
        if (answer.done === "failed") {
          for (const standing of answer.standing) say("standing", { standing });
          reject(new Error(answer.error));
        } else if (answer.done === done) {
          worker.off("message", take);
          resolve(answer as Of<D>);
        }
      };
      worker.on("message", take);
      worker.once("error", reject);
    });
  return {
    next,
    order: <D extends Answer["done"]>(order: Order, done: D): Promise<Of<D>> => {
      const answer = next(done);
      worker.postMessage(order);
      return answer;
    },
    close: () => {
      worker.postMessage({ do: "close" } satisfies Order);
    },
  };
}

type Thread = ReturnType<typeof startThread>;

/** Lets in whoever knocks, as a leader does who knows them all. */
async function keepAdmitting(leader: HeadlessClient, isOver: () => boolean, took: number[]): Promise<void> {
  while (!isOver()) {
    const next = leader.store.currentRoom.value?.waiting.find((one) => one.check === "verified");
    if (next === undefined) await sleep(20);
    else {
      const began = Date.now();
      must(await leader.store.admit(next.accountId), "admit");
      took.push(Date.now() - began);
    }
  }
}

async function keepTalking(
  talker: HeadlessClient,
  said: string[],
  isOver: () => boolean,
  random: () => number,
): Promise<void> {
  for (let count = 1; !isOver(); count++) {
    const text = `${talker.name} ${String(count)}`;
    said.push(text);
    await saySomething(talker, text);
    await sleep(TALK_EVERY_MS * (0.5 + random()));
  }
}

/** Everyone's list is the leader's, or its end; the leader's is what was said, each once. */
function checkReading(
  all: readonly string[],
  others: readonly (readonly string[])[],
  said: readonly string[],
): void {
  const missing = said.filter((text) => !all.includes(text));
  if (missing.length > 0 || all.length !== said.length) {
    throw new Error(`said ${String(said.length)}, read ${String(all.length)}, missing ${missing.join(", ")}`);
  }
  for (const read of others) {
    const expected = all.slice(all.length - read.length);
    if (read.join("\n") !== expected.join("\n")) throw new Error("somebody reads another order, or not all");
  }
}

async function signUpNewcomers(
  setting: Setting,
  leader: HeadlessClient,
  roomId: string,
  say: Say,
): Promise<readonly Thread[]> {
  const newcomers: { name: string; link: string }[] = [];
  for (let index = 1; index <= setting.crowd.newcomers; index++) {
    const { link } = must(await leader.store.makeInvite("member", roomId), "invite");
    newcomers.push({ name: `New${String(index)}`, link });
  }
  const threads = Array.from({ length: THREADS }, (_, index) =>
    startThread(
      {
        url: setting.url,
        seed: Math.floor(setting.random() * 2 ** 32),
        roomId,
        fastCurves: setting.fastCurves,
        newcomers: newcomers.filter((_one, place) => place % THREADS === index),
      },
      say,
    ),
  );
  await Promise.all(threads.map((thread) => thread.next("signed-up")));
  return threads;
}

export async function crowd(setting: Setting, say: Say): Promise<void> {
  const { random, crowd: size } = setting;
  const { leader, steward } = await beginCommunity(setting);
  const roomId = await openARoom(leader, "Full room");
  const talkers: HeadlessClient[] = [];
  for (let index = 1; index <= size.talkers; index++) {
    const talker = await comeIn(setting, leader, roomId, `Talker${String(index)}`);
    await letIn(leader, talker, roomId);
    talkers.push(talker);
  }
  const threads = await signUpNewcomers(setting, leader, roomId, say);
  say("ready", size);

  const said: string[] = [];
  let isOver = false;
  const over = (): boolean => isOver;
  const began = Date.now();
  const admits: number[] = [];
  const admitting = keepAdmitting(leader, over, admits);
  const talking = talkers.map((talker) => keepTalking(talker, said, over, random));
  const joined = await Promise.all(
    threads.map((thread) =>
      thread.order(
        { do: "join", afterMs: Array.from({ length: size.newcomers }, () => random() * size.spreadMs) },
        "joined",
      ),
    ),
  );
  const allInMs = Date.now() - began;
  await sleep(2_000);
  isOver = true;
  await Promise.all([admitting, ...talking]);
  const last = "That was all.";
  said.push(last);
  await saySomething(leader, last);
  const here = [leader, ...talkers];
  await Promise.all(
    here.map((client) => until(`${client.name} reads the end`, () => textsOf(client).includes(last), 60_000)),
  );
  const reads = await Promise.all(threads.map((thread) => thread.order({ do: "read", last }, "read")));
  checkReading(textsOf(leader), [...talkers.map(textsOf), ...reads.flatMap((read) => read.texts)], said);
  const gaps =
    here.reduce((sum, client) => sum + gapsOf(client), 0) + reads.reduce((sum, { gaps }) => sum + gaps, 0);
  if (gaps > 0) throw new Error(`${String(gaps)} gaps are shown`);

  // Newcomers speak too: each renews its keys before its first word, all at once.
  const voices = threads.flatMap((thread, index) =>
    [0, 1].map((who) => ({ thread, who, text: `Hello ${String(index)}.${String(who)}` })),
  );
  await Promise.all(
    voices.map(({ thread, who, text }) => thread.order({ do: "speak", who, text }, "spoken")),
  );
  await until("the new voices", () => voices.every(({ text }) => textsOf(leader).includes(text)), 60_000);

  const waits = joined.flatMap((one) => one.waits).sort((a, b) => a - b);
  say("done", {
    joined: waits.length,
    all_in_ms: allInMs,
    wait_median_ms: waits[Math.floor(waits.length / 2)] ?? 0,
    wait_worst_ms: waits[waits.length - 1] ?? 0,
    messages: said.length,
    admit_median_ms: [...admits].sort((a, b) => a - b)[Math.floor(admits.length / 2)] ?? 0,
    leader_calls: leader.traffic.calls,
    talker_calls: talkers[0]?.traffic.calls ?? 0,
    epoch: leader.store.standing()[0]?.epoch ?? 0,
  });
  for (const thread of threads) thread.close();
  for (const client of [steward, ...here]) client.close();
}
