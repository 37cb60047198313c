import { createGroup as mlsCreateGroup } from "ts-mls/clientState.js";
import { defaultClientConfig } from "ts-mls/clientConfig.js";
import { createProposal } from "ts-mls/createMessage.js";
import { signWithLabel } from "ts-mls/crypto/signature.js";
import { encodeLeafNodeTBS } from "ts-mls/leafNode.js";
import { processPrivateMessage } from "ts-mls/processMessages.js";
import type { Proposal } from "ts-mls/proposal.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import { beforeEach, describe, expect, it } from "vitest";
import { concatBytes, utf8 } from "../../src/crypto/bytes";
import { joinRoom } from "../../src/crypto/groupRules";
import { bare, membersOf, ownLeafIndex } from "../../src/crypto/groupState";
import { CAPABILITIES, privatePart } from "../../src/crypto/keyPackage";
import { suite } from "../../src/crypto/provider";
import { decodeKeyPackage } from "../../src/crypto/wire";
import { add, changedKeyPackage, falseParentKeys, rawCommit, unguarded } from "./hostile";
import {
  addAll,
  authorityOf,
  GROUP_ID,
  newPerson,
  newRoom,
  NO_DATA,
  receiveCommit as follow,
  stateOf,
  type Person,
  type Rules,
} from "./people";

let ada: Person, bea: Person, mallory: Person, dia: Person, ghost: Person;
beforeEach(async () => {
  [ada, bea, mallory] = (await newRoom("ada", "bea", "mallory")) as [Person, Person, Person];
  [dia, ghost] = [await newPerson("dia"), await newPerson("ghost")];
});

function join(person: Person, welcome: Uint8Array | null, rules: Rules, groupId = GROUP_ID) {
  const { keyPackage, deviceKey } = person;
  const authority = authorityOf(rules);
  return joinRoom({ welcome: welcome ?? NO_DATA, keyPackage, deviceKey, groupId, authority });
}

