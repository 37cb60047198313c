/**
 * The key of what this browser keeps, and the ways to it: a PIN together with the server's share, or the phrase.
 *
 * A PIN is short, so it opens nothing by itself: `half` needs the share, which the server gives for the right verifier and
 * destroys after ten wrong ones. Whoever has the device and not the server can't try PINs at all. The locator finds the
 * share; it comes from the device's random bytes, which nobody else knows. Nothing here stores or sends.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { randomBytes } from "@noble/hashes/utils.js";
import { concatBytes, utf8 } from "./bytes";
import { aeadOpen, aeadSeal, argon2id, deriveKey } from "./sodium";

const KEY_BYTES = 32;
const NAME_BYTES = 16;

export const newLocalKey = (): Uint8Array => randomBytes(KEY_BYTES);
export const newPinSalt = (): Uint8Array => randomBytes(KEY_BYTES);

/** `locator` and `verifier` go to the server, `half` never does. */
export type PinKeys = {
  readonly locator: Uint8Array;
  readonly verifier: Uint8Array;
  readonly half: Uint8Array;
};

export async function derivePinKeys(pin: string, salt: Uint8Array): Promise<PinKeys> {
  const secret = await argon2id(pin, salt);
  const keys = {
    locator: deriveKey(salt, "pin-locator"),
    verifier: deriveKey(secret, "pin-verifier"),
    half: deriveKey(secret, "pin-local"),
  };
  secret.fill(0);
  return keys;
}

/** The key that wraps the local key once both halves are there. */
export function joinPinHalves(half: Uint8Array, share: Uint8Array): Uint8Array {
  const both = concatBytes(half, share);
  const key = deriveKey(both, "pin-wrap");
  both.fill(0);
  return key;
}

const wrapData = utf8("peerchat/v1/local-key");

export const wrapLocalKey = (wrapping: Uint8Array, localKey: Uint8Array): Uint8Array =>
  aeadSeal(wrapping, localKey, wrapData);

/** Raises a Refusal where `wrapping` is not the right key. */
export const unwrapLocalKey = (wrapping: Uint8Array, wrapped: Uint8Array): Uint8Array =>
  aeadOpen(wrapping, wrapped, wrapData);

/** `seal` encrypts records, `name` makes their keys: without it nobody can tell which record is which. */
export type RecordKeys = { readonly seal: Uint8Array; readonly name: Uint8Array };

export const recordKeys = (localKey: Uint8Array): RecordKeys => ({
  seal: deriveKey(localKey, "records"),
  name: deriveKey(localKey, "record-names"),
});

/** 16 bytes that stand for `text`, the same each time and telling nothing. */
export const recordName = (keys: RecordKeys, text: string): Uint8Array =>
  hmac(sha256, keys.name, utf8(text)).slice(0, NAME_BYTES);
