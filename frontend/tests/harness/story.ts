import { createHeadlessClient, must, signUp, until, type HeadlessClient } from "./client";

export type Say = (event: string, details?: Record<string, unknown>) => void;

export type Setting = {
  readonly url: string;
  readonly link: string;
  readonly random: () => number;
  readonly fastCurves: boolean;
  readonly crowd: CrowdSize;
};

/** How many come in, within how many milliseconds, while how many talk. */
export type CrowdSize = { readonly newcomers: number; readonly spreadMs: number; readonly talkers: number };

export type Community = { readonly steward: HeadlessClient; readonly leader: HeadlessClient };

/** A steward, and a leader who is certified. */
export async function beginCommunity({ url, link, random }: Setting): Promise<Community> {
  const steward = await createHeadlessClient({ name: "Steward", url, random });
  await signUp(steward, link);
  const invite = must(await steward.store.makeInvite("leader", null), "invite a leader");
  const leader = await createHeadlessClient({ name: "Leader", url, random });
  await signUp(leader, invite.link);
  must(await steward.store.loadCandidates(), "candidates");
  const candidate = steward.store.candidates.value.find((one) => one.handle === "Leader");
  if (candidate === undefined) throw new Error("the leader is no candidate");
  must(await steward.store.certify(candidate.accountId, "leader"), "certify");
  await until("the leader is certified", () => leader.store.me.value?.roles.includes("leader") === true);
  return { steward, leader };
}

export async function openARoom(leader: HeadlessClient, name: string): Promise<string> {
  const { roomId } = must(await leader.store.createRoom({ name, expirySeconds: 24 * 3600 }), "create a room");
  must(await leader.store.openRoom(roomId), "open it");
  return roomId;
}

export async function comeIn(
  setting: Setting,
  leader: HeadlessClient,
  roomId: string,
  name: string,
): Promise<HeadlessClient> {
  const { link } = must(await leader.store.makeInvite("member", roomId), "invite");
  const client = await createHeadlessClient({ name, url: setting.url, random: setting.random });
  await signUp(client, link);
  await until(`${name} sees the room`, () => client.store.rooms.value.some((room) => room.id === roomId));
  return client;
}

export const accountOf = (client: HeadlessClient): string => client.store.me.value?.accountId ?? "";
export const stateIn = (client: HeadlessClient, roomId: string) =>
  client.store.rooms.value.find((room) => room.id === roomId)?.state;

/** Ask to be let in, be let in, and have the room open. */
export async function letIn(leader: HeadlessClient, client: HeadlessClient, roomId: string): Promise<void> {
  must(await client.store.askToJoin(roomId), `${client.name} asks`);
  await admitWhenSeen(leader, client);
  await until(`${client.name} is in`, () => stateIn(client, roomId) === "ready");
  must(await client.store.openRoom(roomId), `${client.name} opens the room`);
}

export async function admitWhenSeen(leader: HeadlessClient, client: HeadlessClient): Promise<void> {
  const id = accountOf(client);
  await until(`the leader sees ${client.name}`, () =>
    (leader.store.currentRoom.value?.waiting ?? []).some(
      (one) => one.accountId === id && one.check === "verified",
    ),
  );
  must(await leader.store.admit(id), `admit ${client.name}`);
}

/** What a person reads, oldest first. */
export const textsOf = (client: HeadlessClient): readonly string[] =>
  (client.store.currentRoom.value?.timeline ?? []).flatMap((line) =>
    line.kind === "message" && line.state === "sent" && line.hidden === null ? [line.text] : [],
  );
export const gapsOf = (client: HeadlessClient): number =>
  (client.store.currentRoom.value?.timeline ?? []).filter((line) => line.kind === "gap").length;

export async function saySomething(client: HeadlessClient, text: string): Promise<void> {
  must(await client.store.send({ text, note: null }), `${client.name} writes`);
}

export async function everyoneReads(
  clients: readonly HeadlessClient[],
  text: string,
  ms?: number,
): Promise<void> {
  await Promise.all(
    clients.map((client) =>
      until(`${client.name} reads "${text}"`, () => textsOf(client).includes(text), ms),
    ),
  );
}
