/**
 * A room with real keys, logs and clients, and a server that is ours to be hostile with. The clients are the app's own store
 * below its socket: logs, room book, pages, Welcomes, commits. The server only stores and answers; `lies` change its answers.
 */
import type { AccountState } from "../../src/crypto/accountLog";
import { epochOf, membersOf as membersIn, type GroupState } from "../../src/crypto/groupState";
import { toHex } from "../../src/crypto/hex";
import { createGroup } from "../../src/crypto/mls";
import { openPrivateMessage } from "../../src/crypto/openMessage";
import { applyRoomEntry, type RoomState } from "../../src/crypto/roomLog";
import { newId } from "../../src/crypto/statements";
import { encodeCanonical } from "../../src/protocol/codec";
import type { AnswerFor, Api, BodyFor, CallOptions, EndpointName } from "../../src/protocol/endpoints";
import { CallError } from "../../src/protocol/failure";
import type { AccountLog, Item, ItemsAnswer, SignedEntry, WelcomeEvent } from "../../src/protocol/generated";
import { createLogs } from "../../src/store/community";
import { createWatch, idsOf, signerOf, type Core } from "../../src/store/core";
import { openDatabase } from "../../src/store/database";
import { planCommit, sealContent, takeCommit } from "../../src/store/group";
import { takePage } from "../../src/store/items";
import { takeWelcome } from "../../src/store/joining";
import { makeStock, putKeyPackages } from "../../src/store/keyStock";
import { createLanes } from "../../src/store/lanes";
import { createMemoryStore, type RawStore } from "../../src/store/rawStore";
import type { SelfRecord } from "../../src/store/records";
import { createRoomBook, loadRooms, newestLog, type Room } from "../../src/store/roomBook";
import {
  certify,
  claim,
  contextOf,
  draftRoomEntry,
  newCommunity,
  newPerson,
  openRoom,
  START,
  type Community,
  type Person,
} from "../support/community";
import { codeOf, type Verdict } from "./scenario";

export type Client = {
  readonly person: Person;
  readonly core: Core;
  readonly raw: RawStore;
  readonly localKey: Uint8Array;
  readonly packages: Uint8Array[];
};
type Answer = (...args: never[]) => unknown;

export type World = {
  community: Community;
  readonly roomId: Uint8Array;
  readonly logs: Map<string, AccountLog>;
  readonly roomLog: SignedEntry[];
  readonly feed: Item[];
  readonly lies: Map<EndpointName, Answer>;
  /** UTC milliseconds, moving with everything that happens. */
  now: number;
  room: RoomState;
};

/** The next moment. */
export const tick = (world: World): number => (world.now += 1000);

// --- The server ------------------------------------------------------------------------------------

function answerTruly(world: World, name: EndpointName, body: unknown, options: CallOptions): unknown {
  const after = options.query?.after ?? 0;
  const accounts = [...world.logs.values()];
  switch (name) {
    case "communityLog":
      return { entries: world.community.entries.slice(after), accounts };
    case "accountLogs": {
      const asked = (body as BodyFor<"accountLogs">).account_ids.map(toHex);
      return { accounts: accounts.filter((one) => asked.includes(toHex(one.account_id))) };
    }
    case "roomLog":
      return { entries: world.roomLog.slice(after), accounts };
    case "items":
      return pageOf(world, after);
    default:
      throw new CallError("request.not_found");
  }
}

export function pageOf(world: World, after: number): ItemsAnswer {
  const items = world.feed.filter((item) => item.seq > after);
  return { after, through: world.feed.length, floor: 0, items };
}

function apiOf(world: World): Api {
  return {
    call: async <E extends EndpointName>(name: E, body: BodyFor<E>, options: CallOptions = {}) => {
      const truth = answerTruly(world, name, body, options);
      const lie = world.lies.get(name) as ((truth: unknown, options: CallOptions) => unknown) | undefined;
      return (lie === undefined ? truth : lie(truth, options)) as AnswerFor<E>;
    },
  };
}

type Unnumbered = Item extends infer I ? (I extends Item ? Omit<I, "seq"> : never) : never;
/** Put an item into the room's one order, as the server that is believed by nobody would. */
export function post(world: World, item: Unnumbered): number {
  const seq = world.feed.length + 1;
  world.feed.push({ ...item, seq });
  return seq;
}

// --- Clients ---------------------------------------------------------------------------------------

