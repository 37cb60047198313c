import type { ReadonlySignal } from "@preact/signals";
import type { ErrorCode, InviteRole, Reason, Role, RoomRole } from "../protocol/generated";

/**
 * What the views see and may do: the one seam between the store and the page.
 *
 * Plain data and actions. No key, no ciphertext, no handle of the group ever crosses it; ids are 32 lower-case hexadecimal
 * digits, times are UTC milliseconds by the server's clock. Deliberately not here: drafts (they live in the composer
 * alone), read marks and counts of unread messages (nobody keeps them).
 */

export type Id = string;
export type Moment = number;
export type { InviteRole, Reason, Role, RoomRole };

// --- Answers ------------------------------------------------------------------------------------

/** What only the device itself can find. The first word names who must act, as in `ErrorCode`. */
export type LocalCode =
  | "device.offline"
  | "device.no_storage"
  | "device.broken"
  | "invite.unreadable"
  | "invite.unverified"
  | "phrase.wrong"
  | "phrase.missing"
  | "room.unconfirmed"
  | "room.not_open"
  | "room.no_leader_left"
  | "text.empty"
  | "text.too_long";

export type FailureCode = ErrorCode | LocalCode;

/** `details` as the server gives them: small numbers such as `left` (tries) or `wait_ms`; `{}` where there are none. */
export type Failure = {
  readonly ok: false;
  readonly code: FailureCode;
  readonly details: Readonly<Record<string, number>>;
};
export type Done = { readonly ok: true };
export type Outcome<T = unknown> = (Done & T) | Failure;

// --- The whole app --------------------------------------------------------------------------------

/**
 * - `loading`: looking at what this browser holds.
 * - `invite`: a link was opened; see `AppStore.invite`.
 * - `sign-up`: the person went on from the invite (`startSignUp`) and has no account yet.
 * - `signed-out`: nothing is held here (or a shared device was reloaded).
 * - `locked`: something is held here; a PIN or the phrase opens it.
 * - `open`: signed in, or able to be once there is a network.
 * - `left`: the exit was taken; the page is on its way elsewhere.
 * - `other-tab`: the app is open in another tab of this browser, and one at a time may write.
 * - `unsupported`: the browser lacks what the app stands on (Web Locks, a secure context).
 */
export type Phase =
  "loading" | "invite" | "sign-up" | "signed-out" | "locked" | "open" | "left" | "other-tab" | "unsupported";

/** `since`: when this state began, by the device's clock. */
export type Connection = {
  readonly state: "connecting" | "online" | "offline";
  readonly since: Moment;
};

export type Community = {
  readonly name: string;
  readonly demo: boolean;
  /** Tags as the community lists them, its own first. */
  readonly languages: readonly string[];
};

/** `ready` is only ever said after the community log and the inviter's certificate were checked. */
export type InviteView =
  | { readonly state: "looking" }
  | {
      readonly state: "ready";
      readonly role: InviteRole;
      readonly roomName: string | null;
      readonly community: Community;
      readonly expiresAt: Moment;
    }
  | { readonly state: "problem"; readonly code: FailureCode };

/** `shared`: all is held in memory and gone with the tab. `own`: kept under a PIN, or under the phrase where there is none. */
export type DeviceKind = "shared" | "own";

export type SignUpForm = {
  readonly handle: string;
  readonly language: string;
  readonly deviceKind: DeviceKind;
  /** 6 to 12 digits; `null` on a shared device, or where the phrase itself opens the app each time. */
  readonly pin: string | null;
  /** The person typed two words of the phrase that `newPhrase` gave last. The store refuses `false`. */
  readonly phraseConfirmed: boolean;
};

/** What the locked screen needs; it shows no handle. `triesLeft` is known after a wrong PIN. `erased`: only the phrase is left. */
export type LockView = {
  readonly pin: boolean;
  readonly triesLeft: number | null;
  readonly erased: boolean;
};

export type Me = {
  readonly accountId: Id;
  readonly handle: string;
  readonly language: string;
  readonly roles: readonly Role[];
  /** What this person's invite was for: someone meant to lead waits to be certified. */
  readonly invitedAs: InviteRole;
  readonly deviceKind: DeviceKind;
  readonly pinSet: boolean;
  /** At least 60 bits in groups of digits, spaces between: read aloud to a steward before one is certified. */
  readonly safetyCode: string;
};

// --- Rooms ------------------------------------------------------------------------------------------

/**
 * What the person can do with a room:
 * - `invited`: a link named it; they have not asked to be let in.
 * - `waiting`: they asked; a leader has not answered.
 * - `admitted`: a leader said yes; it opens when someone who is in it comes online.
 * - `ready`: it can be opened.
 * - `declined`, `left`, `closed` (removed): not theirs now.
 * - `problem`: what this device knows does not add up; nothing is sent. See `problem`.
 */
