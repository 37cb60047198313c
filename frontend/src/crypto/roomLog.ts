/**
 * A room's log: who is in, who leads, what was muted, hidden, locked. It is projected from signed entries alone, so the
 * server cannot add a ghost or take a leader's place. Rules: docs/protocol.md, "Room log"; powers: POWER_MATRIX.
 */
import { POWER_MATRIX, type Action, type Head, type RoomRole, type SignedEntry } from "../protocol/generated";
import { deviceKeyAt, type AccountState } from "./accountLog";
import { equalBytes } from "./bytes";
import { holdsHead, isEffective, type AccountLookup, type CommunityState } from "./communityLog";
import { checkSignature, readBody, readLink, refuseEntry, type Link } from "./entries";
import { toHex } from "./hex";

export type RoomMember = {
  readonly accountId: Uint8Array;
  readonly identityKey: Uint8Array;
  readonly role: RoomRole;
  readonly muted: boolean;
  /** When they came in; UTC ms. */
  readonly since: number;
};

export type RoomState = {
  readonly roomId: Uint8Array;
  readonly groupId: Uint8Array;
  readonly members: ReadonlyMap<string, RoomMember>;
  readonly hidden: ReadonlySet<string>;
  readonly locked: boolean;
  readonly expirySeconds: number;
  /** The community head that the newest entry had seen; it never goes back. */
  readonly communityIndex: number;
  readonly hashes: readonly Uint8Array[];
  readonly head: Head;
  readonly at: number;
};

/** What a room's entries are judged by: the community log as known now, and the accounts' logs. */
export type RoomContext = { readonly community: CommunityState; readonly accounts: AccountLookup };

type Judged = { readonly link: Link; readonly account: AccountState; readonly communityIndex: number };

/** Check the signature by the author's device, and the community head; powers come after. */
function judgeAuthor(
  context: RoomContext,
  state: RoomState | null,
  link: Link,
  identityKey: Uint8Array | null,
): Judged {
  const { author, at, community_head: head } = link.entry;
  const account = author.account_id === null ? null : context.accounts(author.account_id);
  if (account === null) return refuseEntry("log.no_power", "an unknown author");
  if (identityKey !== null && !equalBytes(identityKey, account.identityKey)) {
    return refuseEntry("log.no_power", "another identity");
  }
  const key = deviceKeyAt(account, author.device_id, at);
  if (key === null) return refuseEntry("log.no_power", "not a live device");
  checkSignature(link, context.community.root, key);
  if (head === null || !holdsHead(context.community, head))
    return refuseEntry("log.bad_entry", "community head");
  if (state !== null && head.index < state.communityIndex)
    return refuseEntry("log.bad_entry", "community head went back");
  return { link, account, communityIndex: head.index };
}

/** Whether the community certifies this account, under this very identity, as leader. */
function isCertifiedLeader(
  context: RoomContext,
  { accountId, identityKey }: { readonly accountId: Uint8Array; readonly identityKey: Uint8Array },
  at: number,
  headIndex: number,
): boolean {
  const certifiedKey = context.community.identityKeys.get(toHex(accountId));
  return (
    certifiedKey !== undefined &&
    equalBytes(certifiedKey, identityKey) &&
    isEffective(context.community, accountId, "leader", at, headIndex)
  );
}

/** Whether the account leads the room at `at`: by the room's log, and by the community's up to `headIndex`. */
export function leadsRoom(
  context: RoomContext,
  state: RoomState,
  accountId: Uint8Array,
  at: number,
  headIndex: number = context.community.head.index,
): boolean {
  const member = state.members.get(toHex(accountId));
  return member?.role === "leader" && isCertifiedLeader(context, member, at, headIndex);
}

function createRoom(context: RoomContext, roomId: Uint8Array, link: Link): RoomState {
  if (link.entry.action !== "create") refuseEntry("log.bad_entry", "a room begins with create");
  const body = readBody(link, "create");
  const { account, communityIndex } = judgeAuthor(context, null, link, body.identity_key);
  if (!isCertifiedLeader(context, account, link.entry.at, communityIndex)) {
    refuseEntry("log.no_power", "not a certified leader");
  }
  const founder: RoomMember = {
    accountId: account.accountId,
    identityKey: body.identity_key,
    role: "leader",
    muted: false,
    since: link.entry.at,
  };
  return {
    roomId,
    groupId: body.group_id,
    members: new Map([[toHex(account.accountId), founder]]),
    hidden: new Set(),
    locked: false,
    expirySeconds: body.expiry_seconds,
    communityIndex,
    hashes: [link.head.hash],
    head: link.head,
    at: link.entry.at,
  };
}

