/**
 * The device's one WebSocket: it connects, tells when it is ready, and comes back by itself with growing, jittered waits.
 *
 * A phone's network dies without a word, so silence is treated as death: whoever owes an answer for too long is hung up
 * on. Deliberately absent: which frames to send, and what a frame means; a lost frame is noticed by those who wait for it.
 */
import { decodeServerFrame, encodeFrame } from "../protocol/codec";
import {
  CLOSE_CODES,
  LIMITS,
  SUBPROTOCOL,
  type ClientFrame,
  type RoomPresence,
  type ServerFrame,
} from "../protocol/generated";
import type { Link, LinkHandlers, LinkState } from "../protocol/link";
import { delayBefore } from "./backoff";

/** What is used of a WebSocket; `ws` for Node fits too. */
export interface SocketLike {
  binaryType: string;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  onerror: ((event: unknown) => void) | null;
  send: (data: Uint8Array) => void;
  close: (code?: number) => void;
}

export type SocketOptions = {
  readonly connect: (subprotocol: string) => SocketLike;
  /** `online`, `offline` and `visibilitychange` are listened to here; absent outside a browser. */
  readonly events?: readonly EventTarget[];
  readonly random?: () => number;
};

const BACKOFF = { firstMs: 1_000, mostMs: 30_000 };
const TICK_MS = 2_500;
/** From the first byte to `ready`: three round trips of 2 s, twice over. */
const READY_MS = 15_000;
const ANSWER_MS = 15_000;
const SILENCE_MS = 40_000;
/** A quarter of the window: credit reaches the server before it has to hold anything back. */
const CREDIT_FRAMES = LIMITS.CREDIT_WINDOW_FRAMES / 4;
const CREDIT_BYTES = LIMITS.CREDIT_WINDOW_BYTES / 4;
const CREDIT_MS = 1_000;
/** After a planned restart all come back within these, not in the same instant. */
const DRAIN_SPREAD_MS = 3_000;

/** No repetition helps: the session, a newer connection of this device, or another app is needed. */
const ENDING: ReadonlySet<number> = new Set([
  CLOSE_CODES.SIGNED_OUT,
  CLOSE_CODES.WRONG_ORIGIN,
  CLOSE_CODES.REPLACED,
]);

const isAsking = (frame: ClientFrame): boolean =>
  frame.type === "send" || frame.type === "pull" || frame.type === "pull_device";

const isPush = (frame: ServerFrame): boolean =>
  (frame.type === "items" || frame.type === "device_items") && frame.pushed;

/** One connection, from connecting until it is hung up. Never used again after. */
function openConnection(
  options: SocketOptions,
  handlers: LinkHandlers,
  on: {
    ready: () => void;
    draining: (until: number | null, now: number) => void;
    over: (code: number) => void;
  },
) {
  const socket = options.connect(SUBPROTOCOL);
  socket.binaryType = "arraybuffer";
  const openedAt = Date.now();
  let isReady = false;
  let isOver = false;
  let heardAt = openedAt;
  let askedAt: number | null = null;
  let serverAhead = 0;
  let taken = 0;
  let credited = 0;
  let bytesTaken = 0;
  let creditTimer: ReturnType<typeof setTimeout> | null = null;
  const ticker = setInterval(tick, TICK_MS);
  let renewedAt = 0;
  let rooms: readonly RoomPresence[] = [];

  function hangUp(code: number): void {
    if (isOver) return;
    isOver = true;
    clearInterval(ticker);
    if (creditTimer !== null) clearTimeout(creditTimer);
    socket.onmessage = null;
    socket.onclose = null;
    // Still listened to: `ws` throws an error that nobody hears.
    socket.onerror = () => undefined;
    try {
      socket.close(1000);
    } catch {
      // It was never open.
    }
    on.over(code);
  }

  function write(frame: ClientFrame): boolean {
    if (isOver || !isReady) return false;
    try {
      socket.send(encodeFrame(frame));
    } catch {
      hangUp(0);
      return false;
    }
    if (isAsking(frame)) askedAt ??= Date.now();
    return true;
  }

  function renewPresence(): void {
    renewedAt = Date.now();
    write({ type: "presence", rooms });
  }

  function sendCredit(): void {
    if (creditTimer !== null) clearTimeout(creditTimer);
    creditTimer = null;
    if (credited === taken) return;
    credited = taken;
    bytesTaken = 0;
    write({ type: "credit", frames: taken });
  }

  function takeIn(bytes: number): void {
    taken += 1;
    bytesTaken += bytes;
    if (taken - credited >= CREDIT_FRAMES || bytesTaken >= CREDIT_BYTES) sendCredit();
    else creditTimer ??= setTimeout(sendCredit, CREDIT_MS);
  }

  function tick(): void {
    const now = Date.now();
    if (!isReady) {
      if (now - openedAt > READY_MS) hangUp(0);
      return;
    }
    if (askedAt !== null && now - Math.max(askedAt, heardAt) > ANSWER_MS) {
      hangUp(0);
      return;
    }
    if (now - heardAt > SILENCE_MS && askedAt === null) write(handlers.ping());
    if (now - renewedAt >= LIMITS.PRESENCE_RENEW_MS - TICK_MS / 2) renewPresence();
  }

  function receive(data: unknown): void {
    const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
    if (!(bytes instanceof Uint8Array)) {
      hangUp(CLOSE_CODES.PROTOCOL_BROKEN);
      return;
    }
    let frame: ServerFrame;
    try {
      frame = decodeServerFrame(bytes);
    } catch {
      // Not our server, or one that is broken: a fresh connection is the only thing left to try.
      hangUp(CLOSE_CODES.PROTOCOL_BROKEN);
      return;
    }
    heardAt = Date.now();
    if (
      frame.type === "ack" ||
      frame.type === "refused" ||
      frame.type === "items" ||
      frame.type === "device_items"
    ) {
      if (!isPush(frame)) askedAt = null;
    }
    if (frame.type === "ready") {
      isReady = true;
      serverAhead = frame.now - Date.now();
      on.ready();
      renewPresence();
    }
    if (frame.type === "notice" && frame.notice === "draining") {
      on.draining(frame.until, Date.now() + serverAhead);
    }
    const settled = (): void => {
      if (isPush(frame)) takeIn(bytes.length);
    };
    handlers.onFrame(frame).then(settled, settled);
  }

  socket.onmessage = (event) => {
    receive(event.data);
  };
  socket.onclose = (event) => {
    hangUp(event.code);
  };
  socket.onerror = () => undefined;

  return {
    write,
    hangUp,
    showRooms: (shown: readonly RoomPresence[]) => {
      rooms = shown;
      renewPresence();
    },
    /** Find out now whether the other end is still there. */
    probe: () => {
      if (isReady && askedAt === null) write(handlers.ping());
    },
  };
}

