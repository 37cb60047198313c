import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { ed25519 } from "@noble/curves/ed25519.js";
import { getCiphersuiteFromName } from "ts-mls/crypto/ciphersuite.js";
import { defaultCryptoProvider } from "ts-mls/crypto/implementation/default/provider.js";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/crypto/bytes";
import { deriveKeyPair, hpkeOpen, hpkeReceiveExport, hpkeSeal, hpkeSendExport } from "../../src/crypto/hpke";
import { SUITE_NAME, suite, verifyEd25519 } from "../../src/crypto/provider";

/** RFC 9180 appendix A.1.1, base mode, sequence number 0. */
const A1 = {
  info: "4f6465206f6e2061204772656369616e2055726e",
  ikmE: "7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234",
  pkEm: "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
  skEm: "52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736",
  ikmR: "6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f7013e525037",
  pkRm: "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d",
  skRm: "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
  aad: "436f756e742d30",
  pt: "4265617574792069732074727574682c20747275746820626561757479",
  ct: "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a",
  exports: [
    ["", "3853fe2b4035195a573ffc53856e77058e15d9ea064de3e59f4961d0095250ee"],
    ["00", "2e8f0b54673c7029649d4eb9d5e33bf1872cf76d623ff164ac185da9e88c21a5"],
    ["54657374436f6e74657874", "e9e43065102c3836401bed8c3c3c75ae46be1639869391d62c61f1ec7af54931"],
  ] as const,
};

describe("HPKE reproduces RFC 9180 A.1.1", () => {
  const ephemeral = deriveKeyPair(hexToBytes(A1.ikmE));
  const recipient = deriveKeyPair(hexToBytes(A1.ikmR));

  it("derives the key pairs", () => {
    expect(bytesToHex(ephemeral.privateKey)).toBe(A1.skEm);
    expect(bytesToHex(ephemeral.publicKey)).toBe(A1.pkEm);
    expect(bytesToHex(recipient.privateKey)).toBe(A1.skRm);
    expect(bytesToHex(recipient.publicKey)).toBe(A1.pkRm);
  });

  it("seals and opens", () => {
    const [info, aad, pt] = [hexToBytes(A1.info), hexToBytes(A1.aad), hexToBytes(A1.pt)];
    const { enc, ct } = hpkeSeal(recipient.publicKey, info, aad, pt, ephemeral);
    expect(bytesToHex(enc)).toBe(A1.pkEm);
    expect(bytesToHex(ct)).toBe(A1.ct);
    expect(bytesToHex(hpkeOpen(recipient.privateKey, enc, info, aad, ct))).toBe(A1.pt);
  });

  it.each(A1.exports)("exports for context %s", (context, expected) => {
    const [info, exporterContext] = [hexToBytes(A1.info), hexToBytes(context)];
    const sent = hpkeSendExport(recipient.publicKey, info, exporterContext, 32, ephemeral);
    expect(bytesToHex(sent.secret)).toBe(expected);
    const received = hpkeReceiveExport(recipient.privateKey, sent.enc, info, exporterContext, 32);
    expect(bytesToHex(received)).toBe(expected);
  });
});

describe("our provider and ts-mls's own agree", async () => {
  const theirs = await defaultCryptoProvider.getCiphersuiteImpl(getCiphersuiteFromName(SUITE_NAME));
  const [info, aad, text] = [utf8("info"), utf8("aad"), utf8("hello")];
  const directions = [
    ["ours seals, theirs opens", suite, theirs],
    ["theirs seals, ours opens", theirs, suite],
  ] as const;

  it.each(directions)("HPKE: %s", async (_name, from, to) => {
    const pair = await to.hpke.deriveKeyPair(new Uint8Array(32).fill(7));
    const publicKey = await from.hpke.importPublicKey(await to.hpke.exportPublicKey(pair.publicKey));
    const { ct, enc } = await from.hpke.seal(publicKey, text, info, aad);
    expect(await to.hpke.open(pair.privateKey, enc, ct, info, aad)).toEqual(text);
    const exported = await from.hpke.exportSecret(publicKey, utf8("context"), 32, info);
    const imported = await to.hpke.importSecret(pair.privateKey, utf8("context"), exported.enc, 32, info);
    expect(imported).toEqual(exported.secret);
  });

  it.each(directions)("AEAD, hash, MAC, KDF and signature: %s", async (_name, from, to) => {
    const [key, nonce] = [new Uint8Array(16).fill(1), new Uint8Array(12).fill(2)];
    expect(
      await to.hpke.decryptAead(key, nonce, aad, await from.hpke.encryptAead(key, nonce, aad, text)),
    ).toEqual(text);
    const bare = await from.hpke.encryptAead(key, nonce, undefined, text);
    expect(await to.hpke.decryptAead(key, nonce, undefined, bare)).toEqual(text);
    expect(await from.hash.digest(text)).toEqual(await to.hash.digest(text));
    expect(await to.hash.verifyMac(key, await from.hash.mac(key, text), text)).toBe(true);
    expect(await to.hash.verifyMac(key, await from.hash.mac(key, text), aad)).toBe(false);
    const salt = new Uint8Array(32).fill(4); // @hpke takes no other length; MLS always gives this one
    const prk = await from.kdf.extract(salt, text);
    expect(prk).toEqual(await to.kdf.extract(salt, text));
    expect(await from.kdf.expand(prk, info, 50)).toEqual(await to.kdf.expand(prk, info, 50));
    const seed = new Uint8Array(32).fill(9);
    const signature = await from.signature.sign(seed, text);
    expect(await to.signature.verify(ed25519.getPublicKey(seed), text, signature)).toBe(true);
  });

  it("derives the same HPKE key pair from the same secret", async () => {
    const ours = await suite.hpke.deriveKeyPair(new Uint8Array(32).fill(3));
    const other = await theirs.hpke.deriveKeyPair(new Uint8Array(32).fill(3));
    expect(await suite.hpke.exportPrivateKey(ours.privateKey)).toEqual(
      await theirs.hpke.exportPrivateKey(other.privateKey),
    );
  });
});

describe("the provider refuses", () => {
  it("an HPKE public key of small order, whose shared secret would be zero", () => {
    expect(() => hpkeSeal(new Uint8Array(32), utf8("i"), utf8("a"), utf8("p"))).toThrow();
  });

  it("a ciphertext with one bit flipped", () => {
    const pair = deriveKeyPair(new Uint8Array(32));
    const { enc, ct } = hpkeSeal(pair.publicKey, utf8("i"), utf8("a"), utf8("p"));
    ct[0] = (ct[0] ?? 0) ^ 1;
    expect(() => hpkeOpen(pair.privateKey, enc, utf8("i"), utf8("a"), ct)).toThrow();
  });

  it("an Ed25519 key of small order, which ZIP 215 would accept for any message", () => {
    const identity = new Uint8Array(32);
    identity[0] = 1;
    const signature = new Uint8Array(64);
    signature[0] = 1; // R = identity, S = 0
    expect(ed25519.verify(signature, utf8("anything"), identity)).toBe(true);
    expect(verifyEd25519(identity, utf8("anything"), signature)).toBe(false);
  });

  it("signatures and keys of the wrong length, without throwing", () => {
    expect(verifyEd25519(new Uint8Array(31), utf8("m"), new Uint8Array(64))).toBe(false);
    expect(verifyEd25519(new Uint8Array(32), utf8("m"), new Uint8Array(63))).toBe(false);
  });
});