export type RoomState =
  "invited" | "waiting" | "admitted" | "ready" | "declined" | "left" | "closed" | "problem";

export type RoomSummary = {
  readonly id: Id;
  readonly name: string;
  readonly state: RoomState;
  readonly problem: FailureCode | null;
  readonly role: RoomRole | null;
  readonly locked: boolean;
  /** This person may read and not write. */
  readonly muted: boolean;
  readonly members: number;
  /** How many people knock; 0 for everyone but leaders. */
  readonly waitingCount: number;
  readonly expirySeconds: number;
  /** The version of the agreement this person said yes to in this room, kept on the device; `null` before. */
  readonly agreedVersion: number | null;
};

export type PresenceMode = "speaking" | "listening";

export type MessageLine = {
  readonly kind: "message";
  /** The message id: the key for `retry`, `discard`, `hide`. */
  readonly key: Id;
  readonly own: boolean;
  readonly authorId: Id;
  readonly handle: string;
  readonly role: RoomRole;
  /** Empty where hidden. */
  readonly text: string;
  /** A content note: the text is folded until its reader opens it. */
  readonly note: string | null;
  readonly at: Moment;
  /** `null` until the server took it. */
  readonly expiresAt: Moment | null;
  /** Only own messages are ever `pending` or `failed`. */
  readonly state: "sent" | "pending" | "failed";
  /** Why it failed; `null` unless `failed`. */
  readonly failure: FailureCode | null;
  /** `reason` is there for its author alone. */
  readonly hidden: { readonly reason: Reason | null } | null;
  readonly canHide: boolean;
};

/** "You'll see messages from now on." The first line for someone who was let in. */
export type StartLine = { readonly kind: "start"; readonly key: string; readonly at: Moment };

/** Messages that this device can't show: missed counters, or ones that did not check. */
export type GapLine = { readonly kind: "gap"; readonly key: string; readonly at: Moment };

export type EventLine = {
  readonly kind: "event";
  readonly key: string;
  readonly at: Moment;
} & (
  | { readonly what: "opened" | "admitted" | "left"; readonly handle: string; readonly own: boolean }
  /** They may have read what was written between the two times. */
  | { readonly what: "removed"; readonly handle: string; readonly from: Moment; readonly until: Moment }
  | {
      readonly what: "made-leader" | "made-member" | "muted" | "unmuted";
      readonly handle: string;
      readonly own: boolean;
    }
  | { readonly what: "locked" | "unlocked" }
  | { readonly what: "expiry"; readonly expirySeconds: number }
);

export type TimelineItem = MessageLine | StartLine | GapLine | EventLine;

export type Member = {
  readonly accountId: Id;
  readonly handle: string;
  readonly you: boolean;
  readonly role: RoomRole;
  /** `null`: does not have the room open now. */
  readonly presence: PresenceMode | null;
  readonly muted: boolean;
  /** Admitted, and not yet in: their device has not been added. */
  readonly arriving: boolean;
  /** What this person here may do to that one now, by the power matrix and the logs. */
  readonly can: {
    readonly mute: boolean;
    readonly remove: boolean;
    readonly makeLeader: boolean;
    readonly makeMember: boolean;
  };
};

export type WaitingMember = {
  readonly accountId: Id;
  readonly handle: string;
  readonly askedAt: Moment;
  /** Whether link, acceptance and account hang together; only `verified` can be admitted. */
  readonly check: "checking" | "verified" | "problem";
};

export type OpenRoom = RoomSummary & {
  readonly timeline: readonly TimelineItem[];
  /** False while the first items are still being read; the page then announces nothing. */
  readonly loaded: boolean;
  readonly people: readonly Member[];
  /** Empty for all but leaders. */
  readonly waiting: readonly WaitingMember[];
  readonly myPresence: PresenceMode;
  /** Whether this person can write here now, and why not. */
  readonly cannotSend: "muted" | "locked" | "arriving" | "problem" | null;
  readonly can: {
    readonly admit: boolean;
    readonly lock: boolean;
    readonly settings: boolean;
    readonly invite: boolean;
    /** False for the only leader. */
    readonly leave: boolean;
  };
};

// --- Stewards and leaders ---------------------------------------------------------------------------------

export type InviteLine = {
  readonly id: string;
  readonly role: InviteRole;
  readonly roomName: string | null;
  readonly expiresAt: Moment;
  readonly used: boolean;
};

/** Someone a steward can certify. `standing` follows the community log: `second-needed` and `delayed` are not yet effective. */
export type Candidate = {
  readonly accountId: Id;
  readonly handle: string;
  readonly invitedAs: InviteRole;
  readonly safetyCode: string;
  readonly role: Role | null;
  readonly standing: "none" | "second-needed" | "delayed" | "effective";
  readonly effectiveAt: Moment | null;
};