/** Return the link; nothing happens before `start`. */
export function createLink(options: SocketOptions): Link {
  const random = options.random ?? Math.random;
  let handlers: LinkHandlers | null = null;
  let connection: ReturnType<typeof openConnection> | null = null;
  let rooms: readonly RoomPresence[] = [];
  let failures = 0;
  let notBefore = 0;
  let timer: ReturnType<typeof setTimeout> | null = null;

  function say(state: LinkState): void {
    handlers?.onState(state);
  }

  function connect(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (handlers === null || connection !== null) return;
    say({ kind: "connecting" });
    connection = openConnection(options, handlers, {
      ready: () => {
        failures = 0;
        notBefore = 0;
        say({ kind: "live" });
        connection?.showRooms(rooms);
      },
      draining: (until, now) => {
        const wait = Math.max(0, (until ?? now) - now);
        notBefore = Date.now() + wait + random() * DRAIN_SPREAD_MS;
      },
      over,
    });
  }

  function over(code: number): void {
    connection = null;
    if (handlers === null) return;
    if (ENDING.has(code)) {
      say({ kind: "ended", closeCode: code });
      return;
    }
    failures += 1;
    if (code === CLOSE_CODES.DRAINING && notBefore === 0) notBefore = Date.now() + random() * DRAIN_SPREAD_MS;
    const wait = Math.max(delayBefore(failures, BACKOFF, random), notBefore - Date.now());
    say({ kind: "waiting", failures });
    timer = setTimeout(connect, wait);
  }

  /** The network came back, or the person did: no wait is worth keeping. */
  function wake(): void {
    if (handlers === null) return;
    if (connection !== null) {
      connection.probe();
    } else if (timer !== null) {
      failures = 0;
      connect();
    }
  }

  function onEvent(event: Event): void {
    if (event.type === "offline") connection?.hangUp(0);
    else if (typeof document === "undefined" || document.visibilityState !== "hidden") wake();
  }

  const EVENTS = ["online", "offline", "visibilitychange"] as const;

  return {
    start: (given) => {
      if (handlers !== null) return;
      handlers = given;
      failures = 0;
      for (const target of options.events ?? []) {
        for (const name of EVENTS) target.addEventListener(name, onEvent);
      }
      connect();
    },
    stop: () => {
      for (const target of options.events ?? []) {
        for (const name of EVENTS) target.removeEventListener(name, onEvent);
      }
      handlers = null;
      if (timer !== null) clearTimeout(timer);
      timer = null;
      connection?.hangUp(1000);
      connection = null;
    },
    send: (frame) => connection?.write(frame) ?? false,
    showRooms: (shown) => {
      rooms = shown;
      connection?.showRooms(shown);
    },
  };
}
