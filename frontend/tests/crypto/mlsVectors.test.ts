/**
 * The official MLS vectors on what runs: ts-mls with our patch and our crypto provider, suite 0x0001.
 * Where they come from, and which are left out, is in vectors/README.md.
 */
import { decodeAuthenticatedContent } from "ts-mls/authenticatedContent.js";
import { defaultClientConfig } from "ts-mls/clientConfig.js";
import { joinGroup, makePskIndex, validateRatchetTree, type ClientState } from "ts-mls/clientState.js";
import { encodeCommit } from "ts-mls/commit.js";
import { decryptWithLabel, encryptWithLabel } from "ts-mls/crypto/hpke.js";
import { refhash } from "ts-mls/crypto/hash.js";
import { deriveSecret, deriveTreeSecret, expandWithLabel } from "ts-mls/crypto/kdf.js";
import { signWithLabel, verifyWithLabel } from "ts-mls/crypto/signature.js";
import { verifyConfirmationTag } from "ts-mls/framedContent.js";
import { decodeMlsMessage, encodeMlsMessage, type MLSMessage } from "ts-mls/message.js";
import { unprotectPrivateMessage } from "ts-mls/messageProtection.js";
import { processPublicMessage } from "ts-mls/processMessages.js";
import { encodeProposal } from "ts-mls/proposal.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import { decodeRatchetTree, type RatchetTree } from "ts-mls/ratchetTree.js";
import { createSecretTree } from "ts-mls/secretTree.js";
import { createConfirmedHash, createInterimHash } from "ts-mls/transcriptHash.js";
import { treeHash } from "ts-mls/treeHash.js";
import { toNodeIndex } from "ts-mls/treemath.js";
import { describe, expect, it } from "vitest";
import { fromHex as decodeHex, toHex } from "../../src/crypto/hex";
import { RETENTION } from "../../src/crypto/mlsConfig";
import { suite } from "../../src/crypto/provider";
import vectors from "./vectors/mlsSuite1.json";

const { crypto_basics: basics, message_protection: protection, passive_client: passive } = vectors;

function fromHex(text: string): Uint8Array {
  const bytes = decodeHex(text);
  if (bytes === null) throw new Error("not hexadecimal");
  return bytes;
}

function message(hex: string): MLSMessage {
  const bytes = fromHex(hex);
  const decoded = decodeMlsMessage(bytes, 0);
  if (decoded === undefined || decoded[1] !== bytes.length) throw new Error("a vector does not decode");
  expect(toHex(encodeMlsMessage(decoded[0]))).toBe(hex);
  return decoded[0];
}

function only<W extends MLSMessage["wireformat"]>(kind: W, hex: string): MLSMessage & { wireformat: W } {
  const decoded = message(hex);
  if (decoded.wireformat !== kind) throw new Error(decoded.wireformat);
  return decoded as MLSMessage & { wireformat: W };
}

function treeOf(hex: string): RatchetTree {
  const decoded = decodeRatchetTree(fromHex(hex), 0);
  if (decoded === undefined) throw new Error("the tree does not decode");
  return decoded[0];
}

