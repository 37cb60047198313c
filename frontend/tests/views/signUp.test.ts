import { describe, expect, test } from "vitest";
import { failure, LINK, WORDS } from "../support/fakeStore";
import { COMMUNITY, NOON } from "../support/people";
import { settle, visit, type Person } from "../support/page";
import type { FakeStore } from "../support/fakeStore";

function signingUp(prepare: (store: FakeStore) => void = () => undefined): Person {
  return visit((store) => {
    store.set.phase.value = "sign-up";
    store.set.community.value = COMMUNITY;
    prepare(store);
  });
}

async function answerWords(person: Person): Promise<void> {
  for (const label of [...document.querySelectorAll("label")].map((element) => element.textContent)) {
    await person.type(label, WORDS[Number(label.replace(/\D/g, "")) - 1] ?? "");
  }
}

async function upToThePhrase(person: Person, device: string): Promise<void> {
  await settle();
  await person.press(device);
  await person.press("Go on");
  await person.type("Name", "Wren");
  await person.press("Go on");
  await person.press("I understand");
  await person.press("Skip this");
}

async function upToTheCheck(person: Person, device: string): Promise<void> {
  await upToThePhrase(person, device);
  await person.press("I have them");
}

describe("an invite", () => {
  const invited = (more: object = {}) =>
    visit((store) => {
      store.set.phase.value = "invite";
      store.set.invite.value = {
        state: "ready",
        role: "member",
        roomName: "Evening room",
        community: COMMUNITY,
        expiresAt: NOON + 3_600_000,
        ...more,
      };
    });

  test("shows helplines before anything is asked, and asks for nothing itself", async () => {
    const person = invited();
    await settle();
    expect(document.querySelector('main a[href="/help"]')).not.toBeNull();
    expect(document.querySelector("input")).toBeNull();
    expect(person.sees("Evening room")).toBe(true);
  });

  test("opens helplines in another tab, without telling where from", async () => {
    invited();
    await settle();
    const link = document.querySelector("main a[href='/help']");
    expect(link?.getAttribute("target")).toBe("_blank");
    expect(link?.getAttribute("rel")).toBe("noopener noreferrer");
  });

  test("can be put aside", async () => {
    const person = invited();
    await settle();
    await person.press("Not now");
    expect(person.store.callsOf("dropInvite")).toHaveLength(1);
  });

  test("of a demo says that it is one", async () => {
    const person = invited({ community: { ...COMMUNITY, demo: true } });
    await settle();
    expect(person.sees("This is a demo.")).toBe(true);
  });

  test("that does not check is refused in plain words, with helplines", async () => {
    const person = visit((store) => {
      store.set.phase.value = "invite";
      store.set.invite.value = { state: "problem", code: "invite.unverified" };
    });
    await settle();
    expect(person.sees("Do not use it.")).toBe(true);
    expect(person.sees("Go on")).toBe(false);
    expect(document.querySelector('main a[href="/help"]')).not.toBeNull();
  });

  test("can be pasted on the start page, as a whole link or its end", async () => {
    const person = visit((store) => {
      store.set.phase.value = "signed-out";
      store.answer("beginInvite", failure("invite.unreadable"));
    });
    await settle();
    await person.type("Your link", ` ${LINK} `);
    await person.press("Open");
    await person.type("Your link", "Abc");
    await person.press("Open");
    expect(person.store.callsOf("beginInvite")).toEqual([[LINK.split("#")[1]], ["Abc"]]);
    expect(person.sees("A part of this link is missing.")).toBe(true);
  });
});