export async function newClient(world: World, person: Person, withKeys = true): Promise<Client> {
  const raw = createMemoryStore();
  const localKey = crypto.getRandomValues(new Uint8Array(32));
  const core = await openCore(world, person, raw, localKey);
  if (!withKeys) return { person, core, raw, localKey, packages: [] };
  const stock = await makeStock(core.self, world.now, 1, true);
  await core.db.write((batch) => {
    putKeyPackages(batch, stock.records);
  });
  return { person, core, raw, localKey, packages: stock.records.map((record) => record.bytes) };
}

/** The store over what `raw` holds, as after a restart. */
export async function openCore(
  world: World,
  person: Person,
  raw: RawStore,
  localKey: Uint8Array,
): Promise<Core> {
  const db = openDatabase(raw, localKey.slice());
  const lanes = createLanes();
  const api = apiOf(world);
  const self: SelfRecord = {
    root: world.community.root.publicKey,
    accountId: person.accountId,
    deviceId: person.deviceId,
    deviceSeed: person.device.seed,
    deviceKey: person.device.publicKey,
    identityKey: person.identity.publicKey,
    certificate: person.certificate,
    handle: "",
    language: "en",
    invitedAs: "member",
    invitedRoom: null,
    deviceKind: "own",
    signUp: null,
  };
  const watch = createWatch(() => () => undefined);
  const known = new Map<string, AccountState>(world.community.people);
  const onChange = () => {
    watch.changed();
  };
  const verified = { community: world.community.state, accounts: known };
  return {
    api,
    db,
    self,
    ids: idsOf(self),
    logs: createLogs({ api, db, verified, onChange }),
    book: createRoomBook({ db, lanes, rooms: await loadRooms(db), onChange }),
    lanes,
    clock: { now: () => world.now, learn: () => undefined },
    watch,
    sign: signerOf(self),
  } as unknown as Core;
}

export function roomOf(world: World, client: Client): Room {
  const room = client.core.book.get(toHex(world.roomId));
  if (room === null) throw new Error("no such room");
  return room;
}

export function groupOf(world: World, client: Client) {
  const { group } = roomOf(world, client);
  if (group === null) throw new Error("not in the group");
  return group;
}

/** Take in whatever the server says follows. */
export async function pull(world: World, client: Client): Promise<Room> {
  const { core } = client;
  for (;;) {
    const cursor = roomOf(world, client).group?.marks.cursor;
    if (cursor === undefined) break;
    const page = await core.api.call("items", null, {
      room: toHex(world.roomId),
      query: { after: cursor },
    });
    const context = { logs: core.logs, self: core.ids, now: core.clock.now };
    await core.book.change(world.roomId, (draft) => takePage(draft, page, context));
    if ((roomOf(world, client).group?.marks.cursor ?? Infinity) === cursor) break;
  }
  return roomOf(world, client);
}

// --- Honest deeds ----------------------------------------------------------------------------------

type RoomAction = Parameters<typeof draftRoomEntry>[4];

/** Sign the room's next entry; nobody has seen it yet. */
export function signEntry(
  world: World,
  author: Person,
  action: RoomAction,
  body: object,
  change: Parameters<typeof draftRoomEntry>[7] = {},
  at = tick(world),
): SignedEntry {
  return draftRoomEntry(world.community, world.roomId, world.room, author, action, body as never, at, change);
}

/** Append an entry that is right to the room's log and to its feed. */
export function append(world: World, author: Person, action: RoomAction, body: object): number {
  const entry = signEntry(world, author, action, body);
  world.room = applyRoomEntry(contextOf(world.community), world.roomId, world.room, entry);
  world.roomLog.push(entry);
  return post(world, { kind: "entry", entry });
}

export const admissionOf = (person: Person) => ({
  account_id: person.accountId,
  identity_key: person.identity.publicKey,
});

type CommitWish = { readonly adds?: readonly Client[]; readonly removes?: readonly Person[] };

