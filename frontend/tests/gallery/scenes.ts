import type { EventLine, OpenRoom, TimelineItem } from "../../src/store/model";
import type { Ui } from "../../src/views/ui";
import { failure, type FakeStore } from "../support/fakeStore";
import { COMMUNITY, HOUR, id, me, member, message, MINUTE, NOON, openRoom, room } from "../support/people";

/** Every screen in every state that a person can meet. Tests walk through all of them; people look at the pictures. */
export type Scene = (store: FakeStore, ui: Ui, show: () => void) => Promise<void> | void;

const settle = () =>
  new Promise((done) => {
    setTimeout(done, 60);
  });

/** Press what has this text, as a person would. */
async function press(text: string): Promise<void> {
  await settle();
  const all = [...document.querySelectorAll<HTMLElement>("button, summary, label.option")];
  const found = all.filter((element) => element.textContent.trim().startsWith(text));
  const last = found[found.length - 1];
  if (last === undefined) throw new Error(`nothing to press with the text "${text}"`);
  last.click();
  await settle();
}

async function type(label: string, text: string): Promise<void> {
  await settle();
  const labels = [...document.querySelectorAll("label")];
  const id = labels.find((element) => element.textContent.startsWith(label))?.htmlFor;
  const input = document.getElementById(id ?? "") as HTMLInputElement | null;
  if (input === null) throw new Error(`no field "${label}"`);
  input.value = text;
  input.dispatchEvent(new InputEvent("input", { bubbles: true }));
  await settle();
}

const invite =
  (role: "member" | "leader" | "steward" | "counselor", demo = false): Scene =>
  (store, _ui, show) => {
    store.set.phase.value = "invite";
    store.set.invite.value = {
      state: "ready",
      role,
      roomName: role === "member" ? "Evening room" : null,
      community: { ...COMMUNITY, demo },
      expiresAt: NOON + 48 * HOUR,
    };
    show();
  };

function signUp(...steps: (() => Promise<void>)[]): Scene {
  return async (store, _ui, show) => {
    store.set.phase.value = "sign-up";
    store.set.community.value = COMMUNITY;
    show();
    for (const step of steps) await step();
  };
}
const own = [() => press("No, only I use it"), () => press("Go on")];
const named = [...own, () => type("Name", "Wren"), () => press("Go on")];
const read = [...named, () => press("I understand")];
const phrase = [...read, () => press("Skip this")];
const check = [...phrase, () => press("I have them")];
const answered = [
  ...check,
  async () => {
    const words = ["maple", "river", "lantern", "quiet", "pebble", "morning"];
    for (const label of [...document.querySelectorAll("label")].map((element) => element.textContent)) {
      await type(label, words[Number(label.replace(/\D/g, "")) - 1] ?? "");
    }
    await press("Go on");
  },
];

/** The open app, at the rooms or inside one. */
function open(prepare: (store: FakeStore, ui: Ui) => void, ...then: (() => Promise<void>)[]): Scene {
  return async (store, ui, show) => {
    store.set.community.value = COMMUNITY;
    store.set.me.value = me();
    store.set.phase.value = "open";
    show();
    await settle();
    prepare(store, ui);
    await settle();
    for (const step of then) await step();
  };
}

function inRoom(more: Partial<OpenRoom>, ...then: (() => Promise<void>)[]): Scene {
  return open(
    (store, ui) => {
      const current = openRoom({ people: PEOPLE, ...more });
      store.set.rooms.value = [current];
      store.set.currentRoom.value = current;
      ui.place.value = { at: "room", id: current.id, view: "talk" };
    },
    ...then,
  );
}

const PEOPLE = [
  member(1, { handle: "Wren", you: true }),
  member(2, { handle: "Juniper", role: "leader" }),
  member(3, { handle: "نور", presence: "listening" }),
  member(4, { handle: "Sol_77", presence: null }),
  member(5, { handle: "A name of 24 letters now", presence: null, arriving: true }),
];

type Without<T> = T extends unknown ? Omit<T, "kind" | "key" | "at"> : never;

const event = (n: number, more: Without<EventLine>): TimelineItem => ({
  kind: "event",
  key: `e${n}`,
  at: NOON - HOUR + n * MINUTE,
  ...more,
});

