import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/crypto/bytes";
import {
  aeadOpen,
  aeadSeal,
  deriveKeys,
  newBoxKey,
  newSigningKey,
  open,
  phraseSalt,
  seal,
  sign,
  signingKeyFromSeed,
  verify,
} from "../../src/crypto/sodium";

type Vectors = {
  root: string;
  signatures: { label: string; body: string; seed: string; public_key: string; signature: string }[];
  sealed_boxes: { private_key: string; public_key: string; plaintext: string; sealed: string }[];
  aead: { key: string; associated_data: string; plaintext: string; sealed: string }[];
  phrase_keys: {
    phrase: string;
    handle: string;
    salt: string;
    sign_in: string;
    backup: string;
    local: string;
  }[];
};

/** Written by PyNaCl: tests/vectors/make_sodium.py. */
const vectors = JSON.parse(
  readFileSync(new URL("../../../tests/vectors/sodium.json", import.meta.url), "utf8"),
) as Vectors;
const root = hexToBytes(vectors.root);

describe("signatures", () => {
  it.each(vectors.signatures)("agree with libsodium for $label", (vector) => {
    const { seed, publicKey } = signingKeyFromSeed(hexToBytes(vector.seed));
    expect(bytesToHex(publicKey)).toBe(vector.public_key);
    const body = hexToBytes(vector.body);
    expect(bytesToHex(sign(vector.label, root, body, seed))).toBe(vector.signature);
    expect(verify(vector.label, root, body, hexToBytes(vector.signature), publicKey)).toBe(true);
  });

  it("do not count under another label, in another community, over another body or by another key", () => {
    const [key, other] = [newSigningKey(), newSigningKey()];
    const [body, elsewhere] = [utf8("body"), new Uint8Array(32).fill(9)];
    const signature = sign("remove", root, body, key.seed);
    expect(verify("remove", root, body, signature, key.publicKey)).toBe(true);
    expect(verify("admit", root, body, signature, key.publicKey)).toBe(false);
    expect(verify("remove", elsewhere, body, signature, key.publicKey)).toBe(false);
    expect(verify("remove", root, utf8("bodY"), signature, key.publicKey)).toBe(false);
    expect(verify("remove", root, body, signature, other.publicKey)).toBe(false);
  });

  it("cannot be made over a label or a root that would shift the boundaries", () => {
    const { seed } = newSigningKey();
    expect(() => sign("a\0b", root, utf8(""), seed)).toThrow();
    expect(() => sign("a", root.slice(1), utf8(""), seed)).toThrow();
  });
});

describe("sealed boxes", () => {
  it.each(vectors.sealed_boxes)("made by libsodium are opened: $plaintext.length hex digits", (vector) => {
    const recipient = {
      privateKey: hexToBytes(vector.private_key),
      publicKey: hexToBytes(vector.public_key),
    };
    expect(bytesToHex(open(recipient, hexToBytes(vector.sealed)))).toBe(vector.plaintext);
  });

  it("are opened by the recipient alone, and not once changed", () => {
    const [recipient, other] = [newBoxKey(), newBoxKey()];
    const sealed = seal(recipient.publicKey, utf8("a report"));
    expect(open(recipient, sealed)).toEqual(utf8("a report"));
    expect(() => open(other, sealed)).toThrow(expect.objectContaining({ code: "undecipherable" }));
    for (const position of [0, 32, sealed.length - 1]) {
      const changed = sealed.slice();
      changed[position] = (changed[position] ?? 0) ^ 1;
      expect(() => open(recipient, changed)).toThrow();
    }
    expect(() => open(recipient, sealed.slice(0, 40))).toThrow();
  });

  it("are not made to a key of small order", () => {
    expect(() => seal(new Uint8Array(32), utf8("x"))).toThrow();
  });
});

describe("sealed records", () => {
  it.each(vectors.aead)("made by libsodium are opened: $plaintext.length hex digits", (vector) => {
    const opened = aeadOpen(
      hexToBytes(vector.key),
      hexToBytes(vector.sealed),
      hexToBytes(vector.associated_data),
    );
    expect(bytesToHex(opened)).toBe(vector.plaintext);
  });

  it("are bound to their associated data and key, and differ each time", () => {
    const key = new Uint8Array(32).fill(1);
    const sealed = aeadSeal(key, utf8("state"), utf8("room 1"));
    expect(aeadOpen(key, sealed, utf8("room 1"))).toEqual(utf8("state"));
    expect(() => aeadOpen(key, sealed, utf8("room 2"))).toThrow(
      expect.objectContaining({ code: "undecipherable" }),
    );
    expect(() => aeadOpen(new Uint8Array(32), sealed, utf8("room 1"))).toThrow();
    expect(() => aeadOpen(key, sealed.slice(0, 20), utf8("room 1"))).toThrow();
    expect(aeadSeal(key, utf8("state"), utf8("room 1"))).not.toEqual(sealed);
  });
});

describe("keys from a phrase", () => {
  it.each(vectors.phrase_keys)("agree with libsodium for $handle", async (vector) => {
    expect(bytesToHex(phraseSalt(root, vector.handle))).toBe(vector.salt);
    const keys = await deriveKeys(vector.phrase, root, vector.handle);
    expect(bytesToHex(keys.signIn)).toBe(vector.sign_in);
    expect(bytesToHex(keys.backup)).toBe(vector.backup);
    expect(bytesToHex(keys.local)).toBe(vector.local);
  });

  it("differ by handle and by community", () => {
    const elsewhere = new Uint8Array(32).fill(9);
    expect(phraseSalt(root, "river")).not.toEqual(phraseSalt(root, "stone"));
    expect(phraseSalt(root, "river")).not.toEqual(phraseSalt(elsewhere, "river"));
    expect(phraseSalt(root, "River")).toEqual(phraseSalt(root, "river"));
  });
});
