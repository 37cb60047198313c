/** Rooms as the page uses them: the list, the one that is open, and what people and leaders do there. */
import { batch, computed, signal } from "@preact/signals";
import { equalBytes } from "../crypto/bytes";
import type { BodyOf } from "../crypto/entries";
import { newSalt, signStatement } from "../crypto/statements";
import { CallError } from "../protocol/failure";
import type { Action, PresenceUpdate } from "../protocol/generated";
import { toHex } from "../crypto/hex";
import { idBytes, runEntry, runEntryWithCommit } from "./commits";
import type { Invitation } from "./invitation";
import { fetchKnocking, type Knocking } from "./leading";
import { openGroup } from "./core";
import type { AppStore, OpenRoom, Outcome, PresenceMode, RoomSummary } from "./model";
import { announceRoom, createRoom } from "./opening";
import type { Opened } from "./opened";
import { attempt, attemptPlain, failure } from "./outcome";
import { textProblem } from "./outbox";
import { askAgain, refreshRooms } from "./roomList";
import { newestLog } from "./roomBook";
import { openRoomOf, summaryOf, type ViewContext } from "./roomView";
import type { Shell } from "./shell";
import type { SyncEvents } from "./sync";

const NOBODY: ReadonlyMap<string, PresenceMode> = new Map();

type RoomActions = Pick<
  AppStore,
  | "openRoom"
  | "closeRoom"
  | "askToJoin"
  | "cancelAsk"
  | "agree"
  | "createRoom"
  | "leaveRoom"
  | "setPresence"
  | "send"
  | "retry"
  | "discard"
  | "admit"
  | "decline"
  | "mute"
  | "unmute"
  | "hide"
  | "removeMember"
  | "grant"
  | "lockRoom"
  | "unlockRoom"
  | "setExpiry"
>;

export type Rooms = RoomActions &
  Pick<AppStore, "rooms" | "roomsLoaded" | "currentRoom"> & {
    readonly events: Pick<SyncEvents, "presence" | "waiting" | "roomsListed">;
    /** Forget what is on the screen, when the store locks. */
    readonly reset: () => void;
    /** Ask to be let into the room of a link that a signed-in person opened. */
    readonly useLink: (invitation: Invitation) => Promise<void>;
  };

