import { signal, type Signal } from "@preact/signals";
import type {
  AppStore,
  Candidate,
  Community,
  Connection,
  FailureCode,
  InviteLine,
  InviteView,
  LockView,
  Me,
  OpenRoom,
  Outcome,
  Phase,
  RoomSummary,
} from "../../src/store/model";

/** An `AppStore` without a server: every action is recorded, and answers what a test tells it to. */

type ActionName = {
  [K in keyof AppStore]: AppStore[K] extends (...args: never[]) => unknown ? K : never;
}[keyof AppStore];

type Writable = {
  -readonly [K in Exclude<keyof AppStore, ActionName>]: AppStore[K] extends { readonly value: infer T }
    ? Signal<T>
    : never;
};

export type Call = { readonly name: ActionName; readonly args: readonly unknown[] };

/** A function is asked at each call; its promise may never end, or break. */
export type Answer = Outcome<object> | (() => Promise<Outcome<object>>);

export type FakeStore = AppStore & {
  readonly set: Writable;
  readonly calls: Call[];
  /** The next and all later calls of `name` answer this. */
  readonly answer: (name: ActionName, outcome: Answer) => void;
  readonly callsOf: (name: ActionName) => readonly (readonly unknown[])[];
};

export const WORDS = ["maple", "river", "lantern", "quiet", "pebble", "morning"] as const;
export const LINK = `https://chat.example/join#${"Abc1".repeat(16)}`;

export function failure(code: FailureCode, details: Readonly<Record<string, number>> = {}): Outcome<never> {
  return { ok: false, code, details };
}

export function createFakeStore(now = 0): FakeStore {
  const calls: Call[] = [];
  const answers = new Map<ActionName, Answer>();

  const state: Writable = {
    phase: signal<Phase>("loading"),
    connection: signal<Connection>({ state: "online", since: now }),
    community: signal<Community | null>(null),
    invite: signal<InviteView | null>(null),
    lockView: signal<LockView>({ pin: true, triesLeft: null, erased: false }),
    me: signal<Me | null>(null),
    rooms: signal<readonly RoomSummary[]>([]),
    roomsLoaded: signal(true),
    currentRoom: signal<OpenRoom | null>(null),
    invites: signal<readonly InviteLine[]>([]),
    candidates: signal<readonly Candidate[]>([]),
  };

  const action =
    (name: ActionName, usual: object = {}) =>
    (...args: unknown[]) => {
      calls.push({ name, args });
      const answer = answers.get(name) ?? { ok: true, ...usual };
      return typeof answer === "function" ? answer() : Promise.resolve(answer);
    };
  const command =
    (name: ActionName, then: () => void = () => undefined) =>
    (...args: unknown[]) => {
      calls.push({ name, args });
      then();
    };

  const actions = {
    start: action("start"),
    beginInvite: action("beginInvite"),
    startSignUp: command("startSignUp", () => {
      state.phase.value = "sign-up";
    }),
    newPhrase: action("newPhrase", { words: WORDS }),
    signUp: action("signUp"),
    dropInvite: command("dropInvite", () => {
      state.phase.value = "signed-out";
    }),
    unlock: action("unlock"),
    lock: command("lock", () => {
      state.phase.value = "locked";
    }),
    leaveFast: command("leaveFast", () => {
      state.phase.value = "left";
    }),
    signOut: action("signOut"),
    eraseDevice: action("eraseDevice"),
    setPin: action("setPin"),
    noteActivity: command("noteActivity"),
    openRoom: action("openRoom"),
    closeRoom: command("closeRoom"),
    askToJoin: action("askToJoin"),
    cancelAsk: action("cancelAsk"),
    agree: action("agree"),
    createRoom: action("createRoom", { roomId: "11".repeat(16) }),
    leaveRoom: action("leaveRoom"),
    setPresence: command("setPresence"),
    send: action("send"),
    retry: action("retry"),
    discard: action("discard"),
    admit: action("admit"),
    decline: action("decline"),
    mute: action("mute"),
    unmute: action("unmute"),
    hide: action("hide"),
    removeMember: action("removeMember"),
    grant: action("grant"),
    lockRoom: action("lockRoom"),
    unlockRoom: action("unlockRoom"),
    setExpiry: action("setExpiry"),
    loadInvites: action("loadInvites"),
    makeInvite: action("makeInvite", { link: LINK, expiresAt: now + 3 * 24 * 3_600_000 }),
    revokeInvite: action("revokeInvite"),
    loadCandidates: action("loadCandidates"),
    certify: action("certify"),
  };

  return {
    ...state,
    // What an action answers is checked where the test reads it, not here.
    ...(actions as unknown as Pick<AppStore, ActionName>),
    set: state,
    calls,
    answer: (name, outcome) => {
      answers.set(name, outcome);
    },
    callsOf: (name) => calls.filter((call) => call.name === name).map((call) => call.args),
  };
}
