/**
 * The hash-chained log, whatever it holds: making a link, and checking that one follows another.
 *
 * It knows no powers: what an entry may do is judged by communityLog, accountLog and roomLog. The same rules run in
 * Python on the server (peerchat/signed_log.py); tests/vectors holds both to the same answers.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { decodeCanonical, encodeCanonical } from "../protocol/codec";
import {
  BODIES,
  type Action,
  type Author,
  type Head,
  type Label,
  type LogEntry,
  type LogKind,
  type Models,
  type SignedEntry,
} from "../protocol/generated";
import { ShapeError } from "../protocol/validate";
import { concatBytes, equalBytes, utf8 } from "./bytes";
import { verify } from "./sodium";

/** The codes are the server's own (peerchat/errors.py), so that both sides of a refusal read alike. */
export type LogRefusalCode =
  | "request.malformed"
  | "log.bad_signature"
  | "log.stale_head"
  | "log.bad_entry"
  | "log.no_power"
  | "room.locked";

/** A log that must not be believed. The text is for developers and names no person. */
export class LogRefusal extends Error {
  readonly code: LogRefusalCode;

  constructor(code: LogRefusalCode, detail: string) {
    super(`${code}: ${detail}`);
    this.name = "LogRefusal";
    this.code = code;
  }
}

export function refuseEntry(code: LogRefusalCode, detail: string): never {
  throw new LogRefusal(code, detail);
}

/** How far an entry's time may stand before that of the entry below it, in milliseconds: clocks differ. */
const ORDER_SLACK_MS = 300_000;
const NO_HASH = new Uint8Array(32);

const LABELS: Readonly<Record<LogKind, Label>> = {
  community: "community-entry",
  account: "account-entry",
  room: "room-entry",
};

type Bodies = { readonly [A in Action]: Models[(typeof BODIES)[A]] };
export type BodyOf<A extends Action> = Bodies[A];

/** A link that was read: its signed part, its body (null once erased), its place and time for the next link. */
export type Link = {
  readonly signed: SignedEntry;
  readonly entry: LogEntry;
  readonly head: Head;
};

/** What the next entry of a log must follow; null before the first. */
export type Place = { readonly head: Head; readonly at: number } | null;

function tagged(label: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return sha256(concatBytes(utf8(`peerchat/v1/${label}`), NO_HASH.subarray(0, 1), ...parts));
}

export function entryHash(signed: SignedEntry): Uint8Array {
  return tagged("entry", signed.entry, signed.signature);
}

export function bodyHash(body: Uint8Array): Uint8Array {
  return tagged("entry-body", body);
}

/** The first 16 bytes of the root's hash: what links and logs call the community. */
export function rootFingerprint(root: Uint8Array): Uint8Array {
  return tagged("root", root).slice(0, 16);
}

/** Raise LogRefusal for shapes that are wrong; any other error passes. */
export function readSigned<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ShapeError) return refuseEntry("request.malformed", error.message);
    throw error;
  }
}

/** Read a link that should follow `place` in the log `log` with id `logId`; its signature is not checked yet. */
export function readLink(signed: SignedEntry, log: LogKind, logId: Uint8Array, place: Place): Link {
  const entry = readSigned(() => decodeCanonical("LogEntry", signed.entry));
  if (entry.log !== log || !equalBytes(entry.log_id, logId)) refuseEntry("log.bad_entry", "another log");
  if (entry.index !== (place === null ? 0 : place.head.index + 1))
    refuseEntry("log.stale_head", "not the next index");
  if (!equalBytes(entry.previous_hash, place === null ? NO_HASH : place.head.hash)) {
    refuseEntry("log.stale_head", "not the next link");
  }
  if (place !== null && entry.at < place.at - ORDER_SLACK_MS)
    refuseEntry("log.bad_entry", "time runs backwards");
  if ((entry.community_head === null) !== (log === "community"))
    refuseEntry("log.bad_entry", "community head");
  if (signed.body !== null && !equalBytes(bodyHash(signed.body), entry.body_hash)) {
    refuseEntry("log.bad_entry", "another body");
  }
  return { signed, entry, head: { index: entry.index, hash: entryHash(signed) } };
}

/** Raise unless `key` signed the link. */
export function checkSignature(link: Link, root: Uint8Array, key: Uint8Array): void {
  const { entry, signature } = link.signed;
  if (!verify(LABELS[link.entry.log], root, entry, signature, key))
    refuseEntry("log.bad_signature", link.entry.action);
}

/** Return the body of a link whose action is `action`. An erased body is refused: the rules at hand need it. */
export function readBody<A extends Action>(link: Link, action: A): BodyOf<A> {
  const { body } = link.signed;
  if (link.entry.action !== action || body === null) return refuseEntry("log.bad_entry", "body is missing");
  return readSigned(() => decodeCanonical(BODIES[action], body)) as BodyOf<A>;
}

export type Draft<A extends Action> = {
  readonly log: LogKind;
  readonly logId: Uint8Array;
  readonly place: Place;
  readonly communityHead: Head | null;
  readonly author: Author;
  readonly action: A;
  readonly body: BodyOf<A>;
  readonly at: number;
};

/** Make the next link of a log; `sign` is given the label and the bytes. */
export function makeEntry<A extends Action>(
  draft: Draft<A>,
  sign: (label: Label, bytes: Uint8Array) => Uint8Array,
): SignedEntry {
  const body = encodeCanonical(BODIES[draft.action], draft.body as never);
  const entry = encodeCanonical("LogEntry", {
    v: 1,
    log: draft.log,
    log_id: draft.logId,
    index: draft.place === null ? 0 : draft.place.head.index + 1,
    previous_hash: draft.place === null ? NO_HASH : draft.place.head.hash,
    community_head: draft.communityHead,
    author: draft.author,
    action: draft.action,
    body_hash: bodyHash(body),
    at: draft.at,
  });
  return { entry, body, signature: sign(LABELS[draft.log], entry) };
}
