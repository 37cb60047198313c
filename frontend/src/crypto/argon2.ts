/**
 * Argon2id, to be imported dynamically. A module of its own, with a function of its own: a bundler drops the rest of
 * hash-wasm only from a static import (measured: 9 KB compressed, 64 otherwise).
 */
import { argon2id } from "hash-wasm";

export type Argon2Parameters = {
  password: Uint8Array;
  salt: Uint8Array;
  iterations: number;
  memorySize: number;
  parallelism: number;
  hashLength: number;
};

/** RFC 9106. `memorySize` is in KiB. */
export function argon2(parameters: Argon2Parameters): Promise<Uint8Array> {
  return argon2id({ ...parameters, outputType: "binary" });
}
