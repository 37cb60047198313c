import type { Id, Me, Member, MessageLine, OpenRoom, RoomSummary } from "../../src/store/model";

/** Made-up people and rooms for the views' tests and the gallery. Names in several scripts, since names are. */

export const NOON = Date.UTC(2026, 4, 6, 12, 0);
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export const id = (n: number): Id => n.toString(16).padStart(32, "0");

export const COMMUNITY = { name: "Harbour", demo: false, languages: ["en", "ar", "es"] };

export function me(more: Partial<Me> = {}): Me {
  return {
    accountId: id(1),
    handle: "Wren",
    language: "en",
    roles: [],
    invitedAs: "member",
    deviceKind: "own",
    pinSet: true,
    safetyCode: "48213 90577 11604 38822",
    ...more,
  };
}

export function room(more: Partial<RoomSummary> = {}): RoomSummary {
  return {
    id: id(100),
    name: "Evening room",
    state: "ready",
    problem: null,
    role: "member",
    locked: false,
    muted: false,
    members: 4,
    waitingCount: 0,
    expirySeconds: 24 * 3_600,
    agreedVersion: 1,
    ...more,
  };
}

export function message(n: number, more: Partial<MessageLine> = {}): MessageLine {
  return {
    kind: "message",
    key: id(1000 + n),
    own: false,
    authorId: id(2),
    handle: "Juniper",
    role: "member",
    text: "Hello",
    note: null,
    at: NOON - 30 * MINUTE + n * MINUTE,
    expiresAt: NOON + 23 * HOUR,
    state: "sent",
    failure: null,
    hidden: null,
    canHide: false,
    ...more,
  };
}

export function member(n: number, more: Partial<Member> = {}): Member {
  return {
    accountId: id(n),
    handle: "Juniper",
    you: false,
    role: "member",
    presence: "speaking",
    muted: false,
    arriving: false,
    can: { mute: false, remove: false, makeLeader: false, makeMember: false },
    ...more,
  };
}

export function openRoom(more: Partial<OpenRoom> = {}): OpenRoom {
  return {
    ...room(),
    timeline: [],
    loaded: true,
    people: [member(1, { handle: "Wren", you: true }), member(2)],
    waiting: [],
    myPresence: "speaking",
    cannotSend: null,
    can: { admit: false, lock: false, settings: false, invite: false, leave: true },
    ...more,
  };
}
