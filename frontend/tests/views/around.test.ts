import { describe, expect, test } from "vitest";
import english from "../../src/words/en.json";
import { failure, LINK } from "../support/fakeStore";
import { COMMUNITY, id, me, message, NOON, room } from "../support/people";
import { settle, visit, visitOpen, visitRoom } from "../support/page";

describe("the locked screen", () => {
  const locked = (answer: ReturnType<typeof failure> | null = null) =>
    visit((store) => {
      store.set.phase.value = "locked";
      store.set.me.value = me({ handle: "Wren" });
      if (answer) store.answer("unlock", answer);
    });

  test("names nobody and no room", async () => {
    const person = locked();
    await settle();
    expect(person.sees("Wren")).toBe(false);
    expect(person.sees("Harbour")).toBe(false);
  });

  test("opens with the PIN", async () => {
    const person = locked();
    await settle();
    await person.type("Your PIN", "493827");
    await person.press("Open");
    expect(person.store.callsOf("unlock")).toEqual([[{ pin: "493827" }]]);
  });

  test("says how many tries are left, and empties the field", async () => {
    const person = locked(failure("pin.wrong", { left: 3 }));
    person.store.set.lockView.value = { pin: true, triesLeft: 3, erased: false };
    await settle();
    await person.type("Your PIN", "493827");
    await person.press("Open");
    expect(person.sees("You can try 3 more times.")).toBe(true);
    expect(person.field("Your PIN").value).toBe("");
  });

  test("opens with the six words in whatever shape they are typed", async () => {
    const person = locked();
    await settle();
    await person.press("Other choices");
    await person.press("I forgot my PIN");
    await person.type("Your six words", "  Maple river \tLANTERN  quiet pebble morning ");
    await person.press("Open");
    expect(person.store.callsOf("unlock")).toEqual([
      [{ phrase: "maple river lantern quiet pebble morning" }],
    ]);
  });

  test("keeps the words when they are wrong, so that one can be corrected", async () => {
    const person = locked(failure("phrase.wrong"));
    person.store.set.lockView.value = { pin: true, triesLeft: 0, erased: true };
    await settle();
    expect(person.sees("Your six words still do.")).toBe(true);
    await person.type("Your six words", "maple river lantern quiet pebble mourning");
    await person.press("Open");
    expect(person.field("Your six words").value).toContain("mourning");
  });

  test("asks before removing everything, and warns", async () => {
    const person = locked();
    await settle();
    await person.press("Remove everything from this device");
    expect(person.store.callsOf("eraseDevice")).toHaveLength(0);
    expect(person.sees("a sudden change can raise danger")).toBe(true);
    await person.press("Remove everything");
    expect(person.store.callsOf("eraseDevice")).toHaveLength(1);
  });

  test("takes the place of an open dialog and of the room at once", async () => {
    const person = await visitRoom({ timeline: [message(1, { text: "a secret" })] });
    await person.press("I need help now");
    person.store.lock();
    await settle();
    expect(person.sees("a secret")).toBe(false);
    expect(document.querySelector("dialog")).toBeNull();
    person.store.set.phase.value = "open";
    await settle();
    expect(person.ui.place.value).toEqual({ at: "rooms" });
  });
});

describe("a link that was opened", () => {
  test("is used at once by someone new, and the start page does not flash", async () => {
    const person = visit((store) => {
      store.set.phase.value = "loading";
    });
    person.ui.heldLink.value = "abc";
    person.store.set.phase.value = "signed-out";
    await settle();
    expect(person.store.callsOf("beginInvite")).toEqual([["abc"]]);
  });

  test("waits while an account is locked here, which a new one would replace", async () => {
    const person = visit((store) => {
      store.set.phase.value = "locked";
    });
    person.ui.heldLink.value = "abc";
    await settle();
    expect(person.store.callsOf("beginInvite")).toEqual([]);
    expect(person.sees("Open the app first")).toBe(true);
    person.store.set.phase.value = "open";
    await settle();
    expect(person.store.callsOf("beginInvite")).toEqual([["abc"]]);
    expect(person.ui.heldLink.value).toBeNull();
  });

  test("that can't be used says so among the rooms, and goes away when told", async () => {
    const person = await visitOpen((store) => {
      store.set.invite.value = { state: "problem", code: "invite.unusable" };
    });
    expect(person.sees("This link can’t be used. This link was used, taken back, or is too old.")).toBe(true);
    await person.press("Close");
    expect(person.store.callsOf("dropInvite")).toHaveLength(1);
  });
});

describe("help", () => {
  test("promises nothing that is not there", async () => {
    const person = await visitOpen(() => undefined);
    await person.press("I need help now");
    expect(document.querySelector('dialog a[href="/help"]')).not.toBeNull();
    expect(person.sees("This button does not call anyone")).toBe(true);
    expect(document.querySelector("dialog")?.textContent).not.toMatch(/counsel|soon|later/i);
  });

  test("works without a network", async () => {
    const person = await visitOpen((store) => {
      store.set.connection.value = { state: "offline", since: NOON };
    });
    await person.press("I need help now");
    expect(person.sees("call your emergency number")).toBe(true);
  });
});

