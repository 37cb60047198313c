import { expect, test } from "vitest";
import { message } from "../support/people";
import { visit, visitOpen, visitRoom, type Person } from "../support/page";

const shift = (person: Person) => {
  person.key("Shift", { shiftKey: true });
};

const left = (person: Person) => person.wentTo.length > 0;

test("the exit is on every screen that a person can meet", async () => {
  const phases = [
    "loading",
    "invite",
    "sign-up",
    "signed-out",
    "locked",
    "open",
    "other-tab",
    "unsupported",
  ] as const;
  for (const phase of phases) {
    const person = visit((store) => {
      store.set.phase.value = phase;
    });
    await person.settle();
    expect(person.button("Exit").hasAttribute("data-exit"), phase).toBe(true);
    expect(person.button("I need help now"), phase).toBeTruthy();
  }
});

test("the exit empties the page before anything else, locks, and replaces it", async () => {
  const person = await visitRoom({ timeline: [message(1, { text: "a secret" })] });
  let seenAtLock = "not locked";
  const lock = person.store.leaveFast;
  person.exit.intercept = () => {
    expect(person.sees("a secret")).toBe(true);
    return false;
  };
  person.button("Exit").click();
  seenAtLock = document.body.textContent;
  expect(lock).toBeTypeOf("function");
  expect(person.store.callsOf("leaveFast")).toHaveLength(1);
  expect(seenAtLock).toBe("");
  expect(document.documentElement.classList.contains("gone")).toBe(true);
  expect(person.wentTo).toEqual(["/leave"]);
});

test("the page is left even when locking throws", () => {
  const person = visit((store) => {
    store.set.phase.value = "signed-out";
    (store as { leaveFast: () => void }).leaveFast = () => {
      throw new Error("broken");
    };
  });
  expect(() => {
    person.exit.leave();
  }).toThrow("broken");
  expect(person.wentTo).toEqual(["/leave"]);
  expect(document.body.textContent).toBe("");
});

test("three bare taps of Shift exit", async () => {
  const person = await visitRoom({});
  shift(person);
  shift(person);
  expect(left(person)).toBe(false);
  shift(person);
  expect(left(person)).toBe(true);
});

test("they work while typing in the composer", async () => {
  const person = await visitRoom({});
  person.field("Write a message").focus();
  shift(person);
  shift(person);
  shift(person);
  expect(left(person)).toBe(true);
});

test("capital letters typed fast are no exit", async () => {
  const person = await visitRoom({});
  for (const letter of "HELPME") {
    const target = person.field("Write a message");
    target.dispatchEvent(new KeyboardEvent("keydown", { key: "Shift", shiftKey: true, bubbles: true }));
    target.dispatchEvent(new KeyboardEvent("keydown", { key: letter, shiftKey: true, bubbles: true }));
    target.dispatchEvent(new KeyboardEvent("keyup", { key: letter, shiftKey: true, bubbles: true }));
    target.dispatchEvent(new KeyboardEvent("keyup", { key: "Shift", bubbles: true }));
  }
  expect(left(person)).toBe(false);
});

test("other keys between the taps, a held key, and Control with Shift are no exit", async () => {
  const person = await visitRoom({});
  shift(person);
  shift(person);
  person.key("a");
  shift(person);
  expect(left(person)).toBe(false);
  person.key("a");
  for (let n = 0; n < 9; n += 1) {
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "Shift", repeat: true, bubbles: true }));
  }
  document.body.dispatchEvent(new KeyboardEvent("keyup", { key: "Shift", bubbles: true }));
  expect(left(person)).toBe(false);
  for (let n = 0; n < 3; n += 1) person.key("Shift", { ctrlKey: true });
  expect(left(person)).toBe(false);
});

test("taps more than five seconds apart are no exit", async () => {
  const person = await visitRoom({});
  for (const at of [1_000, 4_000, 6_500]) {
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "Shift", bubbles: true }));
    const up = new KeyboardEvent("keyup", { key: "Shift", bubbles: true });
    Object.defineProperty(up, "timeStamp", { value: at });
    document.body.dispatchEvent(up);
  }
  expect(left(person)).toBe(false);
});

test("Escape never exits", async () => {
  const person = await visitRoom({});
  for (let n = 0; n < 5; n += 1) person.key("Escape");
  expect(left(person)).toBe(false);
  await person.press("I need help now");
  for (let n = 0; n < 5; n += 1) person.key("Escape");
  expect(left(person)).toBe(false);
});

test("an open dialog, which makes the page behind it inert, has an exit of its own", async () => {
  const person = await visitOpen(() => undefined);
  await person.press("I need help now");
  const dialog = document.querySelector("dialog");
  const inside = dialog?.querySelector<HTMLElement>("[data-exit]");
  inside?.click();
  expect(left(person)).toBe(true);
});

test("a page that the browser kept shows nothing until it is locked", async () => {
  const person = await visitRoom({ timeline: [message(1)] });
  window.dispatchEvent(new Event("pagehide"));
  expect(document.documentElement.classList.contains("gone")).toBe(true);
  const back = new Event("pageshow");
  Object.defineProperty(back, "persisted", { value: true });
  window.dispatchEvent(back);
  expect(person.store.callsOf("lock")).toHaveLength(1);
  expect(document.documentElement.classList.contains("gone")).toBe(false);
  await person.settle();
  expect(person.sees("Hello")).toBe(false);
  expect(person.sees("Locked")).toBe(true);
});

test("nothing changes the title or the address, whatever screen is shown", async () => {
  document.title = "Notes";
  const entries = history.length;
  const person = await visitRoom({ timeline: [message(1)], waiting: [] }, "talk");
  await person.press("People");
  await person.press("Back");
  expect(document.title).toBe("Notes");
  expect(history.length).toBe(entries);
});
