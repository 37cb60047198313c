/** Hostile messages, and what ts-mls keeps when it is not told otherwise (traps 1, 2, 3 and 8). */
import { defaultKeyRetentionConfig, type KeyRetentionConfig } from "ts-mls/keyRetentionConfig.js";
import { encodeMlsMessage } from "ts-mls/message.js";
import { signFramedContentApplicationOrProposal } from "ts-mls/framedContent.js";
import { protect, unprotectPrivateMessage } from "ts-mls/messageProtection.js";
import { processPrivateMessage } from "ts-mls/processMessages.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import { ratchetUntil } from "ts-mls/secretTree.js";
import { beforeEach, describe, expect, it } from "vitest";
import { utf8 } from "../../src/crypto/bytes";
import { epochOf, ownLeafIndex, type GroupState } from "../../src/crypto/groupState";
import { commit } from "../../src/crypto/mls";
import { FORWARD_RATCHET_LIMIT } from "../../src/crypto/mlsConfig";
import { openPrivateMessage } from "../../src/crypto/openMessage";
import { mlsPadding, pad } from "../../src/crypto/padding";
import { suite } from "../../src/crypto/provider";
import { decodePrivateMessage, encodePrivateMessage } from "../../src/crypto/wire";
import { secretsOf } from "../../src/crypto/wipe";
import { unguarded } from "./hostile";
import { everyone, hear, newRoom, NO_DATA, receiveCommit, say, stateOf, type Person } from "./people";

let ada: Person, bea: Person, mallory: Person;
beforeEach(async () => {
  [ada, bea, mallory] = (await newRoom("ada", "bea", "mallory")) as [Person, Person, Person];
});

type Claim = { groupId?: Uint8Array; epoch?: bigint; leafIndex?: number; content?: Uint8Array };

/** A message under this group's keys that claims another group, epoch or sender, signed by the attacker. */
async function forgeMessage(attacker: Person, claim: Claim): Promise<Uint8Array> {
  const state = stateOf(attacker);
  const context = { ...state.groupContext, ...claim };
  const leafIndex = claim.leafIndex ?? ownLeafIndex(state);
  const content = {
    contentType: "application" as const,
    applicationData: claim.content ?? pad(utf8("forged")),
    groupId: context.groupId,
    epoch: context.epoch,
    sender: { senderType: "member" as const, leafIndex },
    authenticatedData: NO_DATA,
  };
  const tbs = {
    protocolVersion: "mls10" as const,
    wireformat: "mls_private_message" as const,
    content,
    senderType: "member" as const,
    context: state.groupContext,
  };
  const auth = await signFramedContentApplicationOrProposal(state.signaturePrivateKey, tbs, suite);
  const { privateMessage } = await protect(
    state.keySchedule.senderDataSecret,
    NO_DATA,
    context,
    state.secretTree,
    { ...content, auth },
    leafIndex,
    mlsPadding(0),
    suite,
  );
  return encodePrivateMessage(privateMessage);
}

const rawOpen = (state: GroupState, bytes: Uint8Array) =>
  processPrivateMessage(unguarded(state), decodePrivateMessage(bytes), emptyPskIndex, suite);

