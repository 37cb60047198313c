/** Whatever bytes arrive, what comes out is a message, a commit or a Refusal, and the state stays as it was. */
import fc from "fast-check";
import { decodeMlsMessage } from "ts-mls/message.js";
import { describe, expect, it } from "vitest";
import { concatBytes } from "../../src/crypto/bytes";
import { joinRoom } from "../../src/crypto/groupRules";
import { encodeState } from "../../src/crypto/groupState";
import { commit } from "../../src/crypto/mls";
import { openPrivateMessage } from "../../src/crypto/openMessage";
import { Refusal } from "../../src/crypto/refusal";
import { checkUnmergedOrder } from "../../src/crypto/treeKeys";
import { decodePrivateMessage } from "../../src/crypto/wire";
import {
  addAll,
  authorityOf,
  everyone,
  GROUP_ID,
  newPerson,
  newRoom,
  NO_DATA,
  say,
  stateOf,
  type Person,
} from "./people";

const RUNS = { numRuns: 150 };

function changed(bytes: Uint8Array, at: number, by: number): Uint8Array {
  const copy = bytes.slice();
  copy[at % bytes.length] = (copy[at % bytes.length] ?? 0) ^ by;
  return copy;
}

const anyChange = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat(3));

async function refusesQuietly(work: Promise<unknown>): Promise<void> {
  const error: unknown = await work.then(
    () => "accepted",
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Refusal);
}

describe("a message, a commit and a Welcome with any one byte changed, cut short or extended", () => {
  it("are refused, and change nothing", async () => {
    const [ada, bea] = (await newRoom("ada", "bea")) as [Person, Person];
    const made = await commit({ state: stateOf(bea), authenticatedData: NO_DATA, accept: everyone });
    const before = encodeState(stateOf(ada));
    for (const bytes of [await say(bea, "hello"), made.commit]) {
      await fc.assert(
        fc.asyncProperty(anyChange, async ([at, by, kind]) => {
          const cut = bytes.slice(0, at % bytes.length);
          const broken = kind === 0 ? cut : kind === 1 ? concatBytes(bytes, cut) : changed(bytes, at, by);
          if (broken.length === bytes.length && kind < 2) return;
          await refusesQuietly(openPrivateMessage(stateOf(ada), broken));
        }),
        RUNS,
      );
    }
    expect(encodeState(stateOf(ada))).toEqual(before);
  });

  it("let no one join", async () => {
    const [ada, dia] = [(await newRoom("ada"))[0] as Person, await newPerson("dia")];
    const { welcome } = await addAll(ada, [dia], []);
    const bytes = welcome ?? NO_DATA;
    const { keyPackage, deviceKey } = dia;
    const authority = authorityOf({ admitted: [ada, dia] });
    await fc.assert(
      fc.asyncProperty(anyChange, async ([at, by]) => {
        const broken = changed(bytes, at, by);
        await refusesQuietly(
          joinRoom({ welcome: broken, keyPackage, deviceKey, groupId: GROUP_ID, authority }),
        );
      }),
      RUNS,
    );
  });
});

describe("decoding", () => {
  it("refuses a length prefix that is longer than it need be, which ts-mls accepts", async () => {
    const [ada] = (await newRoom("ada")) as [Person];
    const bytes = await say(ada, "hello");
    const longer = concatBytes(bytes.subarray(0, 4), Uint8Array.of(0x40), bytes.subarray(4));
    expect(decodeMlsMessage(longer, 0)?.[0].wireformat).toBe("mls_private_message");
    expect(() => decodePrivateMessage(longer)).toThrow(expect.objectContaining({ code: "malformed" }));
  });

  it("refuses lists of unmerged leaves that are out of order or name one twice", () => {
    const parent = (unmergedLeaves: number[]) => ({
      nodeType: "parent" as const,
      parent: { hpkePublicKey: NO_DATA, parentHash: NO_DATA, unmergedLeaves },
    });
    expect(() => {
      checkUnmergedOrder([undefined, parent([0, 1, 5]), undefined]);
    }).not.toThrow();
    for (const leaves of [
      [1, 0],
      [1, 1],
      [0, 0],
    ]) {
      expect(() => {
        checkUnmergedOrder([undefined, parent(leaves), undefined]);
      }).toThrow(expect.objectContaining({ code: "invalid-welcome" }));
    }
  });
});
