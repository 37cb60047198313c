import { createGroupInfoWithExternalPubAndRatchetTree, joinGroupExternal } from "ts-mls/createCommit.js";
import { createProposal } from "ts-mls/createMessage.js";
import { encodeMlsMessage } from "ts-mls/message.js";
import { processMessage } from "ts-mls/processMessages.js";
import type { Proposal } from "ts-mls/proposal.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import { beforeEach, describe, expect, it } from "vitest";
import { utf8 } from "../../src/crypto/bytes";
import { inspectCommit, joinRoom, makeCommit, type Change } from "../../src/crypto/groupRules";
import { bare, encodeState, membersOf, ownLeafIndex } from "../../src/crypto/groupState";
import { CAPABILITIES, privatePart } from "../../src/crypto/keyPackage";
import { openPrivateMessage } from "../../src/crypto/openMessage";
import { suite } from "../../src/crypto/provider";
import { decodeKeyPackage, encodePrivateMessage } from "../../src/crypto/wire";
import {
  add,
  changedKeyPackage,
  forgeCommit,
  forgeProposal,
  rawCommit,
  rawReceive,
  unguarded,
} from "./hostile";
import {
  addAll,
  GROUP_ID,
  hear,
  newPerson,
  newRoom,
  NO_DATA,
  NOW,
  say,
  stateOf,
  type Person,
  authorityOf,
  names,
  text,
  type Rules,
} from "./people";
import { appliesUnguarded, judged, openCommit, refuses } from "./judging";

const DAY = 24 * 3600;
let ada: Person, bea: Person, mallory: Person, dia: Person, ghost: Person;
beforeEach(async () => {
  [ada, bea, mallory] = (await newRoom("ada", "bea", "mallory")) as [Person, Person, Person];
  [dia, ghost] = [await newPerson("dia"), await newPerson("ghost")];
});

const refused = (bytes: Uint8Array, code: string, rules: Rules = {}, at = NOW) =>
  refuses(ada, bytes, code, { admitted: [ada, bea, mallory], ...rules }, at);
const unguardedApply = (bytes: Uint8Array) => appliesUnguarded(ada, bytes);

describe("a commit that the logs allow", () => {
  it("adds an admitted device, removes a removed one, and is inspected before it is adopted", async () => {
    const rules = { admitted: [ada, bea, dia], removable: [mallory] };
    const made = await makeCommit({
      state: stateOf(bea),
      adds: [dia.keyPackage.bytes],
      removes: [ownLeafIndex(stateOf(mallory))],
      authenticatedData: utf8("both heads"),
      authority: authorityOf(rules),
      at: NOW,
    });
    const before = encodeState(stateOf(ada));
    const change = inspectCommit(stateOf(ada), await openCommit(ada, made.commit));
    expect(text(change.authenticatedData)).toBe("both heads");
    expect(text(change.committer.identity)).toBe("bea");
    expect(change.adds.map(({ identity }) => text(identity))).toEqual(["dia"]);
    expect(change.removes.map(({ identity }) => text(identity))).toEqual(["mallory"]);
    expect(change.path).toBe(true);
    expect(encodeState(stateOf(ada))).toEqual(before);

    const applied = await judged(ada, made.commit, rules);
    if (applied.kind !== "new-epoch") throw new Error();
    ada.state = applied.newState;
    const { newState, adder } = await joinRoom({
      welcome: made.welcome ?? new Uint8Array(0),
      keyPackage: dia.keyPackage,
      deviceKey: dia.deviceKey,
      groupId: GROUP_ID,
      authority: authorityOf(rules),
    });
    dia.state = newState;
    expect(text(adder.identity)).toBe("bea");
    expect(await hear(dia, await say(ada, "hello dia"))).toBe("hello dia");
  });

  it("may be a bare path, which needs no admission anew", async () => {
    const made = await rawCommit(mallory, {});
    const applied = await judged(ada, made.commit, {});
    expect(applied.kind).toBe("new-epoch");
  });

  it("that removes this device is judged too, and then leaves nothing of the state", async () => {
    const removed = ownLeafIndex(stateOf(ada));
    const made = await rawCommit(bea, { extraProposals: [{ proposalType: "remove", remove: { removed } }] });
    await refused(made.commit, "removal-not-allowed");
    const applied = await judged(ada, made.commit, { removable: [ada] });
    expect(applied.kind).toBe("removed");
    for (const secret of applied.wipe) secret.fill(0);
    await expect(say(ada, "still here?")).resolves.toBeDefined(); // encrypts, under keys of zeros
    await expect(hear(bea, await say(ada, "anyone?"))).rejects.toThrow();
  });
});