/** Make a commit as an honest client does and let the server take it. Returns the events of those who were added. */
export async function commitHonestly(
  world: World,
  client: Client,
  wish: CommitWish = {},
): Promise<WelcomeEvent[]> {
  const { core } = client;
  const made = await core.book.change(world.roomId, async (draft) => {
    const { group } = draft;
    const log = newestLog(draft);
    if (group === null || log === null) throw new Error("not in the room");
    const gone = (wish.removes ?? []).map((person) => toHex(person.device.publicKey));
    const plan = await planCommit({
      roomId: world.roomId,
      group,
      context: core.logs.context(),
      log,
      entry: null,
      adds: (wish.adds ?? []).map((one) => ({
        deviceId: one.person.deviceId,
        keyPackage: one.packages[0] ?? new Uint8Array(),
      })),
      removes: membersIn(group.state).filter((leaf) => gone.includes(toHex(leaf.signatureKey))),
      at: world.now,
    });
    draft.made = [...draft.made, plan.made];
    draft.wipe.push(...plan.wipe);
    return plan.made;
  });
  const { epoch, commit, welcome } = made.bundle;
  const seq = post(world, { kind: "commit", epoch, at: tick(world), commit });
  await pull(world, client);
  return (wish.adds ?? []).map(() => welcomeEvent(world, welcome ?? new Uint8Array(), seq, seq));
}

export function welcomeEvent(
  world: World,
  welcome: Uint8Array,
  roomSeq: number,
  deviceSeq: number,
): WelcomeEvent {
  const epoch = 0; // the server's word, which nobody takes
  return { kind: "welcome", seq: deviceSeq, room_id: world.roomId, room_seq: roomSeq, epoch, welcome };
}

export async function join(client: Client, event: WelcomeEvent): Promise<void> {
  await takeWelcome(client.core, event, { deviceSeq: event.seq });
}

export type Said = {
  readonly messageId: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly epoch: number;
};

/** Seal a message as the app does, with the ratchet that moved stored. `counter` is for members with a changed client. */
export async function seal(
  world: World,
  client: Client,
  text: string,
  counter?: number,
  messageId = newId(),
): Promise<Said> {
  return client.core.book.change(world.roomId, async (draft) => {
    const { group } = draft;
    if (group === null) throw new Error("not in the group");
    const made = await sealContent({
      roomId: world.roomId,
      state: group.state,
      messageId,
      counter: counter ?? group.marks.nextCounter,
      content: { v: 1, text, note: null },
    });
    draft.wipe.push(...made.wipe);
    draft.group = {
      state: made.state,
      marks: { ...group.marks, nextCounter: group.marks.nextCounter + 1 },
    };
    return { messageId, ciphertext: made.ciphertext, epoch: group.marks.epoch };
  });
}

export function deliver(world: World, said: Said, messageId = said.messageId): number {
  const at = tick(world);
  return post(world, {
    kind: "message",
    message_id: messageId,
    epoch: said.epoch,
    at,
    expires_at: at + 86_400_000,
    ciphertext: said.ciphertext,
  });
}

export async function say(world: World, client: Client, text: string): Promise<number> {
  return deliver(world, await seal(world, client, text));
}

export const textsOf = (room: Room): string[] =>
  [...room.timeline.values()].flatMap((line) => (line.kind === "message" ? [line.text] : []));
export const gapsOf = (room: Room): number =>
  [...room.timeline.values()].filter((line) => line.kind === "gap").length;

// --- A room that is there ----------------------------------------------------------------------------

export type Cast = {
  readonly world: World;
  readonly steward: Person;
  readonly lee: Client;
  readonly mo: Client;
  readonly mallory: Client;
  /** Signed up, invited by nobody. */
  readonly ghost: Client;
};

function addPerson(world: World, handle: string): Person {
  const person = newPerson(world.community, handle, world.now);
  world.logs.set(toHex(person.accountId), person.log);
  return person;
}

/**
 * Lee leads the room; Mo and Mallory are in it; all three stand at the same epoch, and have spoken to nobody yet. Without
 * a group there are only the logs, which is enough for what is tried on them and much quicker.
 */
