/** What each kind of record holds, and where it stands. Written as one piece; see database.ts for how. */
import type { RoomState } from "../crypto/roomLog";
import type {
  CommitBundle,
  InviteRole,
  Reason,
  RoomRow,
  SignedEntry,
  SignedStatement,
  SignUpRequest,
} from "../protocol/generated";
import type { Place } from "./database";
import type { DeviceKind, FailureCode } from "./model";

/** Who this device is. The identity key is not among it: it was wiped once it had certified the device. */
export type SelfRecord = {
  readonly root: Uint8Array;
  readonly accountId: Uint8Array;
  readonly deviceId: Uint8Array;
  readonly deviceSeed: Uint8Array;
  readonly deviceKey: Uint8Array;
  readonly identityKey: Uint8Array;
  readonly certificate: SignedStatement;
  readonly handle: string;
  readonly language: string;
  readonly invitedAs: InviteRole;
  /** The room that the invite named. A leader's may not exist yet: it is theirs to open, under this id. */
  readonly invitedRoom: Uint8Array | null;
  readonly deviceKind: DeviceKind;
  /** There until the server answered it: a sign-up whose answer was lost is asked again, word for word. */
  readonly signUp: SignUpRequest | null;
};

/** `deviceSeq`: device events up to it were taken in. */
export type CursorRecord = { readonly deviceSeq: number };

export type RoomRecord = {
  readonly roomId: Uint8Array;
  /** As the server lists it; its claims are shown where the signed log does not say better. */
  readonly row: RoomRow | null;
  readonly agreedVersion: number | null;
  /** The person asked to be let in, and the room was not there yet: asked again until it is. */
  readonly asking: boolean;
  /** Made here and not yet known to the server. */
  readonly creation: { readonly name: string; readonly entry: SignedEntry } | null;
  /** The verified log: at the heads of the group's epoch first, at the newest entry last. Empty before joining. */
  readonly log: readonly RoomState[];
  /** Why the person's own messages were hidden; for their eyes alone. */
  readonly hideReasons: ReadonlyMap<string, Reason>;
  /** What does not add up; nothing is sent while it stands. */
  readonly problem: FailureCode | null;
};

/** What was last heard of a device in this group: its counter, and how many seqs were missing by then. */
export type SenderMark = { readonly counter: number; readonly holes: number };

export type GroupRecord = {
  readonly roomId: Uint8Array;
  readonly state: Uint8Array;
  readonly epoch: number;
  /** Items up to this seq were taken in. */
  readonly cursor: number;
  readonly joinedSeq: number;
  /** The heads that the commit into this epoch named. */
  readonly communityIndex: number;
  readonly roomIndex: number;
  readonly senders: ReadonlyMap<string, SenderMark>;
  readonly nextCounter: number;
  /** Seqs that were missing so far, and when the item before the newest came. */
  readonly holes: number;
  readonly lastAt: number;
  /** When this device last renewed its keys; null until its first act. */
  readonly pathAt: number | null;
  readonly sentSincePath: number;
};

/** An own commit. Only the room's feed says whether it won; until the epoch moves it is kept whatever the answer was. */
export type MadeRecord = {
  readonly id: string;
  readonly roomId: Uint8Array;
  readonly epoch: number;
  readonly state: Uint8Array;
  readonly bundle: CommitBundle;
  readonly entry: SignedEntry | null;
  /** The server said no; it will not be asked again. */
  readonly refused: boolean;
};

export type KeyPackageRecord = {
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly initPrivateKey: Uint8Array;
  readonly leafPrivateKey: Uint8Array;
  readonly lastResort: boolean;
  /** Milliseconds; wiped after. */
  readonly keepUntil: number;
};

export type OutboxRecord = {
  readonly roomId: Uint8Array;
  readonly messageId: string;
  /** Order of writing in its room. */
  readonly order: number;
  readonly text: string;
  readonly note: string | null;
  readonly at: number;
  /** Given when first sealed and kept: no two messages of a device ever share one. */
  readonly counter: number | null;
  readonly sealed: { readonly epoch: number; readonly ciphertext: Uint8Array } | null;
  readonly failure: FailureCode | null;
};

type Line = { readonly seq: number; readonly at: number; readonly expiresAt: number };

export type MessageRecord = Line & {
  readonly kind: "message";
  readonly messageId: string;
  readonly accountId: string;
  readonly own: boolean;
  readonly text: string;
  readonly note: string | null;
  /** How many messages of its author are missing before it. */
  readonly missed: number;
};

export type EventRecord = Line & {
  readonly kind: "event";
  readonly what:
    | "opened"
    | "admitted"
    | "left"
    | "removed"
    | "made-leader"
    | "made-member"
    | "muted"
    | "unmuted"
    | "locked"
    | "unlocked"
    | "expiry";
  /** Whom it is about. */
  readonly accountId: string;
  readonly handle: string;
  readonly expirySeconds: number;
  /** For `removed`: since when they could read. */
  readonly from: number;
};

export type TimelineRecord =
  | MessageRecord
  | EventRecord
  | (Line & { readonly kind: "start" })
  /** Something that did not check: it stands here, so that nobody takes the silence for nothing. */
  | (Line & { readonly kind: "gap" });

export const PLACES = {
  self: { store: "self" },
  cursor: { store: "self", list: "cursor" },
  /** The server's part of the PIN's key, so that changing a PIN needs no moment in which neither works. */
  pinShare: { store: "self", list: "pin-share" },
  community: { store: "community" },
  account: (accountId: string): Place => ({ store: "account", item: accountId }),
  room: (roomId: string): Place => ({ store: "room", item: roomId }),
  group: (roomId: string): Place => ({ store: "group", item: roomId }),
  made: (id: string): Place => ({ store: "made", item: id }),
  keyPackage: (id: string): Place => ({ store: "key-package", item: id }),
  outbox: (messageId: string): Place => ({ store: "outbox", item: messageId }),
  timeline: (roomId: string, seq: number): Place => ({ store: "timeline", list: roomId, item: seq }),
} as const;