describe("signing up", () => {
  test("on a device of one's own makes an account with a PIN", async () => {
    const person = signingUp();
    await upToTheCheck(person, "No, only I use it");
    await answerWords(person);
    await person.press("Go on");
    await person.type("PIN", "493827");
    await person.type("The same PIN again", "493827");
    await person.press("Finish");
    expect(person.store.callsOf("signUp")).toEqual([
      [{ handle: "Wren", language: "en", deviceKind: "own", pin: "493827", phraseConfirmed: true }],
    ]);
  });

  test("on a shared device keeps nothing and asks for no PIN", async () => {
    const person = signingUp();
    await upToTheCheck(person, "Yes, or I am not sure");
    await answerWords(person);
    await person.press("Go on");
    expect(person.store.callsOf("signUp")).toEqual([
      [{ handle: "Wren", language: "en", deviceKind: "shared", pin: null, phraseConfirmed: true }],
    ]);
  });

  test("treats no answer about the device as a shared one", async () => {
    const person = signingUp();
    await settle();
    await person.press("Go on");
    await person.type("Name", "Wren");
    await person.press("Go on");
    await person.press("I understand");
    await person.press("Skip this");
    expect(person.sees("These words belong to your account")).toBe(true);
  });

  test("can be refused after reading who reads what", async () => {
    const person = signingUp();
    await settle();
    await person.press("Go on");
    await person.type("Name", "Wren");
    await person.press("Go on");
    expect(person.sees("They can also copy them or take a picture.")).toBe(true);
    await person.press("No, stop here");
    expect(person.store.callsOf("dropInvite")).toHaveLength(1);
    expect(person.store.callsOf("signUp")).toHaveLength(0);
  });

  test("does not go on with two wrong words, and shows the words again when asked", async () => {
    const person = signingUp();
    await upToTheCheck(person, "Yes, or I am not sure");
    await person.press("Go on");
    expect(person.sees("One of them is not the same")).toBe(true);
    expect(person.store.callsOf("signUp")).toHaveLength(0);
    await person.press("Look at my words again");
    expect(person.sees("lantern")).toBe(true);
    expect(person.store.callsOf("newPhrase")).toHaveLength(1);
  });

  test("does not show the words while it asks for them", async () => {
    const person = signingUp();
    await upToTheCheck(person, "Yes, or I am not sure");
    for (const word of WORDS) expect(person.sees(word)).toBe(false);
  });

  test("refuses names that are empty, too long or hide something", async () => {
    const person = signingUp();
    await settle();
    await person.press("Go on");
    for (const [name, words] of [
      ["", "Please write a name."],
      ["x".repeat(25), "too long"],
      ["evil\u202eman", "can’t be shown"],
      ["a\u0000b", "can’t be shown"],
    ] as const) {
      await person.type("Name", name);
      await person.press("Go on");
      expect(person.sees(words), JSON.stringify(name)).toBe(true);
    }
    await person.type("Name", "  Ze\u0301 ");
    await person.press("Go on");
    expect(person.sees("Who can read what")).toBe(true);
  });

  test("with a name that is taken keeps phrase and PIN, and asks for another name alone", async () => {
    const person = signingUp((store) => {
      store.answer("signUp", failure("account.handle_taken"));
    });
    await upToTheCheck(person, "Yes, or I am not sure");
    await answerWords(person);
    await person.press("Go on");
    expect(person.sees("Someone here has this name")).toBe(true);
    person.store.answer("signUp", { ok: true });
    await person.type("Name", "Finch");
    await person.press("Go on");
    const calls = person.store.callsOf("signUp");
    expect(calls).toHaveLength(2);
    expect(calls[1]).toEqual([
      { handle: "Finch", language: "en", deviceKind: "shared", pin: null, phraseConfirmed: true },
    ]);
    expect(person.store.callsOf("newPhrase")).toHaveLength(1);
  });

  test("that fails offers to try again with all that was chosen", async () => {
    const person = signingUp((store) => {
      store.answer("signUp", failure("device.offline"));
    });
    await upToTheCheck(person, "Yes, or I am not sure");
    await answerWords(person);
    await person.press("Go on");
    expect(person.sees("You are offline.")).toBe(true);
    await person.press("Try again");
    const calls = person.store.callsOf("signUp");
    expect(calls).toHaveLength(2);
    expect(calls[1]).toEqual(calls[0]);
  });

  test("where the browser keeps nothing goes on as on a shared device", async () => {
    const person = signingUp((store) => {
      store.answer("signUp", failure("device.no_storage"));
    });
    await upToTheCheck(person, "No, only I use it");
    await answerWords(person);
    await person.press("Go on");
    await person.type("PIN", "493827");
    await person.type("The same PIN again", "493827");
    await person.press("Finish");
    expect(person.sees("You can go on as on a shared device")).toBe(true);
    await person.press("Go on");
    expect(person.store.callsOf("signUp")[1]).toEqual([
      { handle: "Wren", language: "en", deviceKind: "shared", pin: null, phraseConfirmed: true },
    ]);
  });

  test.each([
    ["1234", "Use 6 to 12 numbers."],
    ["12345678901234", "Use 6 to 12 numbers."],
    ["12345x", "Use 6 to 12 numbers."],
    ["111111", "easy to guess"],
    ["123456", "easy to guess"],
    ["987654", "easy to guess"],
  ])("refuses the PIN %s", async (pin, words) => {
    const person = signingUp();
    await upToTheCheck(person, "No, only I use it");
    await answerWords(person);
    await person.press("Go on");
    await person.type("PIN", pin);
    await person.type("The same PIN again", pin);
    await person.press("Finish");
    expect(person.sees(words)).toBe(true);
    expect(person.store.callsOf("signUp")).toHaveLength(0);
  });

  test("no field is one that the browser would offer to keep", async () => {
    const person = signingUp();
    await upToTheCheck(person, "No, only I use it");
    await answerWords(person);
    await person.press("Go on");
    for (const input of document.querySelectorAll("input")) {
      expect(input.type).not.toBe("password");
      expect(input.getAttribute("autocomplete")).toBe("off");
    }
  });
});

describe("practising the exit", () => {
  async function atPractice(): Promise<Person> {
    const person = signingUp();
    await settle();
    await person.press("Go on");
    await person.type("Name", "Wren");
    await person.press("Go on");
    await person.press("I understand");
    return person;
  }

  test("covers the page and does not leave; the next time it leaves", async () => {
    const person = await atPractice();
    await person.press("Exit");
    expect(person.wentTo).toEqual([]);
    expect(document.querySelector("dialog.cover")).not.toBeNull();
    await person.press("Come back");
    expect(person.sees("You know the way out.")).toBe(true);
    await person.press("Exit");
    expect(person.wentTo).toEqual(["/leave"]);
  });

  test("leaves for real from the cover", async () => {
    const person = await atPractice();
    await person.press("Exit");
    document.querySelector<HTMLElement>("dialog.cover [data-exit]")?.click();
    expect(person.wentTo).toEqual(["/leave"]);
  });

  test("works with the keys, too, and ends with its step", async () => {
    const person = await atPractice();
    for (let n = 0; n < 3; n += 1) person.key("Shift");
    await settle();
    expect(person.wentTo).toEqual([]);
    expect(person.ui.practice.value).toBe("showing");
    await person.press("Come back");
    await person.press("Back");
    for (let n = 0; n < 3; n += 1) person.key("Shift");
    expect(person.wentTo).toEqual(["/leave"]);
  });
});