export async function newRoom(withGroup = true): Promise<Cast> {
  let community = newCommunity();
  const steward = newPerson(community, "Ada");
  community = claim(community, steward);
  const leader = newPerson(community, "Lee");
  community = certify(community, steward, leader, "leader", START + 1);
  const { roomId, room, entry } = openRoom(community, leader, START + 2);
  const world: World = {
    community,
    roomId,
    logs: new Map([steward, leader].map((person) => [toHex(person.accountId), person.log])),
    roomLog: [entry],
    feed: [],
    lies: new Map(),
    now: START + 10_000,
    room,
  };
  // ts-mls looks at the machine's clock when it adds someone; the scenario's is another.
  Date.now = () => world.now;
  const [moPerson, malloryPerson, ghostPerson] = ["Mo", "Mallory", "Ghost"].map((handle) =>
    addPerson(world, handle),
  ) as [Person, Person, Person];
  post(world, { kind: "entry", entry });
  const lee = await newClient(world, leader, false);
  if (withGroup) await found(world, lee);
  for (const person of [moPerson, malloryPerson]) append(world, leader, "admit", admissionOf(person));
  const [mo, mallory, ghost] = [
    await newClient(world, moPerson, withGroup),
    await newClient(world, malloryPerson, withGroup),
    await newClient(world, ghostPerson, withGroup),
  ];
  const cast = { world, steward, lee, mo, mallory, ghost };
  if (!withGroup) return cast;
  await pull(world, lee);
  const events = await commitHonestly(world, lee, { adds: [mo, mallory] });
  for (const [index, client] of [mo, mallory].entries()) await join(client, events[index] as WelcomeEvent);
  for (const client of [mo, mallory]) await pull(world, client);
  return cast;
}

/** The leader's group with itself alone, as opening a room makes it. */
async function found(world: World, leader: Client): Promise<void> {
  const { core } = leader;
  const stock = await makeStock(core.self, world.now, 1, false);
  const [keyPackage] = stock.records;
  if (keyPackage === undefined) throw new Error("no key package");
  const deviceKey = { seed: core.self.deviceSeed, publicKey: core.self.deviceKey };
  const made = await createGroup({ groupId: world.room.groupId, keyPackage, deviceKey });
  await core.book.change(world.roomId, (draft) => {
    draft.record = { ...draft.record, log: [world.room] };
    draft.group = {
      state: made.newState,
      marks: {
        epoch: 0,
        cursor: 1,
        joinedSeq: 0,
        communityIndex: world.room.communityIndex,
        roomIndex: 0,
        senders: new Map(),
        nextCounter: 1,
        holes: 0,
        lastAt: 0,
        pathAt: world.now,
        sentSincePath: 0,
      },
    };
  });
}

// --- Judging a hostile commit ------------------------------------------------------------------------

/** The heads as they are; what a hostile committer would rather name instead. */
export function headerOf(
  world: World,
  change: Partial<{ room: RoomState; roomId: Uint8Array; communityIndex: number }> = {},
) {
  const index = change.communityIndex ?? world.community.state.head.index;
  return encodeCanonical("CommitHeader", {
    kind: "commit",
    room_id: change.roomId ?? world.roomId,
    community_head: { index, hash: world.community.state.hashes[index] ?? new Uint8Array(32) },
    room_head: (change.room ?? world.room).head,
  });
}

/**
 * Give `victim` a commit by way of the feed. Refused, it must stop the room in plain sight, with the group's state as it
 * was; the code is what the core said.
 */
export async function receive(world: World, victim: Client, commit: Uint8Array): Promise<Verdict> {
  await pull(world, victim);
  const before = groupOf(world, victim);
  const at = tick(world);
  const how = await judged(world, victim, commit, at);
  post(world, { kind: "commit", epoch: before.marks.epoch, at, commit });
  const room = await pull(world, victim);
  if (how === "accepted") return { harm: room.record.problem === null, how };
  if (room.record.problem === null) return { harm: true, how: "refused and taken in" };
  if (room.group?.marks.epoch !== before.marks.epoch) return { harm: true, how: "half applied" };
  return { harm: false, how };
}

async function judged(world: World, victim: Client, commit: Uint8Array, at: number): Promise<string> {
  const group = groupOf(world, victim);
  try {
    const opened = await openPrivateMessage(group.state, commit);
    if (opened.kind !== "commit") return "not-a-commit";
    const { log } = roomOf(world, victim).record;
    const context = victim.core.logs.context();
    await takeCommit({ roomId: world.roomId, group, opened, log, context, at });
    return "accepted";
  } catch (error) {
    return codeOf(error);
  }
}

/** What hostile.ts calls a person: its keys and its present state. */
export function attackerOf(world: World, client: Client) {
  return {
    name: "attacker",
    deviceKey: { seed: client.person.device.seed, publicKey: client.person.device.publicKey },
    keyPackage: {
      bytes: client.packages[0] ?? new Uint8Array(),
      initPrivateKey: new Uint8Array(32),
      leafPrivateKey: new Uint8Array(32),
    },
    state: groupOf(world, client).state as GroupState | null,
  };
}

export const epochIn = (world: World, client: Client): bigint => epochOf(groupOf(world, client).state);