describe("rules 1 and 3: the authority is asked for everything", () => {
  it("an add that no log admits is refused, though MLS accepts it", async () => {
    const made = await rawCommit(mallory, { extraProposals: [add(ghost.keyPackage.bytes)] });
    await refused(made.commit, "leaf-not-allowed");
    await unguardedApply(made.commit);
    expect(names(ada)).toContain("ghost");
  });

  it("an add under an admitted name with another key is refused", async () => {
    const impostor = await newPerson("dia");
    const made = await rawCommit(mallory, { extraProposals: [add(impostor.keyPackage.bytes)] });
    await refused(made.commit, "leaf-not-allowed", { admitted: [ada, bea, mallory, dia] });
  });

  it("a removal that no log names is refused, though MLS accepts it", async () => {
    const removed = ownLeafIndex(stateOf(bea));
    const made = await rawCommit(mallory, {
      extraProposals: [{ proposalType: "remove", remove: { removed } }],
    });
    await refused(made.commit, "removal-not-allowed");
    await unguardedApply(made.commit);
    expect(names(ada)).not.toContain("bea");
  });

  it("a committer that is under removal is refused, even for a bare path", async () => {
    const made = await rawCommit(mallory, {});
    const mayCommit = ({ committer }: Change) => text(committer.identity) !== "mallory";
    await refused(made.commit, "committer-not-allowed", { mayCommit });
  });

  it("our own commit is judged by the same rules before it is sent", async () => {
    const state = stateOf(ada);
    const base = { state, authenticatedData: NO_DATA, at: NOW };
    const authority = authorityOf({ admitted: [ada, bea, mallory] });
    const ghostly = makeCommit({ ...base, authority, adds: [ghost.keyPackage.bytes] });
    await expect(ghostly).rejects.toMatchObject({ code: "leaf-not-allowed" });
    const removing = makeCommit({ ...base, authority, removes: [ownLeafIndex(stateOf(bea))] });
    await expect(removing).rejects.toMatchObject({ code: "removal-not-allowed" });
    const nobody = authorityOf({ mayCommit: () => false });
    await expect(makeCommit({ ...base, authority: nobody })).rejects.toMatchObject({
      code: "committer-not-allowed",
    });
  });
});

describe("rule 2: only Add and Remove by value, or a bare path", () => {
  const others: [string, () => Promise<Proposal>][] = [
    [
      "GroupContextExtensions (trap 6)",
      async () => ({ proposalType: "group_context_extensions", groupContextExtensions: { extensions: [] } }),
    ],
    [
      "ReInit",
      async () => ({
        proposalType: "reinit",
        reinit: { groupId: utf8("elsewhere"), version: "mls10", cipherSuite: suite.name, extensions: [] },
      }),
    ],
    [
      "PSK",
      async () => ({
        proposalType: "psk",
        psk: { preSharedKeyId: { psktype: "external", pskId: utf8("x"), pskNonce: new Uint8Array(32) } },
      }),
    ],
    [
      "ExternalInit",
      async () => ({ proposalType: "external_init", externalInit: { kemOutput: new Uint8Array(32) } }),
    ],
    ["a proposal type that nobody knows", async () => ({ proposalType: 0xf00d, proposalData: utf8("?") })],
    [
      "Update",
      async () => {
        const leaf = decodeKeyPackage(mallory.keyPackage.bytes).leafNode;
        return { proposalType: "update", update: { leafNode: { ...leaf, leafNodeSource: "update" } } };
      },
    ],
  ];
  it.each(others)("%s is refused", async (_name, proposal) => {
    await refused(await forgeProposal(mallory, await proposal()), "proposal-type");
  });

  it("ts-mls alone takes a ReInit from any member, and the room is suspended", async () => {
    const reinit = {
      groupId: utf8("elsewhere"),
      version: "mls10",
      cipherSuite: suite.name,
      extensions: [],
    } as const;
    const made = await rawCommit(mallory, {
      extraProposals: [{ proposalType: "reinit", reinit: { ...reinit, extensions: [] } }],
    });
    expect((await rawReceive(ada, made.commit)).groupActiveState.kind).toBe("suspendedPendingReinit");
    await refused(made.commit, "proposal-type");
  });

  it("ts-mls alone lets any member change the group's extensions", async () => {
    const extensions = [{ extensionType: 0xf00d, extensionData: utf8("x") }];
    const tolerant = await newRoom("ada", "mallory");
    [ada, mallory] = tolerant as [Person, Person];
    const made = await rawCommit(mallory, {
      extraProposals: [{ proposalType: "group_context_extensions", groupContextExtensions: { extensions } }],
    });
    expect((await rawReceive(ada, made.commit)).groupContext.extensions).toHaveLength(1);
    await refused(made.commit, "proposal-type");
  });

  it("a commit with neither proposals nor a path is refused", async () => {
    await refused(await forgeCommit(mallory, { proposals: [], path: undefined }), "empty-commit");
  });

  it("a commit of proposals by reference is refused (trap 5)", async () => {
    const reference = { proposalOrRefType: "reference" as const, reference: new Uint8Array(32) };
    await refused(
      await forgeCommit(mallory, { proposals: [reference], path: undefined }),
      "proposal-by-reference",
    );
  });

  it("a proposal on its own is refused; with ts-mls alone a leader's next rotation brings the ghost in (trap 5)", async () => {
    const proposed = await createProposal(
      unguarded(stateOf(mallory)),
      false,
      add(ghost.keyPackage.bytes),
      suite,
    );
    if (proposed.message.wireformat !== "mls_private_message") throw new Error();
    const bytes = encodePrivateMessage(proposed.message.privateMessage);
    await expect(openPrivateMessage(stateOf(ada), bytes)).rejects.toMatchObject({ code: "proposal-alone" });

    const tainted = bare(await rawReceive(ada, bytes));
    const rotation = await rawCommit(ada, {}, { state: tainted });
    expect(membersOf(rotation.newState).map(({ identity }) => text(identity))).toContain("ghost");
    const guarded = makeCommit({
      state: tainted,
      authenticatedData: NO_DATA,
      authority: authorityOf({}),
      at: NOW,
    });
    await expect(guarded).rejects.toMatchObject({ code: "pending-proposals" });
    const opening = openPrivateMessage(tainted, await say(bea, "x"));
    await expect(opening).rejects.toMatchObject({ code: "pending-proposals" });
  });

  it("an external commit is refused; with ts-mls alone a stranger with the group info walks in", async () => {
    const info = await createGroupInfoWithExternalPubAndRatchetTree(unguarded(stateOf(mallory)), [], suite);
    const { publicMessage } = await joinGroupExternal(
      info,
      decodeKeyPackage(ghost.keyPackage.bytes),
      privatePart(ghost.keyPackage, ghost.deviceKey),
      false,
      suite,
    );
    const message = { version: "mls10", wireformat: "mls_public_message", publicMessage } as const;
    const opening = openPrivateMessage(stateOf(ada), encodeMlsMessage(message));
    await expect(opening).rejects.toMatchObject({ code: "malformed" });
    const walkedIn = await processMessage(
      message,
      unguarded(stateOf(ada)),
      emptyPskIndex,
      () => "accept",
      suite,
    );
    expect(membersOf(walkedIn.newState).map(({ identity }) => text(identity))).toContain("ghost");
  });
});

