/** A leader and two survivors: let in, talk both ways, mute, remove, and what the removed one can read after. */
import { must, until } from "./client";
import {
  accountOf,
  beginCommunity,
  comeIn,
  everyoneReads,
  gapsOf,
  letIn,
  openARoom,
  saySomething,
  stateIn,
  textsOf,
  type Say,
  type Setting,
} from "./story";

export async function twoSurvivors(setting: Setting, say: Say): Promise<void> {
  const { steward, leader } = await beginCommunity(setting);
  const roomId = await openARoom(leader, "Evening room");
  say("room-opened");
  const first = await comeIn(setting, leader, roomId, "Maya");
  const second = await comeIn(setting, leader, roomId, "Noor");
  await letIn(leader, first, roomId);
  await letIn(leader, second, roomId);
  say("both-in");
  const all = [leader, first, second];
  await saySomething(leader, "Welcome, both of you.");
  await everyoneReads(all, "Welcome, both of you.");
  await saySomething(first, "Thank you. Glad to be here.");
  await everyoneReads(all, "Thank you. Glad to be here.");
  await saySomething(second, "Hello from me too.");
  await everyoneReads(all, "Hello from me too.");
  say("talked-both-ways");

  must(await leader.store.mute(accountOf(second), "agreement"), "mute");
  await until("the muted one knows", () => second.store.currentRoom.value?.cannotSend === "muted");
  const refused = await second.store.send({ text: "I am muted.", note: null });
  if (refused.ok) throw new Error("a muted person could write");
  await saySomething(first, "A quiet minute.");
  await everyoneReads(all, "A quiet minute.");
  say("muted");

  must(await leader.store.removeMember(accountOf(second), "safety"), "remove");
  await until("the removed one is told", () => stateIn(second, roomId) === "closed");
  await saySomething(first, "Only for those who are here.");
  await everyoneReads([leader, first], "Only for those who are here.");
  await saySomething(leader, "And so is this.");
  await everyoneReads([leader, first], "And so is this.");
  const leaked = textsOf(second).filter((text) => text.includes("Only for") || text.includes("And so"));
  if (leaked.length > 0) throw new Error("the removed one reads on");
  say("removed");

  for (const client of [leader, first]) {
    if (gapsOf(client) > 0) throw new Error(`${client.name} sees a gap`);
  }
  say("done", { messages: textsOf(leader) });
  for (const client of [steward, ...all]) client.close();
}
