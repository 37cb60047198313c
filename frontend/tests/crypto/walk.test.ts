/**
 * A random walk of one room under the group rules: 150 joins among removals and rotations. None is refused, everyone
 * present reads every message, and nobody who was removed reads any. The seed is printed; WALK_SEED repeats a walk.
 */
import { initializeEpoch } from "ts-mls/keySchedule.js";
import { decryptSenderData } from "ts-mls/privateMessage.js";
import { expect, it } from "vitest";
import { utf8 } from "../../src/crypto/bytes";
import { joinRoom, makeCommit, receiveCommit, type Authority } from "../../src/crypto/groupRules";
import { leafIndexOf, membersOf, type GroupState } from "../../src/crypto/groupState";
import { openPrivateMessage } from "../../src/crypto/openMessage";
import { sealMessage } from "../../src/crypto/mls";
import { suite } from "../../src/crypto/provider";
import { decodePrivateMessage } from "../../src/crypto/wire";
import { wipe } from "../../src/crypto/wipe";
import { GROUP_ID, newPerson, newRoom, NO_DATA, NOW, stateOf, type Person } from "./people";

const JOINS = 150;
const SMALLEST = 2;
const LARGEST = 10;
/** Of those removed, how many try each message; at the end all of them try the last one. */
const WATCHERS = 6;

/** A small generator (mulberry32), so that a walk can be repeated. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const everything: Authority = {
  leafAllowed: () => true,
  removeAllowed: () => true,
  committerMay: () => true,
};

type Removed = { name: string; state: GroupState };
const spent = new Map<string, { ms: number; count: number }>();

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  const total = spent.get(name) ?? { ms: 0, count: 0 };
  spent.set(name, { ms: total.ms + performance.now() - start, count: total.count + 1 });
  return result;
}

function pickSome(people: Person[], count: number, random: (below: number) => number): Person[] {
  const rest = people.slice();
  return Array.from({ length: count }, () => rest.splice(random(rest.length), 1)).flat();
}

/** One commit by a random member; returns who is in the room after it, and what those removed still hold. */
async function step(room: Person[], joiners: Person[], random: (below: number) => number) {
  const committer = room[random(room.length)] as Person;
  const others = room.filter((person) => person !== committer);
  const spare = room.length + joiners.length - SMALLEST;
  const wanted = random(2) === 0 ? 0 : 1 + random(room.length > 6 ? 4 : 2);
  const leaving = pickSome(others, Math.max(0, Math.min(wanted, others.length - 1, spare)), random);
  const before = stateOf(committer);
  const made = await timed("make a commit", () =>
    makeCommit({
      state: before,
      adds: joiners.map(({ keyPackage }) => keyPackage.bytes),
      removes: leaving.map((person) => leafIndexOf(before, person.deviceKey.publicKey) as number),
      authenticatedData: utf8("heads"),
      authority: everything,
      at: NOW,
    }),
  );
  committer.state = made.newState;
  wipe(made.wipe);
  const removed: Removed[] = [];
  for (const person of others) {
    const state = stateOf(person);
    const opened = await openPrivateMessage(state, made.commit);
    if (opened.kind !== "commit") throw new Error("not a commit");
    const applied = await timed("receive a commit", () =>
      receiveCommit({ state, opened, authority: everything, at: NOW }),
    );
    person.state = applied.kind === "new-epoch" ? applied.newState : null;
    if (applied.kind === "new-epoch") wipe(applied.wipe);
    else removed.push({ name: person.name, state }); // keeps all it had, as a thief of its phone would
  }
  for (const joiner of joiners) {
    const { keyPackage, deviceKey } = joiner;
    const welcome = made.welcome ?? NO_DATA;
    const joined = await timed("join", () =>
      joinRoom({ welcome, keyPackage, deviceKey, groupId: GROUP_ID, authority: everything }),
    );
    joiner.state = joined.newState;
    wipe(joined.wipe);
  }
  return { room: [...room.filter((person) => person.state !== null), ...joiners], removed };
}

