/**
 * A room's group on this device: what the logs allow in it, making and taking in commits, sealing and opening messages.
 *
 * Each function takes a group and returns a new one; storing, sending and retrying are for roomBook and sync. A commit is
 * judged by the logs at the heads that it names itself, and these never go back (crypto.md, group rules 1, 3 and 4).
 */
import { equalBytes } from "../crypto/bytes";
import { holdsHead, type CommunityState } from "../crypto/communityLog";
import { refuseEntry } from "../crypto/entries";
import { inspectCommit, makeCommit, receiveCommit, type Authority, type Change } from "../crypto/groupRules";
import {
  decodeState,
  encodeState,
  epochOf,
  membersOf,
  type GroupState,
  type Leaf as TreeLeaf,
} from "../crypto/groupState";
import { toHex } from "../crypto/hex";
import { claimOf, rightLeaf } from "../crypto/leaves";
import { sealMessage } from "../crypto/mls";
import type { OpenedCommit, OpenedMessage } from "../crypto/openMessage";
import type { RoomContext, RoomMember, RoomState } from "../crypto/roomLog";
import { newId } from "../crypto/statements";
import { secretsOf, secretsOnlyIn } from "../crypto/wipe";
import { decodeCanonical, encodeCanonical } from "../protocol/codec";
import type { CommitHeader, Head, MessageContent, MessageHeader, SignedEntry } from "../protocol/generated";
import type { MadeRecord } from "./records";
import type { Group } from "./roomBook";

/** What the logs say at one point of the room's log. */
export function authorityAt(context: RoomContext, room: RoomState): Authority {
  const isRight = (identity: Uint8Array, key: Uint8Array): boolean =>
    rightLeaf(context, room, identity, key) !== null;
  return {
    leafAllowed: isRight,
    removeAllowed: (identity, key) => !isRight(identity, key),
    committerMay: ({ committer }) => isRight(committer.identity, committer.signatureKey),
  };
}

/** Leaves that are not right at this point of the log: someone left, or was removed, and the group has not followed. */
export function wrongLeaves(context: RoomContext, room: RoomState, state: GroupState): readonly TreeLeaf[] {
  return membersOf(state).filter(
    (leaf) => rightLeaf(context, room, leaf.identity, leaf.signatureKey) === null,
  );
}

/** Devices and accounts by what their leaves claim; for leaves that were judged right. */
export function groupDevices(
  state: GroupState,
): readonly { readonly device: string; readonly account: string }[] {
  return membersOf(state).flatMap((leaf) => {
    const claim = claimOf(leaf.identity);
    return claim === null ? [] : [{ device: toHex(claim.deviceId), account: toHex(claim.accountId) }];
  });
}

const deviceOf = (identity: Uint8Array): string => {
  const claim = claimOf(identity);
  return claim === null ? "" : toHex(claim.deviceId);
};

// --- Making ---------------------------------------------------------------------------------------

export type CommitPlan = {
  readonly roomId: Uint8Array;
  readonly group: Group;
  readonly context: RoomContext;
  /** The log by which it is made and will be judged; with the entry that lands with it, if there is one. */
  readonly log: RoomState;
  readonly entry: SignedEntry | null;
  readonly adds: readonly { readonly deviceId: Uint8Array; readonly keyPackage: Uint8Array }[];
  readonly removes: readonly TreeLeaf[];
  /** UTC milliseconds. */
  readonly at: number;
};

/**
 * Make a commit and return it as it must be stored before it is sent. Nothing of the group's own state is used up: whether
 * it won, the room's feed tells. `wipe` is what only the unstored form of the new state holds.
 */
export async function planCommit(
  plan: CommitPlan,
): Promise<{ made: MadeRecord; wipe: readonly Uint8Array[] }> {
  const { group, context, log } = plan;
  const header: CommitHeader = {
    kind: "commit",
    room_id: plan.roomId,
    community_head: context.community.head,
    room_head: log.head,
  };
  const { commit, welcome, newState } = await makeCommit({
    state: group.state,
    ...(plan.adds.length === 0 ? {} : { adds: plan.adds.map((add) => add.keyPackage) }),
    ...(plan.removes.length === 0 ? {} : { removes: plan.removes.map((leaf) => leaf.leafIndex) }),
    authenticatedData: encodeCanonical("CommitHeader", header),
    authority: authorityAt(context, log),
    at: plan.at / 1000,
  });
  const made: MadeRecord = {
    id: toHex(newId()),
    roomId: plan.roomId,
    epoch: group.marks.epoch,
    state: encodeState(newState),
    bundle: {
      epoch: group.marks.epoch,
      commit,
      welcome,
      adds: plan.adds.map((add) => add.deviceId),
      removes: plan.removes.flatMap((leaf) => claimOf(leaf.identity)?.deviceId ?? []),
      community_head: header.community_head.index,
      room_head: header.room_head.index,
    },
    entry: plan.entry,
    refused: false,
  };
  return { made, wipe: secretsOnlyIn(newState, group.state) };
}

// --- Taking in ------------------------------------------------------------------------------------

