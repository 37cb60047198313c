/** The quiet lines between messages: who came, who went, what leaders did. Made from signed entries alone. */
import { readBody, type Link } from "../crypto/entries";
import { toHex } from "../crypto/hex";
import type { RoomContext, RoomState } from "../crypto/roomLog";
import type { EntryItem } from "../protocol/generated";
import type { EventRecord } from "./records";

type Surroundings = {
  readonly before: RoomState | null;
  readonly after: RoomState | null;
  readonly context: RoomContext;
};

type About = Pick<EventRecord, "what"> &
  Partial<Pick<EventRecord, "expirySeconds">> & { readonly account: Uint8Array | null };

function aboutOf(link: Link): About | null {
  const { author, action } = link.entry;
  switch (action) {
    case "create":
      return { what: "opened", account: author.account_id };
    case "admit":
      return { what: "admitted", account: readBody(link, action).account_id };
    case "leave":
      return { what: "left", account: author.account_id };
    case "remove":
      return { what: "removed", account: readBody(link, action).account_id };
    case "grant": {
      const body = readBody(link, action);
      return { what: body.room_role === "leader" ? "made-leader" : "made-member", account: body.account_id };
    }
    case "mute": {
      const body = readBody(link, action);
      return { what: body.muted ? "muted" : "unmuted", account: body.account_id };
    }
    case "settings":
      return { what: "expiry", account: null, expirySeconds: readBody(link, action).expiry_seconds };
    case "lock":
      return { what: readBody(link, action).locked ? "locked" : "unlocked", account: null };
    // A hidden message says so in its own place.
    default:
      return null;
  }
}

/** Return the line for an entry that was verified, or null where nothing is shown. */
export function eventOf(item: EntryItem, link: Link, around: Surroundings): EventRecord | null {
  const about = aboutOf(link);
  if (about === null) return null;
  const profile = about.account === null ? null : (around.context.accounts(about.account)?.profile ?? null);
  const accountId = about.account === null ? "" : toHex(about.account);
  // What a removed person could read: from when they came in, as far as messages have not gone away since.
  const removed = about.what === "removed" ? around.before?.members.get(accountId) : undefined;
  const expirySeconds = (around.after ?? around.before)?.expirySeconds ?? 0;
  return {
    kind: "event",
    seq: item.seq,
    at: link.entry.at,
    // A line about a person goes when the messages around it go.
    expiresAt: link.entry.at + expirySeconds * 1000,
    what: about.what,
    accountId,
    handle: profile?.handle ?? "",
    expirySeconds: about.expirySeconds ?? 0,
    from:
      removed === undefined ? link.entry.at : Math.max(removed.since, link.entry.at - expirySeconds * 1000),
  };
}
