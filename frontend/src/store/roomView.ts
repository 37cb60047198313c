/** How a room looks to the page: made from what was verified and stored, and from nothing else. Pure. */
import { leadsRoom, type RoomContext, type RoomMember, type RoomState as RoomLog } from "../crypto/roomLog";
import { fromHex, toHex } from "../crypto/hex";
import { POWER_MATRIX } from "../protocol/generated";
import { groupDevices } from "./group";
import type {
  EventLine,
  GapLine,
  Member,
  MessageLine,
  OpenRoom,
  PresenceMode,
  RoomState,
  RoomSummary,
  TimelineItem,
  WaitingMember,
} from "./model";
import type { EventRecord, MessageRecord, OutboxRecord, TimelineRecord } from "./records";
import { newestLog, type Room } from "./roomBook";

export type ViewContext = {
  readonly context: RoomContext;
  readonly accountId: string;
  readonly handle: string;
  readonly now: number;
};

const NO_ID = new Uint8Array(16);

function handleOf(view: ViewContext, accountId: string, otherwise = ""): string {
  const profile = view.context.accounts(fromHex(accountId) ?? NO_ID)?.profile;
  return profile?.handle ?? otherwise;
}

function stateOf(view: ViewContext, room: Room): RoomState {
  const { row, problem, asking } = room.record;
  if (problem !== null) return "problem";
  const log = newestLog(room);
  if (room.group !== null && log?.members.has(view.accountId) === true && row?.standing !== "removed")
    return "ready";
  switch (row?.standing) {
    case "member":
      return "admitted";
    case "removed":
      return "closed";
    case "waiting":
    case "declined":
    case "left":
      return row.standing;
    case "invited":
    case undefined:
      return asking ? "waiting" : "invited";
  }
}

function leads(view: ViewContext, log: RoomLog | null): boolean {
  return log !== null && leadsRoom(view.context, log, fromHex(view.accountId) ?? NO_ID, view.now);
}

export function summaryOf(view: ViewContext, room: Room): RoomSummary {
  const { row, agreedVersion, problem } = room.record;
  const log = newestLog(room);
  const me = log?.members.get(view.accountId);
  return {
    id: room.id,
    name: row?.name ?? "",
    state: stateOf(view, room),
    problem,
    role: me?.role ?? row?.role ?? null,
    locked: log?.locked ?? row?.locked ?? false,
    muted: me?.muted ?? row?.muted ?? false,
    members: log?.members.size ?? row?.members ?? 0,
    waitingCount: leads(view, log) ? (row?.waiting ?? 0) : 0,
    expirySeconds: log?.expirySeconds ?? row?.expiry_seconds ?? 0,
    agreedVersion,
  };
}

// --- Lines -------------------------------------------------------------------------------------------

function messageLine(view: ViewContext, room: Room, log: RoomLog, line: MessageRecord): MessageLine {
  const isHidden = log.hidden.has(line.messageId);
  return {
    kind: "message",
    key: line.messageId,
    own: line.own,
    authorId: line.accountId,
    handle: line.own ? view.handle : handleOf(view, line.accountId),
    role: log.members.get(line.accountId)?.role ?? "member",
    text: isHidden ? "" : line.text,
    note: isHidden ? null : line.note,
    at: line.at,
    expiresAt: line.expiresAt,
    state: "sent",
    failure: null,
    hidden: isHidden
      ? { reason: line.own ? (room.record.hideReasons.get(line.messageId) ?? null) : null }
      : null,
    canHide: !isHidden && leads(view, log),
  };
}

function outboxLine(view: ViewContext, log: RoomLog | null, message: OutboxRecord): MessageLine {
  return {
    kind: "message",
    key: message.messageId,
    own: true,
    authorId: view.accountId,
    handle: view.handle,
    role: log?.members.get(view.accountId)?.role ?? "member",
    text: message.text,
    note: message.note,
    at: message.at,
    expiresAt: null,
    state: message.failure === null ? "pending" : "failed",
    failure: message.failure,
    hidden: null,
    canHide: false,
  };
}

function eventLine(view: ViewContext, line: EventRecord): EventLine {
  const base = { kind: "event", key: `e${line.seq}`, at: line.at } as const;
  const handle = handleOf(view, line.accountId, line.handle);
  const own = line.accountId === view.accountId;
  switch (line.what) {
    case "opened":
    case "admitted":
    case "left":
      return { ...base, what: line.what, handle, own };
    case "removed":
      return { ...base, what: line.what, handle, from: line.from, until: line.at };
    case "made-leader":
    case "made-member":
    case "muted":
    case "unmuted":
      return { ...base, what: line.what, handle, own };
    case "locked":
    case "unlocked":
      return { ...base, what: line.what };
    case "expiry":
      return { ...base, what: line.what, expirySeconds: line.expirySeconds };
  }
}