// --- The store -----------------------------------------------------------------------------------------------

export interface AppStore {
  readonly phase: ReadonlySignal<Phase>;
  readonly connection: ReadonlySignal<Connection>;
  /** `null` until it is known. */
  readonly community: ReadonlySignal<Community | null>;
  readonly invite: ReadonlySignal<InviteView | null>;
  readonly lockView: ReadonlySignal<LockView>;
  readonly me: ReadonlySignal<Me | null>;
  readonly rooms: ReadonlySignal<readonly RoomSummary[]>;
  /** False until the list was fetched or read from the device once. */
  readonly roomsLoaded: ReadonlySignal<boolean>;
  readonly currentRoom: ReadonlySignal<OpenRoom | null>;
  readonly invites: ReadonlySignal<readonly InviteLine[]>;
  readonly candidates: ReadonlySignal<readonly Candidate[]>;

  /** Look at what this browser holds; ends in `signed-out`, `locked`, `other-tab` or `unsupported`. */
  readonly start: () => Promise<void>;

  /** `fragment` is what stood after `#`; whoever calls has cleared it from the address. */
  readonly beginInvite: (fragment: string) => Promise<Outcome>;
  readonly startSignUp: () => void;
  /** Six words, held by the store until `signUp`. Calling again makes others; loads the word list. */
  readonly newPhrase: () => Promise<Outcome<{ readonly words: readonly string[] }>>;
  /** After `account.handle_taken` the same phrase and PIN serve again with another handle. */
  readonly signUp: (form: SignUpForm) => Promise<Outcome>;
  /** Put the invite aside and forget it. */
  readonly dropInvite: () => void;

  readonly unlock: (secret: { readonly pin: string } | { readonly phrase: string }) => Promise<Outcome>;
  /** Drops every key from memory. On a shared device nothing is left, and the phase is `signed-out`. */
  readonly lock: () => void;
  /** At once and without a network: `left`, keys dropped, the session's end sent by a beacon. */
  readonly leaveFast: () => void;
  /** End the session on the server; what is kept here stays, locked. */
  readonly signOut: () => Promise<Outcome>;
  /** Remove all that this browser keeps for the app, and sign out. */
  readonly eraseDevice: () => Promise<Outcome>;
  readonly setPin: (pin: string) => Promise<Outcome>;
  /** The person did something: the idle lock starts counting again. Cheap enough for each key press. */
  readonly noteActivity: () => void;

  readonly openRoom: (roomId: Id) => Promise<Outcome>;
  readonly closeRoom: () => void;
  readonly askToJoin: (roomId: Id) => Promise<Outcome>;
  readonly cancelAsk: (roomId: Id) => Promise<Outcome>;
  readonly agree: (roomId: Id, version: number) => Promise<Outcome>;
  readonly createRoom: (form: {
    readonly name: string;
    readonly expirySeconds: number;
  }) => Promise<Outcome<{ readonly roomId: Id }>>;
  readonly leaveRoom: (roomId: Id) => Promise<Outcome>;
  /** How this person is in the room that is open, and in those they open after. Starts as `listening`; never kept. */
  readonly setPresence: (mode: PresenceMode) => void;

  /** Resolves once the message stands in the outbox, long before it is sent: its line tells the rest. */
  readonly send: (message: { readonly text: string; readonly note: string | null }) => Promise<Outcome>;
  readonly retry: (messageId: Id) => Promise<Outcome>;
  readonly discard: (messageId: Id) => Promise<Outcome>;

  /** All of these act on the room that is open. */
  readonly admit: (accountId: Id) => Promise<Outcome>;
  readonly decline: (accountId: Id) => Promise<Outcome>;
  readonly mute: (accountId: Id, reason: Reason) => Promise<Outcome>;
  readonly unmute: (accountId: Id) => Promise<Outcome>;
  readonly hide: (messageId: Id, reason: Reason) => Promise<Outcome>;
  readonly removeMember: (accountId: Id, reason: Reason) => Promise<Outcome>;
  readonly grant: (accountId: Id, role: RoomRole) => Promise<Outcome>;
  readonly lockRoom: () => Promise<Outcome>;
  readonly unlockRoom: () => Promise<Outcome>;
  readonly setExpiry: (expirySeconds: number) => Promise<Outcome>;

  readonly loadInvites: () => Promise<Outcome>;
  /** The link is known here and now alone; `roomId` where the guest shall be able to ask for that room at once. */
  readonly makeInvite: (
    role: InviteRole,
    roomId: Id | null,
  ) => Promise<Outcome<{ readonly link: string; readonly expiresAt: Moment }>>;
  readonly revokeInvite: (inviteId: string) => Promise<Outcome>;
  readonly loadCandidates: () => Promise<Outcome>;
  readonly certify: (accountId: Id, role: Role) => Promise<Outcome>;
}
