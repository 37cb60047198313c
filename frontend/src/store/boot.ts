/**
 * The one record in clear: how the local key is wrapped. It names nobody and holds no id; whoever finds it learns that the
 * app was used here, and needs the phrase, or the PIN and the server, to learn more.
 */
import { decode, encode } from "@msgpack/msgpack";
import { derivePinKeys, joinPinHalves, newPinSalt, unwrapLocalKey, wrapLocalKey } from "../crypto/localKey";
import { normalizePhrase } from "../crypto/phrase";
import { Refusal } from "../crypto/refusal";
import { deriveKeysWithSalt } from "../crypto/sodium";
import type { Api } from "../protocol/endpoints";
import { CallError } from "../protocol/failure";
import type { RawChange, RawStore } from "./rawStore";

export type Boot = {
  readonly v: 1;
  /** Of the phrase; a hash that no handle can be read from. */
  readonly salt: Uint8Array;
  readonly byPhrase: Uint8Array;
  /** Random bytes for the PIN, the same as long as this device lives. */
  readonly pinSalt: Uint8Array;
  /** The newest first. While a PIN changes there are two: the server decides which is right, and both open. */
  readonly byPin: readonly Uint8Array[];
};

const KEY = Uint8Array.of(0);

export async function readBoot(raw: RawStore): Promise<Boot | null> {
  const bytes = await raw.get(KEY);
  return bytes === null ? null : (decode(bytes) as Boot);
}

export const bootChange = (boot: Boot): RawChange => ({ key: KEY, value: encode(boot) });

export function newBoot(phraseSalt: Uint8Array, phraseKey: Uint8Array, localKey: Uint8Array): Boot {
  return {
    v: 1,
    salt: phraseSalt,
    byPhrase: wrapLocalKey(phraseKey, localKey),
    pinSalt: newPinSalt(),
    byPin: [],
  };
}

/** Return the local key, or null for another phrase. */
export async function unlockByPhrase(boot: Boot, phrase: string): Promise<Uint8Array | null> {
  const keys = await deriveKeysWithSalt(normalizePhrase(phrase), boot.salt);
  try {
    return unwrapLocalKey(keys.local, boot.byPhrase);
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  } finally {
    for (const key of Object.values(keys)) key.fill(0);
  }
}

/** Return the local key; raise CallError with `pin.wrong` (`details.left`), `pin.erased`, or what the network did. */
export async function unlockByPin(api: Api, boot: Boot, pin: string): Promise<Uint8Array> {
  const keys = await derivePinKeys(pin, boot.pinSalt);
  const { share } = await api.call("unlockPin", { locator: keys.locator, verifier: keys.verifier });
  const wrapping = joinPinHalves(keys.half, share);
  keys.half.fill(0);
  for (const wrapped of boot.byPin) {
    try {
      return unwrapLocalKey(wrapping, wrapped);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }
  // The server took the PIN, and its share opens nothing: it is another server's, or it was changed.
  throw new CallError("pin.erased");
}

/**
 * Set the PIN or change it. `share` is what is known of the server's part; with it there is no moment in which neither the
 * old nor the new PIN opens. Returns the share.
 */
export async function changePin(make: {
  api: Api;
  raw: RawStore;
  boot: Boot;
  pin: string;
  localKey: Uint8Array;
  share: Uint8Array | null;
}): Promise<{ boot: Boot; share: Uint8Array }> {
  const keys = await derivePinKeys(make.pin, make.boot.pinSalt);
  const wrap = (share: Uint8Array): Uint8Array =>
    wrapLocalKey(joinPinHalves(keys.half, share), make.localKey);
  const write = async (boot: Boot): Promise<Boot> => {
    await make.raw.write([bootChange(boot)]);
    return boot;
  };
  let { boot } = make;
  if (make.share !== null)
    boot = await write({ ...boot, byPin: [wrap(make.share), ...boot.byPin.slice(0, 1)] });
  const { share } = await make.api.call("setPin", { locator: keys.locator, verifier: keys.verifier });
  boot = await write({ ...boot, byPin: [wrap(share)] });
  keys.half.fill(0);
  return { boot, share };
}
