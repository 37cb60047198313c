/** Turning what went wrong into what the page can say: one stable code, small numbers, and never a text. */
import { LogRefusal } from "../crypto/entries";
import { CallError } from "../protocol/failure";
import { InviteProblem } from "./invitation";
import { isRefusal } from "./items";
import type { Failure, FailureCode, Outcome } from "./model";

export const failure = (code: FailureCode, details: Readonly<Record<string, number>> = {}): Failure => ({
  ok: false,
  code,
  details,
});

export function failureOf(error: unknown): Failure {
  if (error instanceof InviteProblem) return failure(error.code);
  if (error instanceof CallError) {
    return failure(error.code === "network" ? "device.offline" : error.code, error.details);
  }
  // What this device itself would refuse to believe, it does not send either.
  if (error instanceof LogRefusal) return failure(error.code);
  // A leaf or a message that does not check: the server's word is not taken for it.
  if (isRefusal(error)) return failure("room.unconfirmed");
  return failure("device.broken");
}

/** Run `work` and say how it ended. */
export async function attempt<T extends object>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, ...(await work()) };
  } catch (error) {
    return failureOf(error);
  }
}

export const attemptPlain = (work: () => Promise<unknown>): Promise<Outcome> =>
  attempt(async () => {
    await work();
    return {};
  });
