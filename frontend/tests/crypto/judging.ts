/** A victim that receives a commit: by the rules, or below them. */
import { expect } from "vitest";
import { receiveCommit } from "../../src/crypto/groupRules";
import { encodeState } from "../../src/crypto/groupState";
import { applyCommit } from "../../src/crypto/mls";
import { openPrivateMessage, type OpenedCommit } from "../../src/crypto/openMessage";
import { authorityOf, everyone, NOW, stateOf, type Person, type Rules } from "./people";

export async function openCommit(person: Person, bytes: Uint8Array): Promise<OpenedCommit> {
  const opened = await openPrivateMessage(stateOf(person), bytes);
  if (opened.kind !== "commit") throw new Error("not a commit");
  return opened;
}

export async function judged(person: Person, bytes: Uint8Array, rules: Rules, at = NOW) {
  const opened = await openCommit(person, bytes);
  return receiveCommit({ state: stateOf(person), opened, authority: authorityOf(rules), at });
}

/** The victim refuses with this code, and its state is byte for byte what it was. */
export async function refuses(
  victim: Person,
  bytes: Uint8Array,
  code: string,
  rules: Rules,
  at = NOW,
): Promise<void> {
  const before = encodeState(stateOf(victim));
  await expect(judged(victim, bytes, rules, at)).rejects.toMatchObject({ code });
  expect(encodeState(stateOf(victim))).toEqual(before);
}

/** What happens below the rules: for the tests that show an attack succeed. */
export async function appliesUnguarded(victim: Person, bytes: Uint8Array): Promise<void> {
  const opened = await openCommit(victim, bytes);
  const applied = await applyCommit({ state: stateOf(victim), opened, accept: everyone });
  victim.state = applied.kind === "new-epoch" ? applied.newState : null;
}
