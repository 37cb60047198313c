/** The harness's OpenSSL curves are the app's noble curves: the same bytes out for the same bytes in, the same refusals. */
import * as noble from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as openssl from "./opensslCurves.mjs";

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("each signs what the other checks, in the same bytes", () => {
  fc.assert(
    fc.property(key, fc.uint8Array({ maxLength: 200 }), (seed, message) => {
      const publicKey = noble.ed25519.getPublicKey(seed);
      const signature = noble.ed25519.sign(message, seed);
      expect(hex(openssl.ed25519.getPublicKey(seed))).toBe(hex(publicKey));
      expect(hex(openssl.ed25519.sign(message, seed))).toBe(hex(signature));
      expect(openssl.ed25519.verify(signature, message, publicKey)).toBe(true);
      const other = Uint8Array.from([...message, 0]);
      expect(openssl.ed25519.verify(signature, other, publicKey)).toBe(false);
    }),
    { numRuns: 30 },
  );
});

test("each agrees with the other on a secret", () => {
  fc.assert(
    fc.property(key, key, (mine, yours) => {
      const publicKey = noble.x25519.getPublicKey(yours);
      expect(hex(openssl.x25519.getPublicKey(yours))).toBe(hex(publicKey));
      const secret = noble.x25519.getSharedSecret(mine, publicKey);
      expect(hex(openssl.x25519.getSharedSecret(mine, publicKey))).toBe(hex(secret));
    }),
    { numRuns: 30 },
  );
});

test("neither takes a key of another length, nor a point that gives no secret", () => {
  const secret = new Uint8Array(32).fill(7);
  for (const { x25519, ed25519 } of [noble, openssl]) {
    expect(() => x25519.getSharedSecret(secret, new Uint8Array(31))).toThrow();
    expect(() => x25519.getSharedSecret(secret, new Uint8Array(32))).toThrow();
    expect(() => ed25519.sign(secret, new Uint8Array(33))).toThrow();
  }
});
