/**
 * Calls by HTTP. Every endpoint is idempotent, so a call whose answer was lost is made again, with growing waits.
 *
 * Deliberately absent: any memory of what was asked, and any text of an answer in an error. A cookie is the browser's
 * affair (`credentials: "same-origin"`).
 */
import {
  ENDPOINTS,
  type AnswerFor,
  type Api,
  type BodyFor,
  type CallOptions,
  type EndpointName,
} from "../protocol/endpoints";
import { CallError, isPassing } from "../protocol/failure";
import { check, checkJson, ShapeError, toJson } from "../protocol/validate";
import { delayBefore, type Backoff } from "./backoff";

export type HttpOptions = {
  readonly fetch: typeof fetch;
  /** Without a slash at its end; empty for the page's own origin. */
  readonly origin: string;
  readonly timeoutMs?: number;
  /** How often a call is made in all before it fails. */
  readonly attempts?: number;
  readonly backoff?: Backoff;
  readonly random?: () => number;
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
};

const DEFAULTS = {
  // Two round trips of 2 s, a slow phone, and a body of 64 KB at 50 kbit/s.
  timeoutMs: 20_000,
  attempts: 4,
  backoff: { firstMs: 500, mostMs: 8_000 },
} as const;

/** Resolve after `ms`, or reject with `network` as soon as `signal` says so. */
export function sleepFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(new CallError("network"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted === true) stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
}

function pathOf(name: EndpointName, options: CallOptions): string {
  const { path } = ENDPOINTS[name];
  const filled = path
    .replace("{room}", options.room ?? "")
    .replace("{invite}", options.invite ?? "")
    .replace("{case}", options.case ?? "");
  const query = Object.entries(options.query ?? {}).map(([key, value]) => `${key}=${String(value)}`);
  return `/api/v1/${filled}${query.length === 0 ? "" : `?${query.join("&")}`}`;
}

async function readAnswer<E extends EndpointName>(name: E, response: Response): Promise<AnswerFor<E>> {
  let value: unknown;
  try {
    value = await response.json();
  } catch {
    // A proxy's page, or a connection that broke in the middle.
    throw new CallError(response.status >= 500 || response.ok ? "network" : "request.malformed");
  }
  try {
    if (response.ok) return checkJson(ENDPOINTS[name].answer, value) as AnswerFor<E>;
    const refusal = checkJson("ErrorAnswer", value);
    throw new CallError(refusal.code, refusal.details);
  } catch (error) {
    if (error instanceof ShapeError) throw new CallError("server.broken");
    throw error;
  }
}

/** Return calls to the server at `options.origin`. */
export function createApi(options: HttpOptions): Api {
  const { timeoutMs, attempts, backoff } = { ...DEFAULTS, ...options };
  const random = options.random ?? Math.random;
  const sleep = options.sleep ?? sleepFor;

  async function callOnce<E extends EndpointName>(
    name: E,
    body: string | null,
    call: CallOptions,
  ): Promise<AnswerFor<E>> {
    const cut = new AbortController();
    const stop = (): void => {
      cut.abort();
    };
    const timer = setTimeout(stop, timeoutMs);
    if (call.signal?.aborted === true) stop();
    call.signal?.addEventListener("abort", stop, { once: true });
    try {
      const response = await options.fetch(options.origin + pathOf(name, call), {
        method: ENDPOINTS[name].method,
        credentials: "same-origin",
        cache: "no-store",
        redirect: "error",
        referrerPolicy: "no-referrer",
        signal: cut.signal,
        ...(body === null ? {} : { body, headers: { "Content-Type": "application/json" } }),
      });
      return await readAnswer(name, response);
    } catch (error) {
      throw error instanceof CallError ? error : new CallError("network");
    } finally {
      clearTimeout(timer);
      call.signal?.removeEventListener("abort", stop);
    }
  }

  return {
    call: async (name, body: BodyFor<typeof name>, call = {}) => {
      const model = ENDPOINTS[name].body;
      // An empty object, not nothing: every write needs a Content-Length and a type that no form can have.
      const empty = ENDPOINTS[name].method === "POST" ? "{}" : null;
      const text = model === null ? empty : JSON.stringify(toJson(check(model, body)));
      for (let attempt = 1; ; attempt++) {
        try {
          return await callOnce(name, text, call);
        } catch (error) {
          if (!(error instanceof CallError) || !isPassing(error.code)) throw error;
          if (attempt >= attempts || call.signal?.aborted === true) throw error;
          const asked = error.details["wait_ms"] ?? 0;
          await sleep(Math.max(asked, delayBefore(attempt, backoff, random)), call.signal);
        }
      }
    },
  };
}
