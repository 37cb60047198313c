import { ed25519 } from "@noble/curves/ed25519.js";
import type { CiphersuiteImpl } from "ts-mls/crypto/ciphersuite.js";
import type { PublicKey } from "ts-mls/crypto/hpke.js";
import { beforeEach, describe, expect, it } from "vitest";
import { equalBytes, utf8 } from "../../src/crypto/bytes";
import { makeCommit } from "../../src/crypto/groupRules";
import { membersOf, ownLeafIndex } from "../../src/crypto/groupState";
import { CAPABILITIES } from "../../src/crypto/keyPackage";
import { suite } from "../../src/crypto/provider";
import { decodeKeyPackage } from "../../src/crypto/wire";
import {
  add,
  changedKeyPackage,
  forgeProposal,
  rawCommit,
  rawReceive,
  withOwnLeaf,
  falseParentKeys,
} from "./hostile";
import {
  addAll,
  newPerson,
  newRoom,
  NO_DATA,
  NOW,
  stateOf,
  type Person,
  authorityOf,
  names,
  type Rules,
} from "./people";
import { appliesUnguarded, refuses } from "./judging";

let ada: Person, bea: Person, mallory: Person, dia: Person, ghost: Person;
beforeEach(async () => {
  [ada, bea, mallory] = (await newRoom("ada", "bea", "mallory")) as [Person, Person, Person];
  [dia, ghost] = [await newPerson("dia"), await newPerson("ghost")];
});

const refused = (bytes: Uint8Array, code: string, rules: Rules = {}, at = NOW) =>
  refuses(ada, bytes, code, { admitted: [ada, bea, mallory], ...rules }, at);
const unguardedApply = (bytes: Uint8Array) => appliesUnguarded(ada, bytes);

describe("trap 4: a path may renew the encryption key and nothing else", () => {
  it("a member cannot rename its leaf; with ts-mls alone it becomes the moderator", async () => {
    const state = withOwnLeaf(stateOf(mallory), {
      credential: { credentialType: "basic", identity: utf8("moderator") },
    });
    const made = await rawCommit(mallory, {}, { state });
    await refused(made.commit, "path-leaf-changed");
    await unguardedApply(made.commit);
    expect(names(ada)).toContain("moderator");
  });

  it("a member cannot swap its signature key", async () => {
    const seed = ed25519.utils.randomSecretKey();
    const state = withOwnLeaf(stateOf(mallory), { signaturePublicKey: ed25519.getPublicKey(seed) });
    const marker = Buffer.from("LeafNodeTBS");
    const twoKeys: CiphersuiteImpl = {
      ...suite,
      signature: {
        ...suite.signature,
        sign: (key, message) =>
          suite.signature.sign(Buffer.from(message).includes(marker) ? seed : key, message),
      },
    };
    const made = await rawCommit(mallory, {}, { state, suite: twoKeys });
    await refused(made.commit, "path-leaf-changed");
    await unguardedApply(made.commit);
    expect(
      membersOf(stateOf(ada)).some(({ signatureKey }) =>
        equalBytes(signatureKey, ed25519.getPublicKey(seed)),
      ),
    ).toBe(true);
  });

  it("a member cannot drop a capability; with ts-mls alone nobody can be added any more", async () => {
    const state = withOwnLeaf(stateOf(mallory), { capabilities: { ...CAPABILITIES, credentials: [] } });
    const made = await rawCommit(mallory, {}, { state });
    await refused(made.commit, "path-leaf-changed");
    await unguardedApply(made.commit);
    await expect(addAll(ada, [dia], [])).rejects.toThrow();
  });
});

/** A provider that gives `key` out as the public key of the attacker's new leaf. */
function leafKeyIs(key: Uint8Array): CiphersuiteImpl {
  let leafKey: PublicKey | undefined;
  const deriveKeyPair = async (ikm: Uint8Array) => {
    const pair = await suite.hpke.deriveKeyPair(ikm);
    leafKey ??= pair.publicKey; // the leaf's is derived first
    return pair;
  };
  const exportPublicKey = async (handle: PublicKey) =>
    handle === leafKey ? key : suite.hpke.exportPublicKey(handle);
  return { ...suite, hpke: { ...suite.hpke, deriveKeyPair, exportPublicKey } };
}

describe("trap 12: every key stands once in the tree", () => {
  const keyOf = (person: Person) =>
    membersOf(stateOf(person))[ownLeafIndex(stateOf(person))]?.encryptionKey ?? NO_DATA;

  it("an add with a member's encryption key is refused; with ts-mls alone the next honest add fails", async () => {
    const copied = await changedKeyPackage(ghost, { hpkePublicKey: keyOf(bea) });
    const made = await rawCommit(mallory, { extraProposals: [add(copied)] });
    const admitted = [ada, bea, mallory, ghost];
    await refused(made.commit, "key-not-unique", { admitted });
    await unguardedApply(made.commit);
    await expect(addAll(ada, [dia], [])).rejects.toThrow(/hpke keys not unique/);
  });

  it("we do not make such an add ourselves", async () => {
    const copied = await changedKeyPackage(ghost, { hpkePublicKey: keyOf(bea) });
    const authority = authorityOf({ admitted: [ada, bea, mallory, ghost] });
    const making = makeCommit({
      state: stateOf(ada),
      adds: [copied],
      authenticatedData: NO_DATA,
      authority,
      at: NOW,
    });
    await expect(making).rejects.toMatchObject({ code: "key-not-unique" });
  });

  it("two adds that share an encryption key are refused", async () => {
    const { hpkePublicKey } = decodeKeyPackage(dia.keyPackage.bytes).leafNode;
    const copied = await changedKeyPackage(ghost, { hpkePublicKey });
    const made = await rawCommit(mallory, { extraProposals: [add(dia.keyPackage.bytes), add(copied)] });
    await refused(made.commit, "key-not-unique", { admitted: [ada, bea, mallory, dia, ghost] });
  });

  it("a path whose leaf takes another member's encryption key is refused; ts-mls alone accepts it", async () => {
    const made = await rawCommit(mallory, {}, { suite: leafKeyIs(keyOf(bea)) });
    await refused(made.commit, "key-not-unique");
    await unguardedApply(made.commit);
    await expect(addAll(ada, [dia], [])).rejects.toThrow(/hpke keys not unique/);
  });

  it("an add with a member's signature key is refused", async () => {
    const twin = await newPerson("twin");
    const copied = await changedKeyPackage(
      { ...twin, deviceKey: mallory.deviceKey },
      { signaturePublicKey: mallory.deviceKey.publicKey },
    );
    const bytes = await forgeProposal(mallory, add(copied));
    const rules = { admitted: [ada, bea, mallory, { ...twin, deviceKey: mallory.deviceKey }] };
    await refused(bytes, "invalid-commit", rules);
  });
});

describe("private keys must match the tree (RFC 9420 §12.4.3.1)", () => {
  it("a path whose public keys are not those of its secrets is refused; ts-mls alone takes it", async () => {
    const made = await rawCommit(mallory, {}, { suite: falseParentKeys() });
    await refused(made.commit, "parent-keys");
    await expect(rawReceive(ada, made.commit)).resolves.toBeDefined();
  });
});
