import { verifyEd25519 } from "../../src/crypto/provider";
import { utf8 } from "../../src/crypto/bytes";
import {
  decodeState,
  encodeState,
  epochAuthenticator,
  epochOf,
  membersOf,
  ownLeafIndex,
} from "../../src/crypto/groupState";
import { commit, sealMessage } from "../../src/crypto/mls";
import { openPrivateMessage } from "../../src/crypto/openMessage";
import { pad, unpad } from "../../src/crypto/padding";
import { decodePrivateMessage } from "../../src/crypto/wire";
import { secretsOf, secretsOnlyIn, wipe } from "../../src/crypto/wipe";
import { describe, expect, it } from "vitest";
import {
  addAll,
  everyone,
  hear,
  newPerson,
  newRoom,
  NO_DATA,
  receiveCommit,
  say,
  stateOf,
  type Person,
} from "./people";

async function trio(): Promise<[Person, Person, Person]> {
  const [ada, bea, cho] = await newRoom("ada", "bea", "cho");
  return [ada as Person, bea as Person, cho as Person];
}

describe("a room", () => {
  it("lets every member read every other member, with the sender's name from the sender data", async () => {
    const [ada, bea, cho] = await trio();
    const message = await say(bea, "hello");
    const opened = await openPrivateMessage(stateOf(ada), message);
    expect(opened.kind).toBe("message");
    expect(opened.sender.identity).toEqual(utf8("bea"));
    expect(opened.sender.leafIndex).toBe(ownLeafIndex(stateOf(bea)));
    expect(await hear(cho, message)).toBe("hello");
  });

  it("gives everyone the same epoch authenticator, and a new one at each commit", async () => {
    const [ada, bea, cho] = await trio();
    const before = epochAuthenticator(stateOf(ada)).slice();
    expect(epochAuthenticator(stateOf(bea))).toEqual(before);
    const made = await commit({ state: stateOf(cho), authenticatedData: NO_DATA, accept: everyone });
    await receiveCommit(ada, made.commit);
    expect(epochAuthenticator(made.newState)).toEqual(epochAuthenticator(stateOf(ada)));
    expect(epochAuthenticator(stateOf(ada))).not.toEqual(before);
  });

  it("carries authenticated data that cannot be changed on the way", async () => {
    const [ada, bea] = await trio();
    const data = utf8("heads");
    const sealed = await sealMessage({ state: stateOf(bea), plaintext: utf8("x"), authenticatedData: data });
    const opened = await openPrivateMessage(stateOf(ada), sealed.message);
    expect(opened.authenticatedData).toEqual(data);
    const forged = sealed.message.slice();
    forged[indexOf(forged, data)] = 0x48;
    await expect(openPrivateMessage(stateOf(ada), forged)).rejects.toMatchObject({ code: "undecipherable" });
  });

  it("removes a member, who learns it and can read nothing more", async () => {
    const [ada, bea, cho] = await trio();
    const removed = ownLeafIndex(stateOf(cho));
    const copyOfCho = { ...cho, state: decodeState(encodeState(stateOf(cho))) };
    const made = await commit({
      state: stateOf(ada),
      removes: [removed],
      authenticatedData: NO_DATA,
      accept: everyone,
    });
    ada.state = made.newState;
    await receiveCommit(bea, made.commit);
    await receiveCommit(cho, made.commit);
    expect(cho.state).toBeNull();
    const message = await say(bea, "without cho");
    expect(await hear(ada, message)).toBe("without cho");
    await expect(hear(copyOfCho, message)).rejects.toMatchObject({ code: "future-epoch" });
  });

  it("adds and removes in one commit", async () => {
    const [ada, bea, cho] = await trio();
    const dia = await newPerson("dia");
    const made = await commit({
      state: stateOf(ada),
      adds: [dia.keyPackage.bytes],
      removes: [ownLeafIndex(stateOf(cho))],
      authenticatedData: NO_DATA,
      accept: everyone,
    });
    ada.state = made.newState;
    await receiveCommit(bea, made.commit);
    // dia sits where cho sat, and ts-mls alone would not see that cho is gone.
    await receiveCommit(cho, made.commit);
    expect(cho.state).toBeNull();
    expect(membersOf(stateOf(bea)).map((leaf) => new TextDecoder().decode(leaf.identity))).toEqual([
      "ada",
      "bea",
      "dia",
    ]);
  });
});