const TALK: readonly TimelineItem[] = [
  { kind: "start", key: "start", at: NOON - HOUR },
  event(1, { what: "admitted", handle: "Wren", own: true }),
  message(1, { handle: "Juniper", role: "leader", text: "Welcome, Wren. No hurry. You can just read." }),
  message(2, {
    handle: "نور",
    authorId: id(3),
    text: "مرحبا، أنا سعيدة أنك هنا. (I use the app in Arabic, too.)",
  }),
  message(3, { own: true, handle: "Wren", text: "Thank you. It was a long week, and I did not sleep much." }),
  event(4, { what: "left", handle: "Sol_77", own: false }),
  message(5, {
    handle: "Sol_77",
    note: "a hard memory about a hotel",
    text: "It is folded until its reader opens it.",
  }),
  message(6, {
    handle: "Juniper",
    role: "leader",
    text: '<b>Not bold</b> & <img src=x onerror="alert(1)"> is text. A_very_long_word_without_any_space_that_has_to_break_somewhere_on_a_small_phone',
  }),
  { kind: "gap", key: "gap", at: NOON - 20 * MINUTE },
  message(7, { handle: "Sol_77", text: "", hidden: { reason: null } }),
  message(8, { own: true, handle: "Wren", text: "", hidden: { reason: "agreement" } }),
  event(9, { what: "removed", handle: "Rook", from: NOON - 26 * HOUR, until: NOON - 10 * MINUTE }),
  message(10, { own: true, handle: "Wren", text: "One line\nand a second one." }),
  message(11, { own: true, handle: "Wren", text: "On its way", state: "pending", expiresAt: null }),
  message(12, {
    own: true,
    handle: "Wren",
    text: "This one did not go out.",
    state: "failed",
    failure: "device.offline",
    expiresAt: null,
  }),
];

const LEADING: Partial<OpenRoom> = {
  role: "leader",
  timeline: TALK.map((item) => (item.kind === "message" ? { ...item, canHide: true } : item)),
  people: PEOPLE.map((person) =>
    person.you
      ? { ...person, role: "leader" }
      : {
          ...person,
          can: { mute: true, remove: true, makeLeader: person.accountId === id(3), makeMember: false },
        },
  ),
  waiting: [
    { accountId: id(7), handle: "Heron", askedAt: NOON - 4 * MINUTE, check: "verified" },
    { accountId: id(8), handle: "שחר", askedAt: NOON - 3 * MINUTE, check: "checking" },
    { accountId: id(9), handle: "Moth", askedAt: NOON - 2 * MINUTE, check: "problem" },
  ],
  can: { admit: true, lock: true, settings: true, invite: true, leave: false },
};

const ROOMS = [
  room({ id: id(100), name: "Evening room", role: "leader", waitingCount: 2 }),
  room({ id: id(101), name: "غرفة المساء", locked: true }),
  room({ id: id(102), name: "Mothers", state: "invited", role: null }),
  room({ id: id(103), name: "Sundays", state: "waiting", role: null }),
  room({ id: id(104), name: "New here", state: "admitted" }),
  room({ id: id(105), name: "Quiet hour", muted: true }),
  room({ id: id(106), name: "Work and papers", state: "declined", role: null }),
  room({ id: id(107), name: "Old room", state: "left", role: null }),
  room({ id: id(108), name: "Another", state: "closed", role: null }),
  room({ id: id(109), name: "Odd one", state: "problem", problem: "log.bad_signature" }),
];

function door(state: OpenRoom["state"], more: Partial<OpenRoom> = {}): Scene {
  return open((store, ui) => {
    store.set.rooms.value = [room({ state, ...more })];
    ui.place.value = { at: "room", id: id(100), view: "talk" };
  });
}

const people = (more: Partial<OpenRoom>, ...then: (() => Promise<void>)[]): Scene =>
  inRoom(
    more,
    async () => {
      await press("People");
    },
    ...then,
  );

const steward = open((store, ui) => {
  store.set.me.value = me({ roles: ["steward"], invitedAs: "steward" });
  store.set.invites.value = [
    { id: "a", role: "member", roomName: "Evening room", expiresAt: NOON + 30 * HOUR, used: false },
    { id: "b", role: "leader", roomName: null, expiresAt: NOON + 30 * HOUR, used: true },
  ];
  store.set.candidates.value = (["none", "second-needed", "delayed", "effective"] as const).map(
    (standing, n) => ({
      accountId: id(20 + n),
      handle: ["Juniper", "Alder", "نور", "Ash"][n] ?? "",
      invitedAs: "leader",
      safetyCode: "48213 90577 11604 38822",
      role: standing === "none" ? null : "leader",
      standing,
      effectiveAt: standing === "delayed" ? NOON + 20 * HOUR : null,
    }),
  );
  ui.place.value = { at: "invites", roomId: null };
});