function targetOf(state: RoomState, action: Action, accountId: Uint8Array): RoomMember {
  const target = state.members.get(toHex(accountId));
  if (target === undefined) return refuseEntry("log.bad_entry", "no such member");
  const power = POWER_MATRIX.find((row) => row.action === action);
  if (target.role === "leader" && power?.on_leader !== true) return refuseEntry("log.no_power", "a leader");
  return target;
}

function withMember(state: RoomState, member: RoomMember): ReadonlyMap<string, RoomMember> {
  return new Map(state.members).set(toHex(member.accountId), member);
}

function withoutMember(state: RoomState, accountId: Uint8Array): ReadonlyMap<string, RoomMember> {
  const members = new Map(state.members);
  members.delete(toHex(accountId));
  return members;
}

function onlyLeader(state: RoomState, accountId: Uint8Array): boolean {
  const leaders = [...state.members.values()].filter((member) => member.role === "leader");
  return leaders.length === 1 && leaders[0] !== undefined && equalBytes(leaders[0].accountId, accountId);
}

function admit(state: RoomState, link: Link): Partial<RoomState> {
  const body = readBody(link, "admit");
  if (state.members.has(toHex(body.account_id))) refuseEntry("log.bad_entry", "a member already");
  if (state.locked) refuseEntry("room.locked", "nobody is admitted while locked");
  const { account_id: accountId, identity_key: identityKey } = body;
  return {
    members: withMember(state, {
      accountId,
      identityKey,
      role: "member",
      muted: false,
      since: link.entry.at,
    }),
  };
}

function grant(context: RoomContext, state: RoomState, { link, communityIndex }: Judged): Partial<RoomState> {
  const body = readBody(link, "grant");
  const target = state.members.get(toHex(body.account_id));
  if (target === undefined) return refuseEntry("log.bad_entry", "no such member");
  if (body.room_role === "leader") {
    if (!isCertifiedLeader(context, target, link.entry.at, communityIndex)) {
      return refuseEntry("log.no_power", "not a certified leader");
    }
  } else if (onlyLeader(state, body.account_id)) {
    return refuseEntry("log.bad_entry", "the only leader");
  }
  return { members: withMember(state, { ...target, role: body.room_role, muted: false }) };
}

function effectOf(context: RoomContext, state: RoomState, judged: Judged): Partial<RoomState> {
  const { link, account } = judged;
  switch (link.entry.action) {
    case "admit":
      return admit(state, link);
    case "leave":
      readBody(link, "leave");
      if (onlyLeader(state, account.accountId)) refuseEntry("log.bad_entry", "the only leader");
      return { members: withoutMember(state, account.accountId) };
    case "remove":
      return {
        members: withoutMember(
          state,
          targetOf(state, "remove", readBody(link, "remove").account_id).accountId,
        ),
      };
    case "grant":
      return grant(context, state, judged);
    case "mute": {
      const body = readBody(link, "mute");
      return {
        members: withMember(state, { ...targetOf(state, "mute", body.account_id), muted: body.muted }),
      };
    }
    case "hide":
      return { hidden: new Set(state.hidden).add(toHex(readBody(link, "hide").message_id)) };
    case "settings":
      return { expirySeconds: readBody(link, "settings").expiry_seconds };
    case "lock":
      return { locked: readBody(link, "lock").locked };
    default:
      return refuseEntry("log.bad_entry", "not a room's action");
  }
}

/** Apply the next entry; `state` is null before `create`. Raises LogRefusal. */
export function applyRoomEntry(
  context: RoomContext,
  roomId: Uint8Array,
  state: RoomState | null,
  signed: SignedEntry,
): RoomState {
  const place = state === null ? null : { head: state.head, at: state.at };
  const link = readLink(signed, "room", roomId, place);
  if (state === null) return createRoom(context, roomId, link);
  const authorId = link.entry.author.account_id;
  const member = authorId === null ? undefined : state.members.get(toHex(authorId));
  if (member === undefined) return refuseEntry("log.no_power", "not a member");
  const judged = judgeAuthor(context, state, link, member.identityKey);
  const power = POWER_MATRIX.find((row) => row.action === link.entry.action);
  if (power?.holder === "room-leader") {
    const { accountId } = judged.account;
    if (!leadsRoom(context, state, accountId, link.entry.at, judged.communityIndex)) {
      refuseEntry("log.no_power", "not a leader of this room");
    }
  }
  return {
    ...state,
    ...effectOf(context, state, judged),
    communityIndex: judged.communityIndex,
    hashes: [...state.hashes, link.head.hash],
    head: link.head,
    at: link.entry.at,
  };
}
