// The parts of @noble/curves/ed25519.js that src/crypto uses, on OpenSSL. Lengths are checked as noble checks them.
import { createPrivateKey, createPublicKey, diffieHellman, randomBytes, sign, verify } from "node:crypto";
import * as noble from "@noble/curves/ed25519.js";

const PRIVATE = { ed25519: "302e020100300506032b657004220420", x25519: "302e020100300506032b656e04220420" };
const PUBLIC = { ed25519: "302a300506032b6570032100", x25519: "302a300506032b656e032100" };

const kept = new Map();
const KEPT_MAX = 4_096;

/** Reading a key costs OpenSSL more than using it, and the same few are used over and over. */
function keyOf(prefix, bytes, make, type) {
  if (bytes.length !== 32) throw new Error("a key has 32 bytes");
  const der = Buffer.concat([Buffer.from(prefix, "hex"), bytes]);
  const name = der.toString("latin1");
  let key = kept.get(name);
  if (key === undefined) {
    key = make({ key: der, format: "der", type });
    if (kept.size >= KEPT_MAX) kept.clear();
    kept.set(name, key);
  }
  return key;
}
const privateKey = (curve, bytes) => keyOf(PRIVATE[curve], bytes, createPrivateKey, "pkcs8");
const publicKey = (curve, bytes) => keyOf(PUBLIC[curve], bytes, createPublicKey, "spki");
const raw = (key) => Uint8Array.from(key.export({ format: "der", type: "spki" }).subarray(-32));

export const ed25519 = {
  ...noble.ed25519,
  getPublicKey: (seed) => raw(createPublicKey(privateKey("ed25519", seed))),
  sign: (message, seed) => Uint8Array.from(sign(null, message, privateKey("ed25519", seed))),
  verify: (signature, message, key) => verify(null, message, publicKey("ed25519", key), signature),
};

export const x25519 = {
  ...noble.x25519,
  getPublicKey: (secret) => raw(createPublicKey(privateKey("x25519", secret))),
  getSharedSecret: (secret, key) =>
    Uint8Array.from(
      diffieHellman({ privateKey: privateKey("x25519", secret), publicKey: publicKey("x25519", key) }),
    ),
  utils: { ...noble.x25519.utils, randomSecretKey: () => Uint8Array.from(randomBytes(32)) },
};