describe("a state", () => {
  it("is the same room after a round trip through bytes", async () => {
    const [ada, bea, cho] = await trio();
    const dia = await newPerson("dia");
    await addAll(bea, [dia], [ada, cho]);
    for (const person of [ada, bea, cho, dia]) {
      await hearAll(person, [ada, bea, cho, dia]);
      const bytes = encodeState(stateOf(person));
      const restored = decodeState(bytes);
      expect(encodeState(restored)).toEqual(bytes);
      expect(epochOf(restored)).toBe(epochOf(stateOf(person)));
      expect(restored.privatePath).toEqual(stateOf(person).privatePath);
      expect(restored.keySchedule).toEqual(stateOf(person).keySchedule);
      expect(restored.secretTree).toEqual(stateOf(person).secretTree);
      person.state = restored;
    }
    const made = await commit({ state: stateOf(dia), authenticatedData: NO_DATA, accept: everyone });
    dia.state = made.newState;
    for (const person of [ada, bea, cho]) await receiveCommit(person, made.commit);
    await hearAll(ada, [ada, bea, cho, dia]);
  });

  it("is decoded into a copy, so that wiping it leaves the stored bytes alone", async () => {
    const [ada] = await trio();
    const bytes = encodeState(stateOf(ada));
    const before = bytes.slice();
    wipe(secretsOf(decodeState(bytes)));
    expect(bytes).toEqual(before);
  });

  it("is refused with a byte too many", async () => {
    const [ada] = await trio();
    const bytes = encodeState(stateOf(ada));
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    expect(() => decodeState(longer)).toThrow(expect.objectContaining({ code: "malformed" }));
  });
});

describe("secrets", () => {
  it("of the old epoch are all named after an own commit, and the new state lives on when they are zeroed", async () => {
    const [ada, bea, cho] = await trio();
    const old = stateOf(ada);
    const made = await commit({ state: old, authenticatedData: NO_DATA, accept: everyone });
    wipe(made.wipe);
    expect([...secretsOf(old)].filter((secret) => secret.some((byte) => byte !== 0))).toEqual(
      sharedSecrets(old, made.newState),
    );
    ada.state = made.newState;
    await receiveCommit(bea, made.commit);
    await receiveCommit(cho, made.commit);
    expect(await hear(bea, await say(ada, "still here"))).toBe("still here");
  });

  it("of a commit that lost the race can be zeroed, and the winner is applied (trap 7)", async () => {
    const [ada, bea, cho] = await trio();
    const lost = await commit({ state: stateOf(ada), authenticatedData: NO_DATA, accept: everyone });
    const won = await commit({ state: stateOf(bea), authenticatedData: NO_DATA, accept: everyone });
    wipe(secretsOnlyIn(lost.newState, stateOf(ada)));
    await receiveCommit(ada, won.commit);
    await receiveCommit(cho, won.commit);
    bea.state = won.newState;
    expect(await hear(ada, await say(bea, "won"))).toBe("won");
    expect(await hear(cho, await say(ada, "lost, and well"))).toBe("lost, and well");
  });

  it("zeroed before the server answered brick the group after a lost race (trap 7, the attack)", async () => {
    const [ada, bea] = await trio();
    const lost = await commit({ state: stateOf(ada), authenticatedData: NO_DATA, accept: everyone });
    const won = await commit({ state: stateOf(bea), authenticatedData: NO_DATA, accept: everyone });
    wipe(lost.wipe);
    await expect(receiveCommit(ada, won.commit)).rejects.toThrow();
  });

  it("of a message are gone once it was read: a thief of the state cannot read it again (trap 1)", async () => {
    const [ada, bea] = await trio();
    const [first, second] = [await say(bea, "one"), await say(bea, "two")];
    const opened = await openPrivateMessage(stateOf(ada), second);
    if (opened.kind !== "message") throw new Error();
    for (const read of [first, second]) {
      await expect(openPrivateMessage(opened.newState, read)).rejects.toMatchObject({ code: "replayed" });
    }
    expect(Object.keys(opened.newState.secretTree[2]?.application.unusedGenerations ?? {})).toEqual([]);
  });
});