describe("the rooms", () => {
  test("say what a person can do in words, and count nothing unread", async () => {
    const person = await visitOpen((store) => {
      store.set.rooms.value = [
        room({ name: "One", state: "waiting" }),
        room({ id: id(5), name: "Two", role: "leader", waitingCount: 1 }),
      ];
    });
    expect(person.sees("You asked to come in.")).toBe(true);
    expect(person.sees("1 person waits to come in")).toBe(true);
    expect(document.title).not.toMatch(/\d/);
  });

  test("the connection is said in words", async () => {
    const person = await visitOpen(() => undefined);
    for (const [state, words] of [
      ["connecting", "Connecting…"],
      ["offline", "You are offline."],
      ["online", "Connected"],
    ] as const) {
      person.store.set.connection.value = { state, since: NOON };
      await settle();
      expect(person.sees(words)).toBe(true);
      expect(document.querySelector("[role=status].connection")).not.toBeNull();
    }
  });

  test("someone who shall lead sees the number that a steward asks for", async () => {
    const person = await visitOpen((store) => {
      store.set.me.value = me({ invitedAs: "leader" });
    });
    expect(person.sees("48213 90577 11604 38822")).toBe(true);
    expect(person.sees("Open a room")).toBe(false);
  });

  test("a leader of a demo is offered a first room, ready to open", async () => {
    const person = await visitOpen((store) => {
      store.set.community.value = { ...COMMUNITY, demo: true };
      store.set.me.value = me({ roles: ["leader"], invitedAs: "leader" });
    });
    await person.press("Open a room");
    expect(person.field("Name of the room").value).toBe("Evening room");
    await person.press("Open the room");
    expect(person.store.callsOf("createRoom")).toEqual([[{ name: "Evening room", expirySeconds: 86_400 }]]);
    expect(person.ui.place.value).toEqual({ at: "room", id: "11".repeat(16), view: "talk" });
  });
});

describe("inviting", () => {
  const leader = (prepare: Parameters<typeof visitOpen>[0] = () => undefined) =>
    visitOpen(
      (store) => {
        store.set.me.value = me({ roles: ["leader"], invitedAs: "leader" });
        store.set.rooms.value = [room({ role: "leader" })];
        prepare(store);
      },
      { at: "invites", roomId: id(100) },
    );

  test("a leader makes links for members of a room they lead, and no others", async () => {
    const person = await leader();
    expect(document.querySelectorAll("input[type=radio]")).toHaveLength(0);
    await person.press("Make a link");
    expect(person.store.callsOf("makeInvite")).toEqual([["member", id(100)]]);
  });

  test("a link is shown once", async () => {
    const person = await leader();
    await person.press("Make a link");
    expect(person.field("Link").value).toBe(LINK);
    expect(person.field("Link").readOnly).toBe(true);
    await person.press("Close");
    expect(document.body.textContent).not.toContain(LINK);
    expect(document.querySelectorAll("input[readonly]")).toHaveLength(0);
  });

  test("a link that was not used can be taken back, a used one can't", async () => {
    const person = await leader((store) => {
      store.set.invites.value = [
        { id: "a", role: "member", roomName: null, expiresAt: NOON, used: true },
        { id: "b", role: "member", roomName: null, expiresAt: NOON, used: false },
      ];
    });
    const buttons = [...document.querySelectorAll("button")].filter((one) =>
      one.textContent.includes("Take back"),
    );
    expect(buttons).toHaveLength(1);
    await person.press("Take back");
    expect(person.store.callsOf("revokeInvite")).toEqual([["b"]]);
  });

  test("a steward confirms by comparing the number, and is asked whether they heard it", async () => {
    const person = await visitOpen(
      (store) => {
        store.set.me.value = me({ roles: ["steward"], invitedAs: "steward" });
        store.set.candidates.value = [
          {
            accountId: id(3),
            handle: "Juniper",
            invitedAs: "leader",
            safetyCode: "12345 67890",
            role: null,
            standing: "none",
            effectiveAt: null,
          },
        ];
      },
      { at: "invites", roomId: null },
    );
    expect(person.sees("12345 67890")).toBe(true);
    await person.press("The number is the same");
    expect(person.store.callsOf("certify")).toHaveLength(0);
    expect(person.sees("Did you hear the number from this person")).toBe(true);
    await person.press("The number is the same");
    expect(person.store.callsOf("certify")).toEqual([[id(3), "leader"]]);
  });
});

describe("the words", () => {
  const all = Object.entries(english);

  test("never speak of cryptography", () => {
    const said = all.filter(([, words]) =>
      /encrypt|decrypt|cipher|\bkeys?\b|crypto|hash|signature|certificate|epoch|token/i.test(words),
    );
    expect(said).toEqual([]);
  });

  test("never shout", () => {
    expect(all.filter(([, words]) => /!|[A-Z]{4,}/.test(words))).toEqual([]);
  });

  test("are short sentences", () => {
    const long = all.flatMap(([key, words]) =>
      words
        .split(/[.:;?]\s/)
        .filter((sentence) => sentence.split(/\s+/).length > 24)
        .map(() => key),
    );
    expect(long).toEqual([]);
  });
});