describe("a joiner refuses", () => {
  it("a room with any leaf that no log admits (rule 1)", async () => {
    await follow(bea, (await addAll(mallory, [ghost], [ada])).commit);
    const { welcome } = await addAll(ada, [dia], [bea, mallory, ghost]);
    const admitted = [ada, bea, mallory, dia];
    await expect(join(dia, welcome, { admitted })).rejects.toMatchObject({ code: "leaf-not-allowed" });
    const { newState } = await join(dia, welcome, { admitted: [...admitted, ghost] });
    expect(membersOf(newState)).toHaveLength(5);
  });

  it("another room than the one that it was admitted to (rule 8)", async () => {
    const { welcome } = await addAll(ada, [dia], []);
    const rules = { admitted: [ada, bea, mallory, dia] };
    await expect(join(dia, welcome, rules, utf8("room-2"))).rejects.toMatchObject({ code: "wrong-group" });
  });

  it("a group with extensions, such as external senders", async () => {
    const secrets = privatePart(mallory.keyPackage, mallory.deviceKey);
    const own = decodeKeyPackage(mallory.keyPackage.bytes);
    const credential = own.leafNode.credential;
    if (credential.credentialType !== "basic") throw new Error();
    const sender = concatBytes(
      Uint8Array.of(32),
      ghost.deviceKey.publicKey,
      Uint8Array.of(0, 1, credential.identity.length),
      credential.identity,
    );
    const extensions = [{ extensionType: "external_senders" as const, extensionData: sender }];
    mallory.state = bare(
      await mlsCreateGroup(GROUP_ID, own, secrets, extensions, suite, defaultClientConfig),
    );
    const made = await rawCommit(mallory, { extraProposals: [add(dia.keyPackage.bytes)] });
    const joining = join(dia, made.welcome, { admitted: [mallory, dia] });
    await expect(joining).rejects.toMatchObject({ code: "group-extensions" });
  });

  it("a Welcome with more than the ratchet tree in it, such as the key for external commits", async () => {
    const made = await rawCommit(mallory, {
      extraProposals: [add(dia.keyPackage.bytes)],
      groupInfoExtensions: [{ extensionType: "external_pub", extensionData: new Uint8Array(32) }],
    });
    const joining = join(dia, made.welcome, { admitted: [ada, bea, mallory, dia] });
    await expect(joining).rejects.toMatchObject({ code: "group-info-extensions" });
  });

  it("a Welcome without a ratchet tree, for another key package, or with a bit flipped", async () => {
    const rules = { admitted: [ada, bea, mallory, dia] };
    const extraProposals = [add(dia.keyPackage.bytes)];
    const bare = await rawCommit(mallory, { extraProposals, ratchetTreeExtension: false });
    await expect(join(dia, bare.welcome, rules)).rejects.toMatchObject({ code: "invalid-welcome" });
    const { welcome } = await rawCommit(mallory, { extraProposals });
    await expect(join(ghost, welcome, rules)).rejects.toMatchObject({ code: "no-key-package" });
    const flipped = (welcome ?? NO_DATA).slice();
    flipped[flipped.length - 1] = (flipped[flipped.length - 1] ?? 0) ^ 1;
    await expect(join(dia, flipped, rules)).rejects.toMatchObject({ code: "invalid-welcome" });
  });

  it("a room whose tree holds a shared key, a blocking leaf or a leaf without end", async () => {
    const eve = await newPerson("eve");
    const shared = decodeKeyPackage(eve.keyPackage.bytes).leafNode.hpkePublicKey;
    const cases: [Uint8Array, string][] = [
      [await changedKeyPackage(ghost, { hpkePublicKey: shared }), "invalid-welcome"],
      [
        await changedKeyPackage(ghost, { capabilities: { ...CAPABILITIES, ciphersuites: [] } }),
        "capabilities",
      ],
      [await changedKeyPackage(ghost, { lifetime: { notBefore: 0n, notAfter: 1n << 40n } }), "lifetime"],
    ];
    for (const [bytes, code] of cases) {
      const extraProposals = [add(eve.keyPackage.bytes), add(bytes), add(dia.keyPackage.bytes)];
      const made = await rawCommit(mallory, { extraProposals });
      const joining = join(dia, made.welcome, { admitted: [ada, bea, mallory, eve, ghost, dia] });
      await expect(joining).rejects.toMatchObject({ code });
    }
  });

  it("a Welcome whose path secret does not lead to the keys in the tree (RFC 9420 §12.4.3.1)", async () => {
    const removed = ownLeafIndex(stateOf(bea));
    const extraProposals: Proposal[] = [
      { proposalType: "remove", remove: { removed } },
      add(dia.keyPackage.bytes),
    ];
    const made = await rawCommit(mallory, { extraProposals }, { suite: falseParentKeys() });
    const joining = join(dia, made.welcome, { admitted: [ada, mallory, dia] });
    await expect(joining).rejects.toMatchObject({ code: "parent-keys" });
  });

  it("a room with a leaf from an Update, which nobody here may commit", async () => {
    const state = stateOf(mallory);
    const leafIndex = ownLeafIndex(state);
    const node = state.ratchetTree[leafIndex * 2];
    if (node?.nodeType !== "leaf") throw new Error();
    const { hpkePublicKey } = decodeKeyPackage(ghost.keyPackage.bytes).leafNode;
    const leaf = {
      ...node.leaf,
      leafNodeSource: "update" as const,
      hpkePublicKey,
      groupId: GROUP_ID,
      leafIndex,
    };
    const { seed } = mallory.deviceKey;
    const signature = await signWithLabel(seed, "LeafNodeTBS", encodeLeafNodeTBS(leaf), suite.signature);
    const proposal: Proposal = { proposalType: "update", update: { leafNode: { ...leaf, signature } } };
    const proposed = await createProposal(unguarded(state), false, proposal, suite);
    if (proposed.message.wireformat !== "mls_private_message") throw new Error();
    const { privateMessage } = proposed.message;
    const tainted = await processPrivateMessage(
      unguarded(stateOf(bea)),
      privateMessage,
      emptyPskIndex,
      suite,
    );
    const made = await rawCommit(
      bea,
      { extraProposals: [add(dia.keyPackage.bytes)] },
      { state: bare(tainted.newState) },
    );
    const joining = join(dia, made.welcome, { admitted: [ada, bea, mallory, dia] });
    await expect(joining).rejects.toMatchObject({ code: "leaf-source" });
  });
});