describe("the official vectors", () => {
  it("crypto-basics: hashing, deriving and expanding with a label", async () => {
    const { ref_hash: ref, expand_with_label: expand, derive_secret: derive } = basics;
    expect(toHex(await refhash(ref.label, fromHex(ref.value), suite.hash))).toBe(ref.out);
    const secret = fromHex(expand.secret);
    const context = fromHex(expand.context);
    const out = await expandWithLabel(secret, expand.label, context, expand.length, suite.kdf);
    expect(toHex(out)).toBe(expand.out);
    expect(toHex(await deriveSecret(fromHex(derive.secret), derive.label, suite.kdf))).toBe(derive.out);
    const tree = basics.derive_tree_secret;
    const leaf = await deriveTreeSecret(
      fromHex(tree.secret),
      tree.label,
      tree.generation,
      tree.length,
      suite.kdf,
    );
    expect(toHex(leaf)).toBe(tree.out);
  });

  it("crypto-basics: signing with a label", async () => {
    const { priv, pub, label, content, signature } = basics.sign_with_label;
    const made = await signWithLabel(fromHex(priv), label, fromHex(content), suite.signature);
    expect(toHex(made)).toBe(signature);
    const holds = (bytes: string) =>
      verifyWithLabel(fromHex(pub), label, fromHex(bytes), fromHex(signature), suite.signature);
    expect(await holds(content)).toBe(true);
    expect(await holds(pub)).toBe(false);
  });

  it("crypto-basics: encrypting with a label, theirs opened and ours too", async () => {
    const given = basics.encrypt_with_label;
    const [priv, pub] = [fromHex(given.priv), fromHex(given.pub)];
    const context = fromHex(given.context);
    const privateKey = await suite.hpke.importPrivateKey(priv);
    const open = (enc: Uint8Array, ct: Uint8Array) =>
      decryptWithLabel(privateKey, given.label, context, enc, ct, suite.hpke);
    expect(toHex(await open(fromHex(given.kem_output), fromHex(given.ciphertext)))).toBe(given.plaintext);
    const publicKey = await suite.hpke.importPublicKey(pub);
    const plaintext = fromHex(given.plaintext);
    const made = await encryptWithLabel(publicKey, given.label, context, plaintext, suite.hpke);
    expect(toHex(await open(made.enc, made.ct))).toBe(given.plaintext);
  });

  it("transcript-hashes: the confirmed and the interim hash after a commit, and its tag", async () => {
    for (const given of vectors.transcript_hashes) {
      const decoded = decodeAuthenticatedContent(fromHex(given.authenticated_content), 0);
      if (decoded === undefined) throw new Error("does not decode");
      const { wireformat, content, auth } = decoded[0];
      if (content.contentType !== "commit" || auth.contentType !== "commit") throw new Error("no commit");
      const before = fromHex(given.interim_transcript_hash_before);
      const input = { wireformat, content, signature: auth.signature };
      const confirmed = await createConfirmedHash(before, input, suite.hash);
      expect(toHex(confirmed)).toBe(given.confirmed_transcript_hash_after);
      const interim = await createInterimHash(confirmed, auth.confirmationTag, suite.hash);
      expect(toHex(interim)).toBe(given.interim_transcript_hash_after);
      const key = fromHex(given.confirmation_key);
      expect(await verifyConfirmationTag(key, auth.confirmationTag, confirmed, suite.hash)).toBe(true);
    }
  });

  it("tree-validation: each node's hash, and the patched validation accepts the whole tree (its signatures apart)", async () => {
    for (const given of vectors.tree_validation) {
      const tree = treeOf(given.tree);
      for (const [index, hash] of given.tree_hashes.entries()) {
        expect(toHex(await treeHash(tree, toNodeIndex(index), suite.hash))).toBe(hash);
      }
      const root = fromHex(given.tree_hashes[(given.tree_hashes.length - 1) / 2] ?? "");
      expect(await validate(tree, given.group_id, root)).toBeUndefined();
      const other = fromHex(given.tree_hashes[0] ?? "");
      expect(await validate(tree, given.group_id, other)).toBeDefined();
    }
  });

  it("message-protection: a proposal, a commit and a message, each in a private message", async () => {
    const groupContext = {
      version: "mls10" as const,
      cipherSuite: suite.name,
      groupId: fromHex(protection.group_id),
      epoch: BigInt(protection.epoch),
      treeHash: fromHex(protection.tree_hash),
      confirmedTranscriptHash: fromHex(protection.confirmed_transcript_hash),
      extensions: [],
    };
    const open = async (hex: string) => {
      const { privateMessage } = only("mls_private_message", hex);
      const opened = await unprotectPrivateMessage(
        fromHex(protection.sender_data_secret),
        privateMessage,
        await createSecretTree(2, fromHex(protection.encryption_secret), suite.kdf),
        treeOf(vectors.tree_validation[0]?.tree ?? ""),
        groupContext,
        RETENTION,
        suite,
        fromHex(protection.signature_pub),
      );
      return opened.content.content;
    };
    const application = await open(protection.application_priv);
    if (application.contentType !== "application") throw new Error(application.contentType);
    expect(toHex(application.applicationData)).toBe(protection.application);
    const proposal = await open(protection.proposal_priv);
    if (proposal.contentType !== "proposal") throw new Error(proposal.contentType);
    expect(toHex(encodeProposal(proposal.proposal))).toBe(protection.proposal);
    const commit = await open(protection.commit_priv);
    if (commit.contentType !== "commit") throw new Error(commit.contentType);
    expect(toHex(encodeCommit(commit.commit))).toBe(protection.commit);
  });

  it("passive-client-handling-commit: joins by a Welcome and follows two commits", async () => {
    let state = await joinPassively();
    expect(toHex(state.keySchedule.epochAuthenticator)).toBe(passive.initial_epoch_authenticator);
    for (const { commit, epoch_authenticator: expected } of passive.epochs) {
      const { publicMessage } = only("mls_public_message", commit);
      ({ newState: state } = await processPublicMessage(state, publicMessage, emptyPskIndex, suite));
      expect(toHex(state.keySchedule.epochAuthenticator)).toBe(expected);
    }
  });

  it("passive-client-handling-commit: a flipped bit anywhere in a commit is refused", async () => {
    const state = await joinPassively();
    const bytes = fromHex(passive.epochs[0]?.commit ?? "");
    for (let at = 60; at < bytes.length; at += 97) {
      const flipped = bytes.slice();
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      const receive = async () => {
        const decoded = decodeMlsMessage(flipped, 0);
        if (decoded?.[0].wireformat !== "mls_public_message") throw new Error("does not decode");
        await processPublicMessage(state, decoded[0].publicMessage, emptyPskIndex, suite);
      };
      await expect(receive()).rejects.toThrow();
    }
  });
});

const accepting = { validateCredential: async () => true };
const anyTime = { ...defaultClientConfig.lifetimeConfig, validateLifetimeOnReceive: false };

function validate(tree: RatchetTree, groupId: string, hash: Uint8Array) {
  const context = {
    version: "mls10" as const,
    cipherSuite: suite.name,
    groupId: fromHex(groupId),
    epoch: 0n,
    treeHash: hash,
    confirmedTranscriptHash: new Uint8Array(0),
    extensions: [],
  };
  const anySignature = { ...suite, signature: { ...suite.signature, verify: async () => true } };
  return validateRatchetTree(tree, context, anyTime, accepting, hash, anySignature);
}

function joinPassively(): Promise<ClientState> {
  const { keyPackage } = only("mls_key_package", passive.key_package);
  const { welcome } = only("mls_welcome", passive.welcome);
  const keys = {
    initPrivateKey: fromHex(passive.init_priv),
    hpkePrivateKey: fromHex(passive.encryption_priv),
    // Theirs is the seed and the public key together, ours the seed alone.
    signaturePrivateKey: fromHex(passive.signature_priv).slice(0, 32),
  };
  const config = { ...defaultClientConfig, lifetimeConfig: anyTime };
  const psks = makePskIndex(undefined, {
    [Buffer.from(fromHex(passive.external_psk.psk_id)).toString("base64")]: fromHex(passive.external_psk.psk),
  });
  return joinGroup(welcome, keyPackage, keys, psks, suite, undefined, undefined, config);
}