const gapLine = (line: TimelineRecord): GapLine => ({ kind: "gap", key: `g${line.seq}`, at: line.at });

function linesOf(view: ViewContext, room: Room, log: RoomLog, line: TimelineRecord): readonly TimelineItem[] {
  switch (line.kind) {
    case "message": {
      const shown = messageLine(view, room, log, line);
      return line.missed > 0 ? [gapLine(line), shown] : [shown];
    }
    case "event":
      return [eventLine(view, line)];
    case "start":
      return [{ kind: "start", key: `s${line.seq}`, at: line.at }];
    case "gap":
      return [gapLine(line)];
  }
}

/** Lines in the room's one order, what is under way last. What is due is not shown, erased or not. */
export function timelineOf(view: ViewContext, room: Room): readonly TimelineItem[] {
  const log = newestLog(room);
  const kept = [...room.timeline.values()]
    .filter((line) => line.expiresAt > view.now)
    .sort((a, b) => a.seq - b.seq);
  const lines = log === null ? [] : kept.flatMap((line) => linesOf(view, room, log, line));
  return [...lines, ...room.outbox.map((message) => outboxLine(view, log, message))];
}

// --- People ------------------------------------------------------------------------------------------

const mayOnLeader = (action: "mute" | "remove"): boolean =>
  POWER_MATRIX.some((power) => power.action === action && power.on_leader);

function isCertifiedLeader(view: ViewContext, log: RoomLog, member: RoomMember): boolean {
  return leadsRoom(
    view.context,
    { ...log, members: new Map([[toHex(member.accountId), { ...member, role: "leader" }]]) },
    member.accountId,
    view.now,
  );
}

export function peopleOf(
  view: ViewContext,
  room: Room,
  presence: ReadonlyMap<string, PresenceMode>,
): readonly Member[] {
  const log = newestLog(room);
  if (log === null) return [];
  const inGroup = new Set(
    room.group === null ? [] : groupDevices(room.group.state).map((one) => one.account),
  );
  const iLead = leads(view, log);
  const leaders = [...log.members.values()].filter((member) => member.role === "leader").length;
  return [...log.members.entries()].map(([accountId, member]): Member => {
    const you = accountId === view.accountId;
    const isLeader = member.role === "leader";
    return {
      accountId,
      handle: you ? view.handle : handleOf(view, accountId),
      you,
      role: member.role,
      presence: presence.get(accountId) ?? null,
      muted: member.muted,
      arriving: !inGroup.has(accountId),
      can: {
        mute: iLead && !you && (!isLeader || mayOnLeader("mute")),
        remove: iLead && !you && (!isLeader || mayOnLeader("remove")),
        makeLeader: iLead && !isLeader && isCertifiedLeader(view, log, member),
        makeMember: iLead && isLeader && !(you && leaders === 1),
      },
    };
  });
}

export function openRoomOf(
  view: ViewContext,
  room: Room,
  live: {
    readonly presence: ReadonlyMap<string, PresenceMode>;
    readonly waiting: readonly WaitingMember[];
    readonly myPresence: PresenceMode;
    readonly loaded: boolean;
  },
): OpenRoom {
  const summary = summaryOf(view, room);
  const log = newestLog(room);
  const iLead = leads(view, log);
  const leaders = log === null ? 0 : [...log.members.values()].filter(({ role }) => role === "leader").length;
  let cannotSend: OpenRoom["cannotSend"] = null;
  if (summary.state === "problem") cannotSend = "problem";
  else if (summary.state !== "ready") cannotSend = "arriving";
  else if (summary.muted) cannotSend = "muted";
  else if (summary.locked && !iLead) cannotSend = "locked";
  return {
    ...summary,
    timeline: timelineOf(view, room),
    people: peopleOf(view, room, live.presence),
    loaded: live.loaded,
    // Who was let in since the list was fetched does not knock any more.
    waiting: iLead ? live.waiting.filter((one) => log?.members.has(one.accountId) !== true) : [],
    myPresence: live.myPresence,
    cannotSend,
    can: {
      admit: iLead && !summary.locked,
      lock: iLead,
      settings: iLead,
      invite: iLead,
      leave: summary.role !== "leader" || leaders > 1,
    },
  };
}
