import { describe, expect, test } from "vitest";
import { failure } from "../support/fakeStore";
import { id, member, message, NOON, openRoom, room } from "../support/people";
import { settle, visitOpen, visitRoom } from "../support/page";

describe("what was said", () => {
  test("text with markup shows as text", async () => {
    const text = '<img src=x onerror="alert(1)"><b>bold</b>';
    const person = await visitRoom({ timeline: [message(1, { text })] });
    expect(document.querySelector(".text")?.textContent).toBe(text);
    expect(document.querySelector("main img, main b")).toBeNull();
    expect(person.sees("bold")).toBe(true);
  });

  test("so do a name and a room's name, each in a direction of its own", async () => {
    await visitRoom({ name: "<i>Room</i>", timeline: [message(1, { handle: "<u>نور</u>" })] });
    expect(document.querySelector("main i, main u")).toBeNull();
    expect([...document.querySelectorAll("bdi")].map((each) => each.textContent)).toContain("<u>نور</u>");
    expect(document.querySelector(".text")?.getAttribute("dir")).toBe("auto");
  });

  test("a hidden message says so and shows nothing of itself", async () => {
    const person = await visitRoom({
      timeline: [message(1, { text: "gone", note: "sad", hidden: { reason: null } })],
    });
    expect(person.sees("A leader hid this message.")).toBe(true);
    expect(person.sees("gone")).toBe(false);
    expect(person.sees("sad")).toBe(false);
  });

  test("why it was hidden is said to its author alone", async () => {
    const own = await visitRoom({
      timeline: [message(1, { own: true, text: "", hidden: { reason: "safety" } })],
    });
    expect(own.sees("To keep someone safe")).toBe(true);
    const other = await visitRoom({ timeline: [message(1, { text: "", hidden: { reason: "safety" } })] });
    expect(other.sees("To keep someone safe")).toBe(false);
  });

  test("a content note folds the message until its reader opens it", async () => {
    const person = await visitRoom({
      timeline: [message(1, { note: "a hard memory", text: "folded words" })],
    });
    expect(person.sees("a hard memory")).toBe(true);
    expect(person.sees("folded words")).toBe(false);
    await person.press("Show the message");
    expect(person.sees("folded words")).toBe(true);
    await person.press("Fold it again");
    expect(person.sees("folded words")).toBe(false);
  });

  test("how far one's own message got is said in words", async () => {
    const person = await visitRoom({
      timeline: [
        message(1, { own: true, state: "sent" }),
        message(2, { own: true, state: "pending", expiresAt: null }),
        message(3, { own: true, state: "failed", failure: "device.offline", expiresAt: null }),
      ],
    });
    for (const words of ["Sent", "Sending…", "Not sent. You are offline."])
      expect(person.sees(words)).toBe(true);
  });

  test("a failed message offers to try again and to delete it", async () => {
    const person = await visitRoom({
      timeline: [message(3, { own: true, state: "failed", failure: "server.busy" })],
    });
    await person.press("Try again");
    expect(person.store.callsOf("retry")).toEqual([[id(1003)]]);
    await person.press("Delete");
    expect(person.store.callsOf("discard")).toEqual([[id(1003)]]);
  });

  test("only additions are announced, and nothing while the history is put in", async () => {
    await visitRoom({ timeline: [message(1)], loaded: false });
    const log = document.querySelector('section[role="log"]');
    expect(log?.getAttribute("aria-relevant")).toBe("additions");
    expect(log?.getAttribute("aria-busy")).toBe("true");
    expect(log?.querySelector("ol > li")).not.toBeNull();
    await visitRoom({ timeline: [message(1)] });
    expect(document.querySelector('section[role="log"]')?.getAttribute("aria-busy")).toBe("false");
  });

  test("a line that changes its state stays the same element, so that it is not read twice", async () => {
    const person = await visitRoom({
      timeline: [message(1, { own: true, state: "pending", expiresAt: null })],
    });
    const before = document.querySelector("li.message");
    person.store.set.currentRoom.value = openRoom({ timeline: [message(1, { own: true, state: "sent" })] });
    await settle();
    expect(document.querySelector("li.message")).toBe(before);
    expect(person.sees("Sent")).toBe(true);
  });

  test("a long evening is not drawn at once, and earlier messages come when asked for", async () => {
    const person = await visitRoom({ timeline: Array.from({ length: 300 }, (_, n) => message(n)) });
    expect(document.querySelectorAll("li.message")).toHaveLength(120);
    await person.press("Show earlier messages");
    expect(document.querySelectorAll("li.message")).toHaveLength(240);
  });

  test("who came, went and was removed is told without a name on a wall", async () => {
    const person = await visitRoom({
      timeline: [
        { kind: "start", key: "s", at: NOON },
        { kind: "event", key: "a", at: NOON, what: "admitted", handle: "Heron", own: false },
        { kind: "event", key: "b", at: NOON, what: "left", handle: "Moth", own: false },
        {
          kind: "event",
          key: "c",
          at: NOON,
          what: "removed",
          handle: "Rook",
          from: NOON - 3_600_000,
          until: NOON,
        },
        { kind: "gap", key: "g", at: NOON },
      ],
    });
    expect(person.sees("You’ll see messages from now on.")).toBe(true);
    expect(person.sees("Heron came in.")).toBe(true);
    expect(person.sees("Moth left.")).toBe(true);
    expect(person.sees("Someone was removed; they may have read messages from")).toBe(true);
    expect(person.sees("Rook")).toBe(false);
    expect(person.sees("can’t be shown")).toBe(true);
  });

  test("a leader is named as one in words", async () => {
    const person = await visitRoom({ timeline: [message(1, { role: "leader" })] });
    expect(person.sees("Juniper leader".replace(" ", ""))).toBe(true);
  });
});

