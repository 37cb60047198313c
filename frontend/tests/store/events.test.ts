import { expect, test } from "vitest";
import { readLink } from "../../src/crypto/entries";
import { applyRoomEntry } from "../../src/crypto/roomLog";
import { eventOf } from "../../src/store/events";
import {
  certify,
  claim,
  contextOf,
  draftRoomEntry,
  newCommunity,
  newPerson,
  openRoom,
  START,
} from "../support/community";

const HOUR = 3_600_000;

/** The line that says of a member who came in an hour after START that a leader removed them at `removedAt`. */
function removalLine(removedAt: number) {
  let community = newCommunity();
  const steward = newPerson(community, "Ada");
  community = claim(community, steward);
  const leader = newPerson(community, "Lee");
  community = certify(community, steward, leader, "leader", START + 1);
  const member = newPerson(community, "Mo");
  const opened = openRoom(community, leader, START + 2);
  const { roomId } = opened;
  const context = contextOf(community);
  const admit = { account_id: member.accountId, identity_key: member.identity.publicKey };
  const admitted = draftRoomEntry(community, roomId, opened.room, leader, "admit", admit, START + HOUR);
  const before = applyRoomEntry(context, roomId, opened.room, admitted);
  const remove = { account_id: member.accountId, reason: "other" } as const;
  const entry = draftRoomEntry(community, roomId, before, leader, "remove", remove, removedAt);
  const after = applyRoomEntry(context, roomId, before, entry);
  const link = readLink(entry, "room", roomId, { head: before.head, at: before.at });
  const line = eventOf({ kind: "entry", seq: 3, entry }, link, { before, after, context });
  if (line === null) throw new Error("a removal is shown");
  return { line, expiry: before.expirySeconds * 1000 };
}

test("a removed person could read from when they came in, and not before", () => {
  const { line } = removalLine(START + 3 * HOUR);
  expect(line.what).toBe("removed");
  expect(line.from).toBe(START + HOUR);
});

test("what had gone away by then, they could not read any more", () => {
  const removedAt = START + 1_000 * HOUR;
  const { line, expiry } = removalLine(removedAt);
  expect(line.from).toBe(removedAt - expiry);
});
