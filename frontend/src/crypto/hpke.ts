/**
 * HPKE base mode (RFC 9180) for DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, on @noble alone.
 *
 * Deliberately absent: the psk and auth modes and contexts for several messages. MLS seals once for each context
 * (RFC 9420 §5.1.3), so the sequence number is always 0 and the base nonce is the nonce.
 */
import { gcm } from "@noble/ciphers/aes.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8 } from "./bytes";

export const AEAD_KEY_LENGTH = 16;
export const AEAD_NONCE_LENGTH = 12;
const HASH_LENGTH = 32;

export type HpkeKeyPair = { privateKey: Uint8Array; publicKey: Uint8Array };
type Context = { key: Uint8Array; baseNonce: Uint8Array; exporterSecret: Uint8Array };

const EMPTY = new Uint8Array(0);
const VERSION = utf8("HPKE-v1");
const KEM_SUITE = concatBytes(utf8("KEM"), Uint8Array.of(0x00, 0x20));
const HPKE_SUITE = concatBytes(utf8("HPKE"), Uint8Array.of(0x00, 0x20, 0x00, 0x01, 0x00, 0x01));

/** RFC 9180 §4. */
function labeledExtract(suite: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array {
  return extract(sha256, concatBytes(VERSION, suite, utf8(label), ikm), salt);
}

/** RFC 9180 §4. */
function labeledExpand(
  suite: Uint8Array,
  prk: Uint8Array,
  label: string,
  info: Uint8Array,
  length: number,
): Uint8Array {
  const size = Uint8Array.of(length >> 8, length & 0xff);
  return expand(sha256, prk, concatBytes(size, VERSION, suite, utf8(label), info), length);
}

/** RFC 9180 §7.1.3: every 32 bytes are a valid X25519 secret, so nothing is rejected and retried. */
export function derivePrivateKey(ikm: Uint8Array): Uint8Array {
  const prk = labeledExtract(KEM_SUITE, EMPTY, "dkp_prk", ikm);
  const privateKey = labeledExpand(KEM_SUITE, prk, "sk", EMPTY, 32);
  prk.fill(0);
  return privateKey;
}

export function deriveKeyPair(ikm: Uint8Array): HpkeKeyPair {
  const privateKey = derivePrivateKey(ikm);
  return { privateKey, publicKey: x25519.getPublicKey(privateKey) };
}

/** RFC 9180 §4.1. noble throws on an all-zero shared secret, as §7.1.4 demands. */
function extractAndExpand(dh: Uint8Array, kemContext: Uint8Array): Uint8Array {
  const prk = labeledExtract(KEM_SUITE, EMPTY, "eae_prk", dh);
  const secret = labeledExpand(KEM_SUITE, prk, "shared_secret", kemContext, HASH_LENGTH);
  dh.fill(0);
  prk.fill(0);
  return secret;
}

/** RFC 9180 §5.1, mode_base: empty psk and psk_id. Consumes the shared secret. */
function keySchedule(sharedSecret: Uint8Array, info: Uint8Array): Context {
  const pskIdHash = labeledExtract(HPKE_SUITE, EMPTY, "psk_id_hash", EMPTY);
  const infoHash = labeledExtract(HPKE_SUITE, EMPTY, "info_hash", info);
  const context = concatBytes(Uint8Array.of(0x00), pskIdHash, infoHash);
  const secret = labeledExtract(HPKE_SUITE, sharedSecret, "secret", EMPTY);
  sharedSecret.fill(0);
  const derived = {
    key: labeledExpand(HPKE_SUITE, secret, "key", context, AEAD_KEY_LENGTH),
    baseNonce: labeledExpand(HPKE_SUITE, secret, "base_nonce", context, AEAD_NONCE_LENGTH),
    exporterSecret: labeledExpand(HPKE_SUITE, secret, "exp", context, HASH_LENGTH),
  };
  secret.fill(0);
  return derived;
}

function senderContext(publicKey: Uint8Array, info: Uint8Array, ephemeral: HpkeKeyPair): Context {
  const dh = x25519.getSharedSecret(ephemeral.privateKey, publicKey);
  return keySchedule(extractAndExpand(dh, concatBytes(ephemeral.publicKey, publicKey)), info);
}

function recipientContext(privateKey: Uint8Array, enc: Uint8Array, info: Uint8Array): Context {
  const dh = x25519.getSharedSecret(privateKey, enc);
  return keySchedule(extractAndExpand(dh, concatBytes(enc, x25519.getPublicKey(privateKey))), info);
}

function forget(context: Context): void {
  context.key.fill(0);
  context.exporterSecret.fill(0);
}

/**
 * RFC 9180 §6.1, SealBase. `ephemeral` is for the RFC's test vectors only: reusing one breaks confidentiality.
 */
export function hpkeSeal(
  publicKey: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
  ephemeral: HpkeKeyPair = x25519KeyPair(),
): { enc: Uint8Array; ct: Uint8Array } {
  const context = senderContext(publicKey, info, ephemeral);
  const ct = gcm(context.key, context.baseNonce, aad).encrypt(plaintext);
  forget(context);
  return { enc: ephemeral.publicKey, ct };
}

/** RFC 9180 §6.1, OpenBase. Throws on any failure. */
export function hpkeOpen(
  privateKey: Uint8Array,
  enc: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  ct: Uint8Array,
): Uint8Array {
  const context = recipientContext(privateKey, enc, info);
  try {
    return gcm(context.key, context.baseNonce, aad).decrypt(ct);
  } finally {
    forget(context);
  }
}

/** RFC 9180 §6.2, SendExportBase. */
export function hpkeSendExport(
  publicKey: Uint8Array,
  info: Uint8Array,
  exporterContext: Uint8Array,
  length: number,
  ephemeral: HpkeKeyPair = x25519KeyPair(),
): { enc: Uint8Array; secret: Uint8Array } {
  const context = senderContext(publicKey, info, ephemeral);
  const secret = labeledExpand(HPKE_SUITE, context.exporterSecret, "sec", exporterContext, length);
  forget(context);
  return { enc: ephemeral.publicKey, secret };
}

/** RFC 9180 §6.2, ReceiveExportBase. */
export function hpkeReceiveExport(
  privateKey: Uint8Array,
  enc: Uint8Array,
  info: Uint8Array,
  exporterContext: Uint8Array,
  length: number,
): Uint8Array {
  const context = recipientContext(privateKey, enc, info);
  const secret = labeledExpand(HPKE_SUITE, context.exporterSecret, "sec", exporterContext, length);
  forget(context);
  return secret;
}

export function x25519KeyPair(): HpkeKeyPair {
  const privateKey = x25519.utils.randomSecretKey();
  return { privateKey, publicKey: x25519.getPublicKey(privateKey) };
}
