/**
 * Our crypto provider for ts-mls: cipher suite 0x0001, MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519, on @noble alone.
 *
 * No WebCrypto subtle (old phones lack Ed25519 and X25519 in it, and ts-mls would take it unchecked), no @hpke (18 KB),
 * no other suite. The one thing taken from the platform is `crypto.getRandomValues`, through @noble.
 */
import { gcm } from "@noble/ciphers/aes.js";
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { randomBytes } from "@noble/hashes/utils.js";
import type { CiphersuiteImpl } from "ts-mls/crypto/ciphersuite.js";
import type { PrivateKey, PublicKey } from "ts-mls/crypto/hpke.js";
import { equalBytes } from "./bytes";
import {
  AEAD_KEY_LENGTH,
  AEAD_NONCE_LENGTH,
  derivePrivateKey,
  hpkeOpen,
  hpkeReceiveExport,
  hpkeSeal,
  hpkeSendExport,
  x25519KeyPair,
  type HpkeKeyPair,
} from "./hpke";

export const SUITE_NAME = "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519";

const EMPTY = new Uint8Array(0);

// ts-mls types HPKE keys as CryptoKey but only ever hands them back to the provider, so ours are the raw bytes.
const sealed = (key: Uint8Array): PrivateKey => key as unknown as PrivateKey;
const open = (key: Uint8Array): PublicKey => key as unknown as PublicKey;
const raw = (key: PrivateKey | PublicKey): Uint8Array => key as unknown as Uint8Array;
const handles = (pair: HpkeKeyPair) => ({
  privateKey: sealed(pair.privateKey),
  publicKey: open(pair.publicKey),
});

/** ts-mls derives a pair for each node of a path and often takes the private half alone; the public one costs most. */
function lazyHandles(privateKey: Uint8Array): { privateKey: PrivateKey; publicKey: PublicKey } {
  let publicKey: PublicKey | undefined;
  return {
    privateKey: sealed(privateKey),
    get publicKey() {
      return (publicKey ??= open(x25519.getPublicKey(privateKey)));
    },
  };
}

function x25519Bytes(key: Uint8Array): Uint8Array {
  if (key.length !== x25519.lengths.publicKey) throw new Error("an X25519 key has 32 bytes");
  return key;
}

/**
 * RFC 8032 §5.1.7 with noble's strict rules: canonical encodings, no point of small order. ZIP 215, noble's default,
 * would accept signatures that libsodium refuses, and the server checks the same bytes with libsodium.
 */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false; // noble throws on wrong lengths, which a peer may choose
  }
}

export const suite: CiphersuiteImpl = {
  name: SUITE_NAME,
  rng: { randomBytes: (length) => randomBytes(length) },
  hash: {
    digest: async (data) => sha256(data),
    mac: async (key, data) => hmac(sha256, key, data),
    verifyMac: async (key, mac, data) => equalBytes(mac, hmac(sha256, key, data)),
  },
  kdf: {
    size: 32,
    extract: async (salt, ikm) => extract(sha256, ikm, salt),
    expand: async (prk, info, length) => expand(sha256, prk, info, length),
  },
  signature: {
    sign: async (seed, message) => ed25519.sign(message, seed),
    verify: async (publicKey, message, signature) => verifyEd25519(publicKey, message, signature),
    keygen: async () => {
      const signKey = ed25519.utils.randomSecretKey();
      return { signKey, publicKey: ed25519.getPublicKey(signKey) };
    },
  },
  hpke: {
    keyLength: AEAD_KEY_LENGTH,
    nonceLength: AEAD_NONCE_LENGTH,
    encryptAead: async (key, nonce, aad, plaintext) => gcm(key, nonce, aad ?? EMPTY).encrypt(plaintext),
    decryptAead: async (key, nonce, aad, ciphertext) => gcm(key, nonce, aad ?? EMPTY).decrypt(ciphertext),
    seal: async (publicKey, plaintext, info, aad) => hpkeSeal(raw(publicKey), info, aad ?? EMPTY, plaintext),
    open: async (privateKey, enc, ct, info, aad) => hpkeOpen(raw(privateKey), enc, info, aad ?? EMPTY, ct),
    exportSecret: async (publicKey, context, length, info) =>
      hpkeSendExport(raw(publicKey), info, context, length),
    importSecret: async (privateKey, context, enc, length, info) =>
      hpkeReceiveExport(raw(privateKey), enc, info, context, length),
    importPrivateKey: async (key) => sealed(x25519Bytes(key)),
    importPublicKey: async (key) => open(x25519Bytes(key)),
    exportPrivateKey: async (key) => raw(key),
    exportPublicKey: async (key) => raw(key),
    deriveKeyPair: async (ikm) => lazyHandles(derivePrivateKey(ikm)),
    generateKeyPair: async () => handles(x25519KeyPair()),
  },
};
