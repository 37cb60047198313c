/**
 * A headless client: the app's own store, transport and cryptography in Node, against a real server. Only the browser is
 * missing: cookies are kept here, sockets are those of `ws`, and what a phone would store is in memory.
 */
import { WebSocket } from "ws";
import { createAppStore, type TestableStore } from "../../src/store/appStore";
import type { Outcome, SignUpForm } from "../../src/store/model";
import { createMemoryStore, type RawStore } from "../../src/store/rawStore";
import { createApi } from "../../src/transport/http";
import { createLink, type SocketLike } from "../../src/transport/socket";

export type Traffic = { calls: number; sent: number; received: number; frames: number };

export type HeadlessClient = {
  readonly name: string;
  readonly store: TestableStore;
  readonly raw: RawStore;
  readonly traffic: Traffic;
  /** Cut the network, or bring it back. */
  readonly setOnline: (isOnline: boolean) => void;
  readonly close: () => void;
};

export class ScenarioFailed extends Error {}

function cookieJar() {
  const cookies = new Map<string, string>();
  return {
    header: () => [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
    take: (response: Response) => {
      for (const line of response.headers.getSetCookie()) {
        const [pair = ""] = line.split(";");
        const at = pair.indexOf("=");
        const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
        if (value === "" || /max-age=0/i.test(line)) cookies.delete(name);
        else cookies.set(name, value);
      }
    },
  };
}

/** Return a client that has started and holds nothing. `raw` is what an earlier one left on the device. */
export async function createHeadlessClient(make: {
  name: string;
  url: string;
  random?: () => number;
  raw?: RawStore;
}): Promise<HeadlessClient> {
  const { url } = make;
  const jar = cookieJar();
  const raw = make.raw ?? createMemoryStore();
  const traffic: Traffic = { calls: 0, sent: 0, received: 0, frames: 0 };
  const network = new EventTarget();
  let isOnline = true;
  const sockets = new Set<WebSocket>();

  const fetchHere: typeof fetch = async (input, init) => {
    if (!isOnline) throw new TypeError("offline");
    traffic.calls += 1;
    if (typeof init?.body === "string") traffic.sent += init.body.length;
    const headers = {
      ...(init?.headers as Record<string, string> | undefined),
      Origin: url,
      Cookie: jar.header(),
    };
    // Undici refuses a few options that browsers need.
    const response = await fetch(input, {
      method: init?.method ?? "GET",
      headers,
      ...(init?.body === undefined ? {} : { body: init.body }),
      ...(init?.signal === undefined ? {} : { signal: init.signal }),
    });
    jar.take(response);
    const text = await response.text();
    traffic.received += text.length;
    return new Response(text, { status: response.status, headers: { "Content-Type": "application/json" } });
  };

  const connect = (subprotocol: string): SocketLike => {
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/ws`, subprotocol, {
      headers: { Cookie: jar.header() },
      origin: url,
      perMessageDeflate: false,
    });
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("message", (data: ArrayBuffer) => {
      traffic.frames += 1;
      traffic.received += data.byteLength;
    });
    if (!isOnline) socket.terminate();
    return socket as unknown as SocketLike;
  };

  const store = createAppStore({
    api: createApi({ fetch: fetchHere, origin: url }),
    link: createLink({
      connect,
      events: [network],
      ...(make.random === undefined ? {} : { random: make.random }),
    }),
    openStore: async () => raw,
    claimTab: async () => ({ kind: "held", release: () => undefined }),
    now: Date.now,
    origin: url,
    beacon: () => undefined,
    random: make.random ?? Math.random,
    setTimer: (run, ms) => {
      const timer = setTimeout(run, ms);
      return () => {
        clearTimeout(timer);
      };
    },
  });
  await store.start();
  return {
    name: make.name,
    store,
    raw,
    traffic,
    setOnline: (online) => {
      isOnline = online;
      if (!online) for (const socket of sockets) socket.terminate();
      network.dispatchEvent(new Event(online ? "online" : "offline"));
    },
    close: () => {
      store.lock();
    },
  };
}

/** Raise unless the outcome is good. */
export function must<T>(outcome: Outcome<T>, what: string): T {
  if (!outcome.ok) throw new ScenarioFailed(`${what}: ${outcome.code}`);
  return outcome;
}

/** Wait until `isTrue`; raise after `ms`. */
export async function until(what: string, isTrue: () => boolean, ms = 20_000): Promise<void> {
  const end = Date.now() + ms;
  while (!isTrue()) {
    if (Date.now() > end) throw new ScenarioFailed(`${what}: not within ${String(ms)} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** From a link to an open store. Returns the phrase. */
export async function signUp(
  client: HeadlessClient,
  link: string,
  form: Partial<SignUpForm> = {},
): Promise<readonly string[]> {
  const { store } = client;
  must(await store.beginInvite(link.slice(link.indexOf("#") + 1)), `${client.name} opens the link`);
  store.startSignUp();
  const { words } = must(await store.newPhrase(), "phrase");
  must(
    await store.signUp({
      handle: client.name,
      language: "en",
      deviceKind: "own",
      pin: null,
      phraseConfirmed: true,
      ...form,
    }),
    `${client.name} signs up`,
  );
  return words;
}