describe("a member with a changed client", () => {
  it("cannot claim another group, which ts-mls alone does not compare", async () => {
    const forged = await forgeMessage(mallory, { groupId: utf8("room-2") });
    await expect(rawOpen(stateOf(ada), forged)).resolves.toMatchObject({ kind: "applicationMessage" });
    await expect(openPrivateMessage(stateOf(ada), forged)).rejects.toMatchObject({ code: "wrong-group" });
  });

  it("cannot claim a later epoch, which ts-mls alone does not compare", async () => {
    const forged = await forgeMessage(mallory, { epoch: epochOf(stateOf(mallory)) + 5n });
    await expect(rawOpen(stateOf(ada), forged)).resolves.toMatchObject({ kind: "applicationMessage" });
    await expect(openPrivateMessage(stateOf(ada), forged)).rejects.toMatchObject({ code: "future-epoch" });
  });

  it("cannot speak as another member: its signature is checked against that member's leaf (trap 3)", async () => {
    const forged = await forgeMessage(mallory, { leafIndex: ownLeafIndex(stateOf(bea)) });
    await expect(openPrivateMessage(stateOf(ada), forged)).rejects.toMatchObject({ code: "undecipherable" });
    const asNobody = await forgeMessage(mallory, { leafIndex: 3 });
    await expect(openPrivateMessage(stateOf(ada), asNobody)).rejects.toMatchObject({
      code: "undecipherable",
    });
  });

  it("cannot send content that is not padded, or that hides bytes behind it", async () => {
    const hidden = pad(utf8("hello"));
    hidden[hidden.length - 1] = 1;
    for (const content of [utf8("short"), hidden]) {
      const forged = await forgeMessage(mallory, { content });
      await expect(openPrivateMessage(stateOf(ada), forged)).rejects.toMatchObject({ code: "malformed" });
    }
  });

  it("does no harm when it is refused: the next honest message is read", async () => {
    for (const claim of [{ epoch: 99n }, { leafIndex: 1 }, { content: utf8("short") }]) {
      const forged = await forgeMessage(mallory, claim);
      await expect(openPrivateMessage(stateOf(ada), forged)).rejects.toThrow();
    }
    expect(await hear(ada, await say(bea, "hello"))).toBe("hello");
    expect(await hear(ada, await say(mallory, "hello too"))).toBe("hello too");
  });

  it("may skip 5000 messages at most (trap 8)", async () => {
    const skipping = async (steps: number) => {
      const state = stateOf(mallory);
      const index = ownLeafIndex(state) * 2;
      const secretTree = state.secretTree.slice();
      const node = secretTree[index];
      if (node === undefined) throw new Error();
      const far: KeyRetentionConfig = {
        retainKeysForGenerations: 0,
        retainKeysForEpochs: 1,
        maximumForwardRatchetSteps: steps,
      };
      const [application] = await ratchetUntil(node.application, steps, far, suite.kdf);
      secretTree[index] = { ...node, application };
      return say({ ...mallory, state: { ...state, secretTree } }, "far ahead");
    };
    const opened = await openPrivateMessage(stateOf(ada), await skipping(FORWARD_RATCHET_LIMIT));
    expect(opened.kind).toBe("message");
    const tooFar = await skipping(FORWARD_RATCHET_LIMIT + 1);
    await expect(openPrivateMessage(stateOf(ada), tooFar)).rejects.toMatchObject({
      code: "too-many-skipped",
    });
  });

  it("cannot make us read anything but a private message: public ones and other kinds are refused", async () => {
    const publicLike = encodeMlsMessage({
      version: "mls10",
      wireformat: "mls_welcome",
      welcome: { cipherSuite: suite.name, secrets: [], encryptedGroupInfo: new Uint8Array(8) },
    });
    await expect(openPrivateMessage(stateOf(ada), publicLike)).rejects.toMatchObject({ code: "malformed" });
    const noise = crypto.getRandomValues(new Uint8Array(500));
    await expect(openPrivateMessage(stateOf(ada), noise)).rejects.toMatchObject({ code: "malformed" });
  });
});

describe("a thief of the stored state", () => {
  const configured = (state: GroupState, keyRetentionConfig: KeyRetentionConfig) => {
    const base = unguarded(state);
    return { ...base, clientConfig: { ...base.clientConfig, keyRetentionConfig } };
  };

  it("reads a skipped message with ts-mls's defaults, and nothing with ours (trap 1)", async () => {
    const [first, second] = [await say(bea, "one"), await say(bea, "two")];
    const kept = await processPrivateMessage(
      configured(stateOf(ada), defaultKeyRetentionConfig),
      decodePrivateMessage(second),
      emptyPskIndex,
      suite,
    );
    await expect(rawOpen(kept.newState, first)).resolves.toMatchObject({ kind: "applicationMessage" });
    const ours = await openPrivateMessage(stateOf(ada), second);
    if (ours.kind !== "message") throw new Error();
    await expect(rawOpen(ours.newState, first)).rejects.toThrow(/Desired gen in the past/);
  });

  it("finds every past epoch when ts-mls is told to keep none, and no epoch with ours (trap 2)", async () => {
    const none = { retainKeysForGenerations: 0, retainKeysForEpochs: 0, maximumForwardRatchetSteps: 200 };
    let keeping = configured(stateOf(ada), none);
    for (let i = 0; i < 3; i++) {
      const { message, made } = { message: await say(bea, "x"), made: await rotate(bea) };
      const received = decodePrivateMessage(made.commit);
      keeping = (await processPrivateMessage(keeping, received, emptyPskIndex, suite)).newState;
      const before = stateOf(ada);
      await receiveCommit(ada, made.commit);
      expect(stateOf(ada).historicalReceiverData.size).toBe(0);
      expect(made.newState.historicalReceiverData.size).toBe(0);
      await expect(openPrivateMessage(stateOf(ada), message)).rejects.toMatchObject({ code: "old-epoch" });
      expect(
        [...secretsOf(before)].filter((secret) => new Set(secretsOf(stateOf(ada))).has(secret)).length,
      ).toBeLessThan(4);
    }
    expect(keeping.historicalReceiverData.size).toBe(3);
  });

  it("finds no ratchet secret of an earlier message in what ts-mls says was consumed, once that is zeroed", async () => {
    const message = await say(bea, "one");
    const before = stateOf(ada);
    const opened = await openPrivateMessage(before, message);
    if (opened.kind !== "message") throw new Error();
    for (const secret of opened.wipe) secret.fill(0);
    const { keySchedule, secretTree, ratchetTree, groupContext } = before;
    const again = unprotectPrivateMessage(
      keySchedule.senderDataSecret,
      decodePrivateMessage(message),
      secretTree,
      ratchetTree,
      groupContext,
      defaultKeyRetentionConfig,
      suite,
    );
    await expect(again).rejects.toThrow();
    ada.state = opened.newState;
    expect(await hear(ada, await say(bea, "two"))).toBe("two");
  });

  async function rotate(person: Person) {
    const made = await commit({ state: stateOf(person), authenticatedData: NO_DATA, accept: everyone });
    person.state = made.newState;
    return made;
  }
});