describe("openPrivateMessage refuses", () => {
  it("its own message, a replay, an old epoch and a future epoch, each by its code", async () => {
    const [ada, bea, cho] = await trio();
    const message = await say(bea, "one");
    await expect(openPrivateMessage(stateOf(bea), message)).rejects.toMatchObject({ code: "own-message" });
    await hear(ada, message);
    await expect(openPrivateMessage(stateOf(ada), message)).rejects.toMatchObject({ code: "replayed" });
    const made = await commit({ state: stateOf(bea), authenticatedData: NO_DATA, accept: everyone });
    await expect(openPrivateMessage(stateOf(bea), made.commit)).rejects.toMatchObject({
      code: "own-message",
    });
    bea.state = made.newState;
    const later = await say(bea, "two");
    await expect(openPrivateMessage(stateOf(ada), later)).rejects.toMatchObject({ code: "future-epoch" });
    await receiveCommit(ada, made.commit);
    const old = await say(cho, "late");
    await expect(openPrivateMessage(stateOf(ada), old)).rejects.toMatchObject({ code: "old-epoch" });
  });

  it("bytes with a tail, which ts-mls would ignore", async () => {
    const [ada, bea] = await trio();
    const message = await say(bea, "one");
    const longer = new Uint8Array(message.length + 1);
    longer.set(message);
    await expect(openPrivateMessage(stateOf(ada), longer)).rejects.toMatchObject({ code: "malformed" });
    await expect(openPrivateMessage(stateOf(ada), new Uint8Array(0))).rejects.toMatchObject({
      code: "malformed",
    });
  });
});

describe("padding", () => {
  it.each([
    [0, 256],
    [254, 256],
    [255, 512],
    [4094, 4096],
    [16382, 16384],
  ])("a text of %i bytes is sent as %i, and read as it was", async (length, bucket) => {
    const [ada, bea] = await newRoom("ada", "bea");
    const plaintext = new Uint8Array(length).fill(120);
    const state = stateOf(ada as Person);
    const sealed = await sealMessage({ state, plaintext, authenticatedData: NO_DATA });
    const empty = await sealMessage({ state, plaintext: NO_DATA, authenticatedData: NO_DATA });
    const size = (bytes: Uint8Array) => decodePrivateMessage(bytes).ciphertext.length;
    const prefix = bucket === 16384 ? 2 : 0; // RFC 9420 §2.1.2: a longer length prefix
    expect(size(sealed.message) - size(empty.message)).toBe(bucket - 256 + prefix);
    const opened = await openPrivateMessage(stateOf(bea as Person), sealed.message);
    expect(opened).toMatchObject({ kind: "message", plaintext });
  });

  it("a text beyond the largest bucket is refused", async () => {
    const [ada] = await newRoom("ada");
    const tooLong = {
      state: stateOf(ada as Person),
      plaintext: new Uint8Array(16383),
      authenticatedData: NO_DATA,
    };
    await expect(sealMessage(tooLong)).rejects.toMatchObject({ code: "too-long" });
  });

  it("hides nothing: bytes behind the content, a wrong bucket and a false length are refused", () => {
    const padded = pad(utf8("hello"));
    expect(unpad(padded)).toEqual(utf8("hello"));
    const wrong = [padded.slice(0, 255), new Uint8Array(512), new Uint8Array(0), padded.slice(0, 4)];
    const [behind, longer] = [padded.slice(), padded.slice()];
    behind[255] = 1;
    longer[0] = 0xff;
    for (const bytes of [...wrong, behind, longer]) {
      expect(() => unpad(bytes)).toThrow(expect.objectContaining({ code: "malformed" }));
    }
  });

  it("commits are padded too, and can be opened", async () => {
    const [ada, bea] = await trio();
    const made = await commit({ state: stateOf(ada), authenticatedData: NO_DATA, accept: everyone });
    expect([256, 512, 1024, 4096, 16384]).toContain(decodePrivateMessage(made.commit).ciphertext.length - 16);
    await receiveCommit(bea, made.commit);
  });
});

describe("a report", () => {
  it("carries bytes and a signature that anyone with the leaf's key can check", async () => {
    const [ada, bea] = await trio();
    const opened = await openPrivateMessage(stateOf(ada), await say(bea, "a threat"));
    const { bytes, signature } = opened.signed;
    expect(verifyEd25519(opened.sender.signatureKey, bytes, signature)).toBe(true);
    expect(indexOf(bytes, utf8("a threat"))).toBeGreaterThan(0);
  });
});

function indexOf(haystack: Uint8Array, needle: Uint8Array): number {
  return Buffer.from(haystack).indexOf(Buffer.from(needle));
}

function sharedSecrets(a: Parameters<typeof secretsOf>[0], b: Parameters<typeof secretsOf>[0]): Uint8Array[] {
  const shared = new Set(secretsOf(b));
  return [...secretsOf(a)].filter((secret) => shared.has(secret));
}

async function hearAll(speaker: Person, people: Person[]): Promise<void> {
  const message = await say(speaker, "to all");
  for (const person of people) if (person !== speaker) expect(await hear(person, message)).toBe("to all");
}