describe("writing", () => {
  test("a message goes to the store as it was typed, and the field is empty after", async () => {
    const person = await visitRoom({});
    await person.type("Write a message", "  two\nlines ");
    await person.press("Send");
    expect(person.store.callsOf("send")).toEqual([[{ text: "  two\nlines ", note: null }]]);
    expect(person.field("Write a message").value).toBe("");
  });

  test("the words stay when sending fails, and that is said", async () => {
    const person = await visitRoom({}, "talk", (store) => {
      store.answer("send", failure("device.no_storage"));
    });
    await person.type("Write a message", "do not lose me");
    await person.press("Send");
    expect(person.field("Write a message").value).toBe("do not lose me");
    expect(person.sees("Your words are still here.")).toBe(true);
  });

  test("the words stay even when the store breaks", async () => {
    const person = await visitRoom({}, "talk", (store) => {
      store.answer("send", () => Promise.reject(new Error("a stack trace")));
    });
    await person.type("Write a message", "do not lose me");
    await person.press("Send");
    expect(person.field("Write a message").value).toBe("do not lose me");
    expect(person.sees("Something broke on our side")).toBe(true);
    expect(person.sees("stack trace")).toBe(false);
  });

  test("the words stay while the writer listens, looks at the people, or the room is paused", async () => {
    const person = await visitRoom({});
    const show = async (more: Parameters<typeof openRoom>[0]) => {
      person.store.set.currentRoom.value = openRoom(more);
      await settle();
    };
    await person.type("Write a message", "do not lose me");
    await show({ myPresence: "listening" });
    await show({ cannotSend: "locked" });
    await person.press("People");
    await person.press("Back");
    await show({});
    expect(person.field("Write a message").value).toBe("do not lose me");
  });

  test("the words are gone once the room is left", async () => {
    const person = await visitRoom({});
    await person.type("Write a message", "not to be found");
    await person.press("Back");
    await person.press("Evening room");
    expect(person.field("Write a message").value).toBe("");
  });

  test("two presses send once", async () => {
    const person = await visitRoom({}, "talk", (store) => {
      store.answer("send", () => new Promise(() => undefined));
    });
    await person.type("Write a message", "once");
    await person.press("Send");
    await person.press("Send");
    expect(person.store.callsOf("send")).toHaveLength(1);
  });

  test("nothing but space is not sent, nor what is too long", async () => {
    const person = await visitRoom({});
    await person.type("Write a message", "  \n ");
    await person.press("Send");
    await person.type("Write a message", "x".repeat(4_001));
    await person.press("Send");
    expect(person.store.callsOf("send")).toHaveLength(0);
    expect(person.field("Write a message").value).toHaveLength(4_001);
  });

  test("how much room is left is said only near the end, and counts as the server does", async () => {
    const person = await visitRoom({});
    await person.type("Write a message", "x".repeat(3_000));
    expect(person.sees("left")).toBe(false);
    await person.type("Write a message", "🌿".repeat(3_999));
    expect(person.sees("1 letter left")).toBe(true);
  });

  test("a content note goes along, and an empty one does not", async () => {
    const person = await visitRoom({});
    await person.press("Add a note");
    await person.type("What is it about?", " a hard memory ");
    await person.type("Write a message", "words");
    await person.press("Send");
    await person.press("Add a note");
    await person.type("Write a message", "more");
    await person.press("Send");
    expect(person.store.callsOf("send")).toEqual([
      [{ text: "words", note: "a hard memory" }],
      [{ text: "more", note: null }],
    ]);
  });

  test("the browser is not asked to complete or keep what is typed", async () => {
    const person = await visitRoom({});
    const box = person.field("Write a message");
    expect(box.getAttribute("autocomplete")).toBe("off");
  });

  test.each([
    ["muted", "only read for now"],
    ["locked", "paused the room"],
    ["arriving", "in a moment"],
    ["problem", "Nothing is sent"],
  ] as const)("who can't write (%s) is told why, and has no field", async (cannotSend, words) => {
    const person = await visitRoom({ cannotSend });
    expect(person.sees(words)).toBe(true);
    expect(document.querySelector("textarea")).toBeNull();
  });

  test("who listens is not asked to write, and can speak with one press", async () => {
    const person = await visitRoom({ myPresence: "listening" });
    expect(document.querySelector("textarea")).toBeNull();
    await person.press("I want to write");
    expect(person.store.callsOf("setPresence")).toEqual([["speaking"]]);
  });
});