const phase =
  (name: FakeStore["phase"]["value"], ...then: (() => Promise<void>)[]): Scene =>
  async (store, _ui, show) => {
    store.set.phase.value = name;
    show();
    for (const step of then) await step();
  };

export const SCENES: Readonly<Record<string, Scene>> = {
  loading: phase("loading"),
  start: phase("signed-out"),
  "other-tab": phase("other-tab"),
  unsupported: phase("unsupported"),
  help: phase("signed-out", () => press("I need help now")),

  "invite-looking": (store, _ui, show) => {
    store.set.phase.value = "invite";
    store.set.invite.value = { state: "looking" };
    show();
  },
  "invite-member": invite("member"),
  "invite-demo": invite("member", true),
  "invite-leader": invite("leader"),
  "invite-steward": invite("steward"),
  "invite-problem": (store, _ui, show) => {
    store.set.phase.value = "invite";
    store.set.invite.value = { state: "problem", code: "invite.unverified" };
    show();
  },

  "sign-up-device": signUp(),
  "sign-up-name": signUp(...own),
  "sign-up-name-wrong": signUp(...own, () => press("Go on")),
  "sign-up-reads": signUp(...named),
  "sign-up-practice": signUp(...read),
  "sign-up-practising": signUp(...read, () => press("Exit")),
  "sign-up-practised": signUp(
    ...read,
    () => press("Exit"),
    () => press("Come back"),
  ),
  "sign-up-phrase": signUp(...phrase),
  "sign-up-check": signUp(...check),
  "sign-up-check-wrong": signUp(...check, () => press("Go on")),
  "sign-up-pin": signUp(...answered),
  "sign-up-pin-wrong": signUp(
    ...answered,
    () => type("PIN", "1234"),
    () => press("Finish"),
  ),
  "sign-up-making": async (store, ui, show) => {
    store.answer("signUp", () => new Promise(() => undefined));
    await signUp(...answered, () => press("No PIN"))(store, ui, show);
  },
  "sign-up-failed": async (store, ui, show) => {
    store.answer("signUp", failure("device.offline"));
    await signUp(...answered, () => press("No PIN"))(store, ui, show);
  },
  "sign-up-taken": async (store, ui, show) => {
    store.answer("signUp", failure("account.handle_taken"));
    await signUp(...answered, () => press("No PIN"))(store, ui, show);
  },

  locked: phase("locked"),
  "locked-link": (store, ui, show) => {
    store.set.phase.value = "locked";
    ui.heldLink.value = "abc";
    show();
  },
  "locked-wrong": async (store, ui, show) => {
    store.answer("unlock", failure("pin.wrong"));
    store.set.lockView.value = { pin: true, triesLeft: 3, erased: false };
    await phase(
      "locked",
      () => type("Your PIN", "993311"),
      () => press("Open"),
    )(store, ui, show);
  },
  "locked-phrase": phase(
    "locked",
    () => press("Other choices"),
    () => press("I forgot my PIN"),
  ),
  "locked-erased": async (store, ui, show) => {
    store.set.lockView.value = { pin: true, triesLeft: 0, erased: true };
    await phase("locked")(store, ui, show);
  },
  "locked-erase": phase(
    "locked",
    () => press("Other choices"),
    () => press("Remove everything"),
  ),

  rooms: open((store) => {
    store.set.me.value = me({ roles: ["leader"], invitedAs: "leader" });
    store.set.rooms.value = ROOMS;
  }),
  "rooms-loading": open((store) => {
    store.set.roomsLoaded.value = false;
    store.set.connection.value = { state: "connecting", since: NOON };
  }),
  "rooms-none": open(() => undefined),
  "rooms-none-leader": open((store) => {
    store.set.me.value = me({ roles: ["leader"], invitedAs: "leader" });
    store.set.community.value = { ...COMMUNITY, demo: true };
  }),
  "rooms-to-be-leader": open((store) => {
    store.set.me.value = me({ invitedAs: "leader" });
  }),
  "rooms-link-problem": open((store) => {
    store.set.rooms.value = ROOMS.slice(1, 4);
    store.set.invite.value = { state: "problem", code: "invite.unusable" };
  }),
  "rooms-offline": open((store) => {
    store.set.rooms.value = ROOMS.slice(1, 4);
    store.set.connection.value = { state: "offline", since: NOON };
  }),
  "new-room": open((_store, ui) => {
    ui.place.value = { at: "new-room" };
  }),
  "new-room-wrong": open(
    (_store, ui) => {
      ui.place.value = { at: "new-room" };
    },
    () => press("Open the room"),
  ),

  ask: door("invited"),
  waiting: door("waiting"),
  admitted: door("admitted"),
  declined: door("declined"),
  closed: door("closed"),
  left: door("left"),
  problem: door("problem"),
  agreement: door("ready", { agreedVersion: null }),
  opening: door("ready"),

  room: inRoom({ timeline: TALK }),
  "room-empty": inRoom({}),
  "room-loading": inRoom({ loaded: false }),
  "room-unfolded": inRoom({ timeline: TALK.slice(4, 7) }, () => press("Show the message")),
  "room-listening": inRoom({ timeline: TALK.slice(0, 5), myPresence: "listening" }),
  "room-muted": inRoom({ timeline: TALK.slice(0, 5), muted: true, cannotSend: "muted" }),
  "room-paused": inRoom({
    timeline: [...TALK.slice(0, 4), event(20, { what: "locked" })],
    locked: true,
    cannotSend: "locked",
  }),
  "room-note": inRoom({ timeline: TALK.slice(0, 5) }, () => press("Add a note")),
  "room-send-failed": async (store, ui, show) => {
    store.answer("send", failure("device.no_storage"));
    await inRoom(
      { timeline: TALK.slice(0, 5) },
      () => type("Write a message", "I was told to stay home."),
      () => press("Send"),
    )(store, ui, show);
  },
  "room-offline": open((store, ui) => {
    const current = openRoom({ timeline: TALK.slice(-4), people: PEOPLE });
    store.set.rooms.value = [current];
    store.set.currentRoom.value = current;
    store.set.connection.value = { state: "offline", since: NOON };
    ui.place.value = { at: "room", id: current.id, view: "talk" };
  }),
  "room-leader": inRoom(LEADING),
  "room-hide": inRoom(LEADING, () => press("Hide")),
  "room-help": inRoom({ timeline: TALK }, () => press("I need help now")),

  people: people({}),
  "people-leader": people(LEADING),
  "people-actions": people(LEADING, () => press("What you can do")),
  "people-remove": people(
    LEADING,
    () => press("What you can do"),
    () => press("Close the room to them"),
  ),
  "people-remove-failed": async (store, ui, show) => {
    store.answer("removeMember", failure("log.stale_head"));
    await people(
      LEADING,
      () => press("What you can do"),
      () => press("Close the room to them"),
      () => press("Close the room to them"),
    )(store, ui, show);
  },
  "people-leave": people({}, () => press("Leave this room")),

  invites: open((store, ui) => {
    store.set.me.value = me({ roles: ["leader"], invitedAs: "leader" });
    store.set.rooms.value = ROOMS.slice(0, 1);
    ui.place.value = { at: "invites", roomId: id(100) };
  }),
  "invites-made": open(
    (store, ui) => {
      store.set.me.value = me({ roles: ["leader"], invitedAs: "leader" });
      store.set.rooms.value = ROOMS.slice(0, 1);
      ui.place.value = { at: "invites", roomId: id(100) };
    },
    () => press("Make a link"),
  ),
  "invites-steward": steward,
  "invites-confirm": async (store, ui, show) => {
    await steward(store, ui, show);
    await press("The number is the same");
  },

  you: open((_store, ui) => {
    ui.place.value = { at: "you" };
  }),
  "you-shared": open((store, ui) => {
    store.set.me.value = me({ deviceKind: "shared", pinSet: false, roles: ["leader"], invitedAs: "leader" });
    ui.place.value = { at: "you" };
  }),
  "you-pin": open(
    (_store, ui) => {
      ui.place.value = { at: "you" };
    },
    () => press("Change the PIN"),
  ),
  "you-sign-out": open(
    (_store, ui) => {
      ui.place.value = { at: "you" };
    },
    () => press("Sign out"),
  ),
};