async function everyoneReads(
  room: Person[],
  text: string,
  random: (below: number) => number,
): Promise<Uint8Array> {
  const sender = room[random(room.length)] as Person;
  const state = stateOf(sender);
  const sealed = await timed("seal", () =>
    sealMessage({ state, plaintext: utf8(text), authenticatedData: NO_DATA }),
  );
  sender.state = sealed.newState;
  wipe(sealed.wipe);
  for (const person of room) {
    if (person === sender) continue;
    const opened = await timed("open", () => openPrivateMessage(stateOf(person), sealed.message));
    if (opened.kind !== "message") throw new Error("not a message");
    expect(new TextDecoder().decode(opened.plaintext)).toBe(text);
    expect(new TextDecoder().decode(opened.sender.identity)).toBe(sender.name);
    person.state = opened.newState;
    wipe(opened.wipe);
  }
  return sealed.message;
}

/** Through our client, and with a changed one that ignores the epoch and uses the secrets that it still has. */
async function cannotRead({ state }: Removed, bytes: Uint8Array): Promise<void> {
  await expect(openPrivateMessage(state, bytes)).rejects.toMatchObject({ code: "future-epoch" });
  const message = decodePrivateMessage(bytes);
  for (const secret of [state.keySchedule.senderDataSecret, state.keySchedule.initSecret]) {
    await expect(decryptSenderData(message, secret, suite)).rejects.toThrow();
  }
}

/** Nor can it go on from its old init secret as if the commit had brought no fresh one, knowing all that is public. */
async function cannotFollow({ state }: Removed, present: Person, bytes: Uint8Array): Promise<void> {
  const zeros = new Uint8Array(suite.kdf.size);
  const { groupContext } = stateOf(present);
  const guess = await initializeEpoch(state.keySchedule.initSecret, zeros, groupContext, zeros, suite.kdf);
  const message = decodePrivateMessage(bytes);
  await expect(decryptSenderData(message, guess.keySchedule.senderDataSecret, suite)).rejects.toThrow();
}

it(`a room lives through ${String(JOINS)} joins, removals and rotations`, { timeout: 240_000 }, async () => {
  const seed = Number(process.env["WALK_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
  process.stdout.write(`WALK_SEED=${String(seed)}\n`);
  const random = randomFrom(seed);
  const start = performance.now();
  let room = await newRoom("0", "1");
  let joins = 0;
  const gone: Removed[] = [];
  for (let epoch = 0; joins < JOINS; epoch++) {
    const free = Math.min(LARGEST - room.length, JOINS - joins);
    const coming = free <= 0 || random(4) === 0 ? 0 : 1 + random(Math.min(free, 4));
    const joiners = await Promise.all(
      Array.from({ length: coming }, (_, index) => newPerson(`${String(epoch)}.${String(index)}`)),
    );
    const after = await step(room, joiners, random);
    room = after.room;
    joins += coming;
    gone.push(...after.removed);
    expect(room.map((person) => membersOf(stateOf(person)).length)).toEqual(room.map(() => room.length));
    const bytes = await everyoneReads(room, `message ${String(epoch)}`, random);
    for (const removed of after.removed) await cannotFollow(removed, room[0] as Person, bytes);
    for (const removed of gone.slice(-WATCHERS)) await cannotRead(removed, bytes);
  }
  const last = await everyoneReads(room, "the last", random);
  for (const removed of gone) await cannotRead(removed, last);
  expect(joins).toBe(JOINS);
  expect(gone.length).toBeGreaterThan(JOINS / 2);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const lines = [...spent].map(
    ([name, { ms, count }]) => `${name}: ${(ms / count).toFixed(1)} ms x ${String(count)}`,
  );
  process.stdout.write(`${seconds} s, ${String(gone.length)} removed; ${lines.join("; ")}\n`);
});
