/** After an attack: nothing that was there is lost, and once the server behaves the client goes on. */
import { describe, expect, it } from "vitest";
import {
  append,
  commitHonestly,
  deliver,
  gapsOf,
  join,
  newRoom,
  post,
  pull,
  say,
  seal,
  textsOf,
  tick,
} from "./world";
import { admissionOf, epochIn, groupOf, welcomeEvent } from "./world";

describe("after an attack", () => {
  it("a message that does not check leaves a gap, and the next one is read", async () => {
    const { world, mallory, mo } = await newRoom();
    await say(world, mallory, "before");
    const said = await seal(world, mallory, "garbled on the way");
    deliver(world, {
      ...said,
      ciphertext: said.ciphertext.map((byte, at) => (at === 200 ? byte ^ 1 : byte)),
    });
    await say(world, mallory, "after");
    const room = await pull(world, mo);
    expect(textsOf(room)).toEqual(["before", "after"]);
    expect(gapsOf(room)).toBe(1);
    expect(room.record.problem).toBeNull();
  });

  it("a community log that was rolled back once is believed again when it is whole, and was never forgotten", async () => {
    const { world, mo } = await newRoom();
    const known = mo.core.logs.community().head;
    world.lies.set("communityLog", () => ({ entries: [], accounts: [] }));
    await expect(mo.core.logs.syncCommunity()).rejects.toMatchObject({ code: "log.stale_head" });
    expect(mo.core.logs.community().head).toEqual(known);
    world.lies.clear();
    await mo.core.logs.syncCommunity();
    expect(mo.core.logs.community().head).toEqual(known);
  });

  it("a Welcome that is not to be believed does not stand in the way of the true one", async () => {
    const { world, lee, ghost } = await newRoom();
    append(world, lee.person, "admit", admissionOf(ghost.person));
    await pull(world, lee);
    const [event] = await commitHonestly(world, lee, { adds: [ghost] });
    if (event === undefined) throw new Error("no Welcome");
    const { welcome } = event;
    const spoilt = welcome.map((byte, at) => (at === welcome.length - 1 ? byte ^ 1 : byte));
    const false_ = welcomeEvent(world, spoilt, event.room_seq, event.seq);
    await expect(join(ghost, false_)).rejects.toMatchObject({ code: "invalid-welcome" });
    await join(ghost, event);
    expect(epochIn(world, ghost)).toBe(epochIn(world, lee));
  });

  it("a commit that does not check stops the room in plain sight, and what was read stays", async () => {
    const { world, mallory, mo } = await newRoom();
    await say(world, mallory, "read before");
    await pull(world, mo);
    const before = groupOf(world, mo).marks;
    post(world, {
      kind: "commit",
      epoch: before.epoch,
      at: tick(world),
      commit: new Uint8Array(300).fill(7),
    });
    const room = await pull(world, mo);
    expect(room.record.problem).toBe("room.unconfirmed");
    expect(textsOf(room)).toEqual(["read before"]);
    expect(room.group?.marks).toEqual(before);
  });
});