describe("the way in", () => {
  const door = (more: Parameters<typeof room>[0]) =>
    visitOpen(
      (store) => {
        store.set.rooms.value = [room(more)];
      },
      { at: "room", id: id(100), view: "talk" },
    );

  test("an invited person asks, and may take it back while waiting", async () => {
    const person = await door({ state: "invited", agreedVersion: null });
    await person.press("Ask to come in");
    expect(person.store.callsOf("askToJoin")).toEqual([[id(100)]]);
    person.store.set.rooms.value = [room({ state: "waiting" })];
    await settle();
    expect(person.sees("A leader will answer")).toBe(true);
    await person.press("Stop asking");
    expect(person.store.callsOf("cancelAsk")).toEqual([[id(100)]]);
  });

  test("who waits on a shared device is told to keep the page open", async () => {
    const person = await door({ state: "waiting" });
    expect(person.sees("You can close this page")).toBe(true);
    person.store.set.me.value = { ...person.store.me.value!, deviceKind: "shared" };
    await settle();
    expect(person.sees("Please keep this page open")).toBe(true);
  });

  test("an admitted person is told what they wait for, and the room opens by itself", async () => {
    const person = await door({ state: "admitted" });
    expect(person.sees("You’re admitted. The room opens when someone is there.")).toBe(true);
    person.store.set.rooms.value = [room({ state: "ready" })];
    await settle();
    expect(person.store.callsOf("openRoom")).toEqual([[id(100)]]);
  });

  test("nobody enters before the agreement, and it is asked once", async () => {
    const person = await door({ state: "ready", agreedVersion: null });
    expect(person.sees("A leader will never ask for your name, address, papers, money or photos")).toBe(true);
    expect(person.store.callsOf("openRoom")).toHaveLength(0);
    await person.press("Speaking");
    await person.press("I agree. Enter");
    expect(person.store.callsOf("setPresence")).toEqual([["speaking"]]);
    expect(person.store.callsOf("agree")).toEqual([[id(100), 1]]);
    person.store.set.rooms.value = [room({ state: "ready", agreedVersion: 1 })];
    await settle();
    expect(person.store.callsOf("openRoom")).toHaveLength(1);
  });

  test("an agreement whose words changed is asked again", async () => {
    const person = await door({ state: "ready", agreedVersion: 0 });
    expect(person.sees("Before you enter")).toBe(true);
  });

  test("who was removed is told so, and that help stays", async () => {
    const person = await door({ state: "closed" });
    expect(person.sees("Leaders closed this room to you. You can still get help.")).toBe(true);
    expect(document.querySelector('main a[href="/help"]')).not.toBeNull();
    expect(document.body.textContent).not.toContain("Ask again");
  });

  test("a room that fails to open says why and offers to try again", async () => {
    const person = await visitOpen(
      (store) => {
        store.set.rooms.value = [room()];
        store.answer("openRoom", failure("device.offline"));
      },
      { at: "room", id: id(100), view: "talk" },
    );
    expect(person.sees("You are offline.")).toBe(true);
    await person.press("Try again");
    expect(person.store.callsOf("openRoom")).toHaveLength(2);
  });

  test("going back closes the room", async () => {
    const person = await visitRoom({});
    await person.press("Back");
    expect(person.store.callsOf("closeRoom")).toHaveLength(1);
    expect(person.sees("Rooms")).toBe(true);
  });

  test("going to the people and back keeps the room open", async () => {
    const person = await visitRoom({});
    await person.press("People");
    await person.press("Back");
    expect(person.store.callsOf("closeRoom")).toHaveLength(0);
    expect(person.store.callsOf("openRoom")).toHaveLength(1);
  });
});

