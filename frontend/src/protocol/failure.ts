/**
 * How a call or a frame can fail, as the layers above act on it. `code` is the server's own (peerchat/errors.py), or
 * `network` when no answer came: then nobody knows whether the wish was carried out, and it is asked again by its id.
 */
import type { ErrorCode } from "./generated";

export type FailureCode = ErrorCode | "network";

/** A class only because a thrown value should be an Error. It holds no body and no address. */
export class CallError extends Error {
  readonly code: FailureCode;
  readonly details: Readonly<Record<string, number>>;

  constructor(code: FailureCode, details: Readonly<Record<string, number>> = {}) {
    super(code);
    this.name = "CallError";
    this.code = code;
    this.details = details;
  }
}

/** Worth asking again, later, in the same words. */
const PASSING: ReadonlySet<FailureCode> = new Set([
  "network",
  "request.rate_limited",
  "server.busy",
  "server.draining",
  "server.broken",
]);

export const isPassing = (code: FailureCode): boolean => PASSING.has(code);
