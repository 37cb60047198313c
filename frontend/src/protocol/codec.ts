/**
 * MessagePack for frames, and its canonical form for all that is signed: keys sorted, shortest forms, no floats.
 * A reader of signed bytes encodes again and refuses what differs, so that two languages cannot read them differently.
 */
import { decode, encode } from "@msgpack/msgpack";
import { LIMITS, type ClientFrame, type Models, type ServerFrame } from "./generated";
import { check, ShapeError, type ModelName } from "./validate";

const DECODE = {
  maxStrLength: LIMITS.FRAME_MAX_BYTES,
  maxBinLength: LIMITS.FRAME_MAX_BYTES,
  maxArrayLength: 1024,
  maxMapLength: 64,
};

function unpack(bytes: Uint8Array): unknown {
  try {
    // Copies, so that no view keeps a whole received frame alive.
    return decode(Uint8Array.from(bytes), DECODE);
  } catch {
    throw new ShapeError("bytes");
  }
}

export function encodeFrame(frame: ClientFrame): Uint8Array {
  return encode(frame);
}

/** Return the frame; raise ShapeError for anything else. */
export function decodeServerFrame(bytes: Uint8Array): ServerFrame {
  return check("ServerFrame", unpack(bytes));
}

/** The one canonical encoding of a signed body. Its values must be whole numbers, text, bytes, booleans, null, lists, records. */
export function encodeCanonical<N extends ModelName>(name: N, value: Models[N]): Uint8Array {
  return encode(check(name, value), { sortKeys: true });
}

/** Return signed bytes as the model; raise ShapeError for whatever is not its canonical encoding. */
export function decodeCanonical<N extends ModelName>(name: N, bytes: Uint8Array): Models[N] {
  const value = unpack(bytes);
  let again: Uint8Array;
  try {
    again = encode(value, { sortKeys: true });
  } catch {
    throw new ShapeError(name);
  }
  if (again.length !== bytes.length || again.some((byte, index) => byte !== bytes[index]))
    throw new ShapeError(name);
  return check(name, value);
}