export function createRooms(shell: Shell): Rooms {
  const currentId = signal<string | null>(null);
  const presence = signal<ReadonlyMap<string, ReadonlyMap<string, PresenceMode>>>(new Map());
  const knocking = signal<ReadonlyMap<string, readonly Knocking[]>>(new Map());
  const isListed = signal(false);
  const myPresence = signal<PresenceMode>("listening");
  let looking: Promise<void> | null = null;
  let lookAgain: string | null = null;

  const viewOf = ({ core }: Opened): ViewContext => ({
    context: core.logs.context(),
    accountId: core.ids.accountId,
    handle: core.self.handle,
    now: core.clock.now(),
  });

  const rooms = computed<readonly RoomSummary[]>(() => {
    shell.follow();
    const opened = shell.opened.value;
    if (opened === null) return [];
    const view = viewOf(opened);
    return opened.core.book.all().map((room) => summaryOf(view, room));
  });

  const currentRoom = computed<OpenRoom | null>(() => {
    shell.follow();
    const opened = shell.opened.value;
    const id = currentId.value;
    const room = opened === null || id === null ? null : opened.core.book.get(id);
    if (opened === null || room === null) return null;
    return openRoomOf(viewOf(opened), room, {
      presence: presence.value.get(room.id) ?? NOBODY,
      waiting: knocking.value.get(room.id) ?? [],
      myPresence: myPresence.value,
      loaded: opened.sync.isCaughtUp(room.id),
    });
  });

  function showPresence(): void {
    const opened = shell.opened.peek();
    const id = currentId.peek();
    if (opened === null) return;
    const room = id === null ? null : opened.core.book.get(id);
    const shown = room === null ? [] : [{ room_id: room.record.roomId, mode: myPresence.peek() }];
    opened.core.ports.link.showRooms(shown);
  }

  /** Names and devices of those who are in the room, and of those who knock. */
  async function learnPeople(roomId: string): Promise<void> {
    const { core } = shell.use();
    const room = core.book.get(roomId);
    const log = room === null ? null : newestLog(room);
    if (log === null) return;
    await core.logs.needAccounts([...log.members.keys()].map((account) => ({ account })));
    const isLeader = log.members.get(core.ids.accountId)?.role === "leader";
    if (!isLeader) return;
    const people = await fetchKnocking(core, roomId, knocking.peek().get(roomId) ?? []);
    knocking.value = new Map(knocking.peek()).set(roomId, people);
  }

  /** One look at a time; a wish during one is a second look after it. Names that fail to come, come with the next. */
  function learnBeside(roomId: string): void {
    if (looking !== null) {
      lookAgain = roomId;
      return;
    }
    const done = (): void => {
      looking = null;
      const again = lookAgain;
      lookAgain = null;
      if (again !== null) learnBeside(again);
    };
    looking = learnPeople(roomId).then(done, done);
  }

  function here(): { readonly opened: Opened; readonly roomId: string } {
    const roomId = currentId.peek();
    if (roomId === null) throw new CallError("request.not_found");
    return { opened: shell.use(), roomId };
  }

  const append = <A extends Action>(action: A, body: () => BodyOf<A>): Promise<Outcome> =>
    attemptPlain(async () => {
      const { opened, roomId } = here();
      await runEntry(opened.core, opened.sync, roomId, action, body());
    });

  const appendWithCommit = <A extends Action>(action: A, body: () => BodyOf<A>): Promise<Outcome> =>
    attemptPlain(async () => {
      const { opened, roomId } = here();
      await runEntryWithCommit(opened.core, opened.sync, roomId, action, body());
    });

  function forgetKnocking(roomId: string, accountId: string): void {
    const rest = (knocking.peek().get(roomId) ?? []).filter((person) => person.accountId !== accountId);
    knocking.value = new Map(knocking.peek()).set(roomId, rest);
  }

  async function admit(accountId: string): Promise<void> {
    const { opened, roomId } = here();
    const person = knocking
      .peek()
      .get(roomId)
      ?.find((one) => one.accountId === accountId);
    const log = newestLog(openGroup(opened.core, roomId));
    // By another leader, or by the tap before: the wish holds.
    if (log?.members.has(accountId) === true) return;
    if (person === undefined || person.identityKey === null) throw new CallError("request.not_found");
    await runEntry(opened.core, opened.sync, roomId, "admit", {
      salt: newSalt(),
      account_id: idBytes(accountId),
      identity_key: person.identityKey,
    });
    forgetKnocking(roomId, accountId);
  }

  async function ask(roomId: string): Promise<void> {
    const { core } = shell.use();
    await core.book.change(idBytes(roomId), (draft) => {
      draft.record = { ...draft.record, asking: true };
    });
    await askAgain(core, roomId);
    await refreshRooms(core);
  }

  async function useLink(invitation: Invitation): Promise<void> {
    const { core } = shell.use();
    const { roomId, key } = invitation;
    const isOurs = equalBytes(invitation.community.root, core.self.root);
    if (!isOurs || roomId === null) throw new CallError("invite.unusable");
    const acceptance = signStatement(
      "InviteAcceptance",
      {
        invite_key: key.publicKey,
        account_id: core.self.accountId,
        identity_key: core.self.identityKey,
      },
      core.self.root,
      key.seed,
    );
    await core.api.call("askToJoin", { acceptance }, { room: toHex(roomId) });
    await refreshRooms(core);
  }

  async function leave(roomId: string): Promise<void> {
    const { core, sync } = shell.use();
    await runEntry(core, sync, roomId, "leave", { salt: newSalt() });
    await core.book.change(idBytes(roomId), (draft) => {
      draft.group = null;
      draft.made = [];
      draft.outbox = [];
      for (const seq of draft.before.timeline.keys()) draft.lines.set(seq, null);
      const { row } = draft.record;
      draft.record = {
        ...draft.record,
        row: row === null ? null : { ...row, standing: "left", in_group: false },
      };
    });
    await refreshRooms(core);
  }

  async function openTheRoom(roomId: string): Promise<Outcome> {
    const opened = shell.opened.peek();
    const room = opened?.core.book.get(roomId) ?? null;
    if (opened === null || room === null) return failure("request.not_found");
    if (room.group === null) return failure("room.not_open");
    currentId.value = roomId;
    showPresence();
    learnBeside(roomId);
    return { ok: true };
  }

  function takePresence(update: PresenceUpdate): void {
    const present = new Map(update.present.map((one) => [toHex(one.account_id), one.mode]));
    presence.value = new Map(presence.peek()).set(toHex(update.room_id), present);
    const id = currentId.peek();
    if (id !== null && toHex(update.room_id) === id) learnBeside(id);
  }

  return {
    rooms,
    roomsLoaded: computed(() => isListed.value),
    currentRoom,
    openRoom: openTheRoom,
    closeRoom: () => {
      currentId.value = null;
      showPresence();
    },
    askToJoin: (roomId) => attemptPlain(() => ask(roomId)),
    cancelAsk: (roomId) =>
      attemptPlain(async () => {
        const { core } = shell.use();
        await core.book.change(idBytes(roomId), (draft) => {
          draft.record = { ...draft.record, asking: false };
        });
        if ((core.book.get(roomId)?.record.row ?? null) !== null)
          await core.api.call("withdraw", null, { room: roomId });
        await refreshRooms(core);
      }),
    agree: (roomId, version) =>
      attemptPlain(() =>
        shell.use().core.book.change(idBytes(roomId), (draft) => {
          draft.record = { ...draft.record, agreedVersion: version };
        }),
      ),
    createRoom: (form) =>
      attempt(async () => {
        const { core } = shell.use();
        const roomId = await createRoom(core, form.name, form.expirySeconds);
        await refreshRooms(core);
        return { roomId };
      }),
    leaveRoom: (roomId) => attemptPlain(() => leave(roomId)),
    setPresence: (mode) => {
      myPresence.value = mode;
      showPresence();
    },
    send: async ({ text, note }) => {
      const problem = textProblem(text);
      if (problem !== null) return failure(problem);
      if ((currentRoom.peek()?.cannotSend ?? null) !== null) return failure("room.not_open");
      return attemptPlain(async () => {
        const { opened, roomId } = here();
        await opened.sync.outbox.add(roomId, text, note);
        opened.sync.nudge();
      });
    },
    retry: (messageId) =>
      attemptPlain(async () => {
        const { opened, roomId } = here();
        await opened.sync.outbox.retry(roomId, messageId);
        opened.sync.nudge();
      }),
    discard: (messageId) =>
      attemptPlain(async () => {
        const { opened, roomId } = here();
        await opened.sync.outbox.discard(roomId, messageId);
      }),
    admit: (accountId) => attemptPlain(() => admit(accountId)),
    decline: (accountId) =>
      attemptPlain(async () => {
        const { opened, roomId } = here();
        await opened.core.api.call("decline", { account_id: idBytes(accountId) }, { room: roomId });
        forgetKnocking(roomId, accountId);
      }),
    mute: (accountId, reason) =>
      appendWithCommit("mute", () => ({
        salt: newSalt(),
        account_id: idBytes(accountId),
        muted: true,
        reason,
      })),
    unmute: (accountId) =>
      appendWithCommit("mute", () => ({
        salt: newSalt(),
        account_id: idBytes(accountId),
        muted: false,
        reason: "other",
      })),
    hide: (messageId, reason) =>
      append("hide", () => ({ salt: newSalt(), message_id: idBytes(messageId), reason })),
    removeMember: (accountId, reason) =>
      appendWithCommit("remove", () => ({ salt: newSalt(), account_id: idBytes(accountId), reason })),
    grant: (accountId, role) =>
      append("grant", () => ({ salt: newSalt(), account_id: idBytes(accountId), room_role: role })),
    lockRoom: () => append("lock", () => ({ salt: newSalt(), locked: true })),
    unlockRoom: () => append("lock", () => ({ salt: newSalt(), locked: false })),
    setExpiry: (expirySeconds) =>
      append("settings", () => ({ salt: newSalt(), expiry_seconds: expirySeconds })),
    events: {
      presence: takePresence,
      waiting: (roomId) => {
        const id = currentId.peek();
        if (id !== null && (roomId === null || roomId === id)) learnBeside(id);
      },
      roomsListed: () => {
        isListed.value = true;
        const opened = shell.opened.peek();
        for (const room of opened?.core.book.all() ?? []) {
          if (opened === null) return;
          if (room.record.creation !== null)
            announceRoom(opened.core, room.record.roomId).catch(() => undefined);
          if (room.record.asking) askAgain(opened.core, room.id).catch(() => undefined);
        }
      },
    },
    useLink,
    reset: () => {
      batch(() => {
        currentId.value = null;
        presence.value = new Map();
        knocking.value = new Map();
        isListed.value = false;
        myPresence.value = "listening";
      });
    },
  };
}
