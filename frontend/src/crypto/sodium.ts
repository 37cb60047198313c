/**
 * What the browser and the server's libsodium must compute alike: signatures over labelled bytes, sealed boxes, sealed
 * records, and keys from a phrase. `tests/vectors/sodium.json` is written by PyNaCl and read by the tests of both sides.
 *
 * Argon2id runs in WebAssembly (hash-wasm): a strict Content-Security-Policy must allow 'wasm-unsafe-eval' for it. It is
 * imported on first use, so that it stays out of the app's first chunk. Nothing here chooses a phrase or stores a key.
 */
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hsalsa, xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { blake2b } from "@noble/hashes/blake2.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { randomBytes } from "@noble/hashes/utils.js";
import { concatBytes, utf8 } from "./bytes";
import { verifyEd25519 } from "./provider";
import { refuse } from "./refusal";

const PREFIX = "peerchat/v1/";
const ROOT_BYTES = 32;
const NUL = Uint8Array.of(0);

export type KeyPair = { seed: Uint8Array; publicKey: Uint8Array };
export type BoxKeyPair = { privateKey: Uint8Array; publicKey: Uint8Array };

export function signingKeyFromSeed(seed: Uint8Array): KeyPair {
  return { seed, publicKey: ed25519.getPublicKey(seed) };
}

export const newSigningKey = (): KeyPair => signingKeyFromSeed(ed25519.utils.randomSecretKey());

export function newBoxKey(): BoxKeyPair {
  const privateKey = x25519.utils.randomSecretKey();
  return { privateKey, publicKey: x25519.getPublicKey(privateKey) };
}

/**
 * The bytes under every signature of ours: "peerchat/v1/<label>", a zero byte, the community root, the body. The label
 * keeps a signature from meaning something else elsewhere; the root, from counting in another community.
 */
export function signedBytes(label: string, root: Uint8Array, body: Uint8Array): Uint8Array {
  if (root.length !== ROOT_BYTES || label.includes("\0")) refuse("malformed", "label or root");
  return concatBytes(utf8(PREFIX + label), NUL, root, body);
}

export function sign(label: string, root: Uint8Array, body: Uint8Array, seed: Uint8Array): Uint8Array {
  return ed25519.sign(signedBytes(label, root, body), seed);
}

export function verify(
  label: string,
  root: Uint8Array,
  body: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  return verifyEd25519(publicKey, signedBytes(label, root, body), signature);
}

/** The key of libsodium's crypto_box: HSalsa20 of the X25519 secret under a zero input. */
function boxKey(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const shared = x25519.getSharedSecret(privateKey, publicKey); // throws on a key of small order, as libsodium does
  const key = new Uint32Array(8);
  hsalsa(SIGMA, words(shared), new Uint32Array(4), key);
  shared.fill(0);
  return new Uint8Array(key.buffer);
}

const words = (bytes: Uint8Array): Uint32Array => new Uint32Array(bytes.slice().buffer);
const SIGMA = words(utf8("expand 32-byte k"));

const boxNonce = (ephemeral: Uint8Array, recipient: Uint8Array): Uint8Array =>
  blake2b(concatBytes(ephemeral, recipient), { dkLen: 24 });

/** libsodium's crypto_box_seal: anonymous, to one X25519 key. The sender cannot open it again. */
export function seal(recipient: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const ephemeral = newBoxKey();
  const key = boxKey(ephemeral.privateKey, recipient);
  const sealed = xsalsa20poly1305(key, boxNonce(ephemeral.publicKey, recipient)).encrypt(plaintext);
  ephemeral.privateKey.fill(0);
  key.fill(0);
  return concatBytes(ephemeral.publicKey, sealed);
}

/** libsodium's crypto_box_seal_open. */
export function open(recipient: BoxKeyPair, sealed: Uint8Array): Uint8Array {
  try {
    const ephemeral = sealed.slice(0, 32);
    const key = boxKey(recipient.privateKey, ephemeral);
    const plaintext = xsalsa20poly1305(key, boxNonce(ephemeral, recipient.publicKey)).decrypt(
      sealed.slice(32),
    );
    key.fill(0);
    return plaintext;
  } catch {
    return refuse("undecipherable");
  }
}

const AEAD_NONCE_BYTES = 24;

/** XChaCha20-Poly1305 (IETF), a random nonce before the ciphertext: for what one key holder keeps for itself. */
export function aeadSeal(key: Uint8Array, plaintext: Uint8Array, associatedData: Uint8Array): Uint8Array {
  const nonce = randomBytes(AEAD_NONCE_BYTES);
  return concatBytes(nonce, xchacha20poly1305(key, nonce, associatedData).encrypt(plaintext));
}

export function aeadOpen(key: Uint8Array, sealed: Uint8Array, associatedData: Uint8Array): Uint8Array {
  try {
    const nonce = sealed.slice(0, AEAD_NONCE_BYTES);
    return xchacha20poly1305(key, nonce, associatedData).decrypt(sealed.slice(AEAD_NONCE_BYTES));
  } catch {
    return refuse("undecipherable");
  }
}

/** Constants of the client: a server that could choose them could choose weak ones. */
const ARGON2 = { iterations: 3, memorySize: 32 * 1024, parallelism: 1, hashLength: 32 } as const;

export type PhraseKeys = { signIn: Uint8Array; backup: Uint8Array; local: Uint8Array };

export const normalizeHandle = (handle: string): string => handle.normalize("NFKC").toLowerCase();

/** A salt of this community and this handle, so that one guess cannot be tried against two accounts. */
export function phraseSalt(root: Uint8Array, handle: string): Uint8Array {
  if (root.length !== ROOT_BYTES) refuse("malformed", "root");
  return sha256(concatBytes(utf8(`${PREFIX}argon2-salt`), NUL, root, utf8(normalizeHandle(handle)))).slice(
    0,
    16,
  );
}

/** Argon2id (RFC 9106) with the client's own parameters. */
export async function argon2id(secret: string, salt: Uint8Array): Promise<Uint8Array> {
  const { argon2 } = await import("./argon2");
  const password = utf8(secret);
  const output = await argon2({ ...ARGON2, password, salt });
  password.fill(0);
  return output;
}

/** HKDF-SHA256 (RFC 5869) without a salt; 32 bytes. */
export const deriveKey = (secret: Uint8Array, label: string): Uint8Array =>
  hkdf(sha256, secret, undefined, utf8(label), 32);

/**
 * Argon2id, then HKDF with a label for each use, so that what the server sees at sign-in says nothing about the key of
 * the backup. `salt` is `phraseSalt` of the account.
 */
export async function deriveKeysWithSalt(phrase: string, salt: Uint8Array): Promise<PhraseKeys> {
  const secret = await argon2id(phrase, salt);
  const keys = {
    signIn: deriveKey(secret, "sign-in"),
    backup: deriveKey(secret, "backup"),
    local: deriveKey(secret, "local"),
  };
  secret.fill(0);
  return keys;
}

export function deriveKeys(phrase: string, root: Uint8Array, handle: string): Promise<PhraseKeys> {
  return deriveKeysWithSalt(phrase, phraseSalt(root, handle));
}