describe("leading", () => {
  const leading = openRoom({
    role: "leader",
    timeline: [message(1, { canHide: true })],
    people: [
      member(1, { handle: "Wren", you: true, role: "leader" }),
      member(2, { can: { mute: true, remove: true, makeLeader: true, makeMember: false } }),
    ],
    waiting: [
      { accountId: id(7), handle: "Heron", askedAt: NOON, check: "verified" },
      { accountId: id(8), handle: "Moth", askedAt: NOON, check: "problem" },
      { accountId: id(9), handle: "Finch", askedAt: NOON, check: "checking" },
    ],
    can: { admit: true, lock: true, settings: true, invite: true, leave: false },
  });

  test("only who was checked can be let in; anyone can be declined", async () => {
    const person = await visitRoom(leading, "people");
    const buttons = [...document.querySelectorAll("button")].map((button) => button.textContent.trim());
    expect(buttons.filter((text) => text === "Let in")).toHaveLength(1);
    expect(buttons.filter((text) => text === "Say no")).toHaveLength(3);
    expect(person.sees("Do not let them in")).toBe(true);
    await person.press("Let in");
    expect(person.store.callsOf("admit")).toEqual([[id(7)]]);
  });

  test("removing asks first, says what it can't undo, and takes a reason", async () => {
    const person = await visitRoom(leading, "people");
    await person.press("Close the room to them");
    expect(person.store.callsOf("removeMember")).toHaveLength(0);
    expect(person.sees("What they read or copied before stays with them")).toBe(true);
    await person.press("It is against what we agreed on");
    await person.press("Close the room to them");
    expect(person.store.callsOf("removeMember")).toEqual([[id(2), "agreement"]]);
    expect(document.querySelector("dialog")).toBeNull();
  });

  test("a refused removal keeps the dialog and says why", async () => {
    const person = await visitRoom(leading, "people", (store) => {
      store.answer("removeMember", failure("log.stale_head"));
    });
    await person.press("Close the room to them");
    await person.press("Close the room to them");
    expect(document.querySelector("dialog")).not.toBeNull();
    expect(person.sees("Something changed at the same moment")).toBe(true);
  });

  test("hiding a message takes a reason", async () => {
    const person = await visitRoom(leading);
    await person.press("Hide this message");
    await person.press("Hide this message");
    expect(person.store.callsOf("hide")).toEqual([[id(1001), "safety"]]);
  });

  test("mute, co-leading and the pause are there for leaders", async () => {
    const person = await visitRoom(leading, "people");
    await person.press("Only read");
    await person.press("Only read");
    expect(person.store.callsOf("mute")).toEqual([[id(2), "safety"]]);
    await person.press("Make co-leader");
    await person.press("Make co-leader");
    expect(person.store.callsOf("grant")).toEqual([[id(2), "leader"]]);
    await person.press("Pause the room");
    expect(person.store.callsOf("lockRoom")).toHaveLength(1);
  });

  test("members see no powers and nobody who waits", async () => {
    const person = await visitRoom({ people: [member(1, { you: true }), member(2)] }, "people");
    for (const words of ["What you can do", "Waiting to come in", "Pause the room", "Let in"]) {
      expect(person.sees(words), words).toBe(false);
    }
    expect(person.sees("Leave this room")).toBe(true);
  });

  test("the only leader is told why they can't leave", async () => {
    const person = await visitRoom(leading, "people");
    expect(person.sees("You are the only leader")).toBe(true);
    expect(person.sees("Leave this room")).toBe(false);
  });

  test("those who wait show in the room itself", async () => {
    const person = await visitRoom(leading);
    expect(person.sees("3 people wait to come in")).toBe(true);
  });
});