/** The heads a commit stands on, if they are known here and do not go back; raise LogRefusal otherwise. */
function headsOf(
  change: { readonly authenticatedData: Uint8Array },
  roomId: Uint8Array,
  group: Group,
  log: readonly RoomState[],
  community: CommunityState,
): { readonly room: RoomState; readonly communityIndex: number } {
  const header = readCommitHeader(change.authenticatedData);
  if (!equalBytes(header.room_id, roomId)) refuseEntry("log.bad_entry", "another room");
  if (header.community_head.index < group.marks.communityIndex)
    refuseEntry("log.stale_head", "community head went back");
  if (!holdsHead(community, header.community_head)) refuseEntry("log.bad_entry", "community head");
  const room = log.find((state) => state.head.index === header.room_head.index);
  if (room === undefined || room.head.index < group.marks.roomIndex) {
    return refuseEntry("log.stale_head", "room head");
  }
  if (!equalBytes(room.head.hash, header.room_head.hash)) refuseEntry("log.bad_entry", "room head");
  return { room, communityIndex: header.community_head.index };
}

export const readCommitHeader = (bytes: Uint8Array): CommitHeader => decodeCanonical("CommitHeader", bytes);

/** The community head that a commit names, so that it can be fetched before the commit is judged. */
export function communityHeadOf(opened: OpenedCommit): Head {
  return readCommitHeader(opened.authenticatedData).community_head;
}

/** The accounts and devices that a commit adds: their logs must be known before it is judged. */
export function addedBy(change: Change): readonly { readonly account: string; readonly device: string }[] {
  return change.adds.flatMap((leaf) => {
    const claim = claimOf(leaf.identity);
    return claim === null ? [] : [{ account: toHex(claim.accountId), device: toHex(claim.deviceId) }];
  });
}

export type Moved = {
  readonly kind: "moved";
  readonly state: GroupState;
  readonly room: RoomState;
  readonly communityIndex: number;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly wipe: readonly Uint8Array[];
};
export type Taken = Moved | { readonly kind: "removed"; readonly wipe: readonly Uint8Array[] };

/** Judge and apply another member's commit; raise Refusal or LogRefusal. `at` is the server's, in milliseconds. */
export async function takeCommit(take: {
  roomId: Uint8Array;
  group: Group;
  opened: OpenedCommit;
  log: readonly RoomState[];
  context: RoomContext;
  at: number;
}): Promise<Taken> {
  const { group, opened, context } = take;
  const heads = headsOf(opened, take.roomId, group, take.log, context.community);
  const change = inspectCommit(group.state, opened);
  const applied = await receiveCommit({
    state: group.state,
    opened,
    authority: authorityAt(context, heads.room),
    at: take.at / 1000,
  });
  if (applied.kind === "removed") return applied;
  return {
    kind: "moved",
    state: applied.newState,
    ...heads,
    added: change.adds.map((leaf) => deviceOf(leaf.identity)),
    removed: change.removes.map((leaf) => deviceOf(leaf.identity)),
    wipe: applied.wipe,
  };
}

/** Take the group into the epoch of an own commit that won. */
export function adoptMade(group: Group, made: MadeRecord, log: readonly RoomState[]): Moved {
  const room = log.find((state) => state.head.index === made.bundle.room_head);
  if (room === undefined) return refuseEntry("log.stale_head", "room head");
  return {
    kind: "moved",
    state: decodeState(made.state),
    room,
    communityIndex: made.bundle.community_head,
    added: made.bundle.adds.map(toHex),
    removed: made.bundle.removes.map(toHex),
    // Decoded anew, the next state shares no buffer with this one.
    wipe: [...secretsOf(group.state)],
  };
}

// --- Messages -------------------------------------------------------------------------------------

export async function sealContent(seal: {
  roomId: Uint8Array;
  state: GroupState;
  messageId: Uint8Array;
  counter: number;
  content: MessageContent;
}): Promise<{ state: GroupState; ciphertext: Uint8Array; wipe: readonly Uint8Array[] }> {
  const header: MessageHeader = {
    kind: "message",
    room_id: seal.roomId,
    message_id: seal.messageId,
    counter: seal.counter,
  };
  const plaintext = encodeCanonical("MessageContent", seal.content);
  const sealed = await sealMessage({
    state: seal.state,
    plaintext,
    authenticatedData: encodeCanonical("MessageHeader", header),
  });
  plaintext.fill(0);
  return { state: sealed.newState, ciphertext: sealed.message, wipe: sealed.wipe };
}

export type ReadMessage = {
  readonly device: string;
  readonly account: string;
  readonly member: RoomMember;
  readonly counter: number;
  readonly content: MessageContent;
};

/**
 * What an opened message says, if it is the message that the server calls it and its author may say it; null otherwise.
 * Membership and mute are judged at the epoch's heads, since they land with a commit; a lock does not, and is judged by
 * the newest entry before the message in the room's one order. Raises ShapeError for content of the wrong shape.
 */
export function readMessage(
  opened: OpenedMessage,
  roomId: Uint8Array,
  messageId: Uint8Array,
  { epoch, newest }: { epoch: RoomState; newest: RoomState },
): ReadMessage | null {
  const header = decodeCanonical("MessageHeader", opened.authenticatedData);
  if (!equalBytes(header.room_id, roomId) || !equalBytes(header.message_id, messageId)) return null;
  const claim = claimOf(opened.sender.identity);
  const member = claim === null ? undefined : epoch.members.get(toHex(claim.accountId));
  if (claim === null || member === undefined || member.muted) return null;
  if (newest.locked && newest.members.get(toHex(claim.accountId))?.role !== "leader") return null;
  return {
    device: toHex(claim.deviceId),
    account: toHex(claim.accountId),
    member,
    counter: header.counter,
    content: decodeCanonical("MessageContent", opened.plaintext),
  };
}

export const epochNumber = (state: GroupState): number => Number(epochOf(state));