describe("trap 10: a key package lives 14 days at most", () => {
  const lifetime = (from: number, to: number) => ({ notBefore: BigInt(from), notAfter: BigInt(to) });

  it("a longer one is refused, which ts-mls never does", async () => {
    const [long, forever] = [lifetime(NOW - 60, NOW + 15 * DAY), lifetime(0, Number.MAX_SAFE_INTEGER)];
    await refused(
      await forgeProposal(mallory, add(await changedKeyPackage(ghost, { lifetime: forever }))),
      "lifetime",
    );
    const made = await rawCommit(mallory, {
      extraProposals: [add(await changedKeyPackage(dia, { lifetime: long }))],
    });
    await refused(made.commit, "lifetime", { admitted: [ada, bea, mallory, dia] });
    await unguardedApply(made.commit);
    expect(names(ada)).toContain("dia");
  });

  it("an expired one is refused by when the commit was made, not by the reader's clock", async () => {
    const made = await rawCommit(mallory, { extraProposals: [add(dia.keyPackage.bytes)] });
    const rules = { admitted: [ada, bea, mallory, dia] };
    await refused(made.commit, "lifetime", rules, NOW + 15 * DAY);
    await refused(made.commit, "lifetime", rules, NOW - 2 * DAY);
    expect((await judged(ada, made.commit, rules, NOW + 13 * DAY)).kind).toBe("new-epoch");
  });
});

describe("a leaf must not block or widen the group", () => {
  it("an add without the basic credential type is refused; with ts-mls alone the next honest add fails", async () => {
    const narrow = await changedKeyPackage(ghost, { capabilities: { ...CAPABILITIES, credentials: [] } });
    const made = await rawCommit(mallory, { extraProposals: [add(narrow)] });
    await refused(made.commit, "capabilities", { admitted: [ada, bea, mallory, ghost] });
    await unguardedApply(made.commit);
    await expect(addAll(ada, [dia], [])).rejects.toThrow();
  });

  it("an add with extensions on the leaf or on the key package is refused", async () => {
    const extensions = [{ extensionType: 0xf00d, extensionData: utf8("x") }];
    const capabilities = { ...CAPABILITIES, extensions: [0xf00d] };
    for (const bytes of [
      await changedKeyPackage(ghost, { capabilities, extensions }),
      await changedKeyPackage(ghost, {}, { extensions }),
    ]) {
      const made = await rawCommit(mallory, { extraProposals: [add(bytes)] });
      await refused(made.commit, "capabilities", { admitted: [ada, bea, mallory, ghost] });
    }
  });
});
