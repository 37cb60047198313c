/**
 * Padding (rule 9): the encrypted content of every message and commit is padded to one of five sizes, so that the
 * server learns a size class and not a length. Zero bytes after the content, as RFC 9420 §6.3.1 asks.
 *
 * Not hidden: that something was sent, when, by which account, and whether it is a commit.
 */
import type { PaddingConfig } from "ts-mls/paddingConfig.js";
import { refuse } from "./refusal";

export const BUCKETS = [256, 512, 1024, 4096, 16384] as const;
const LARGEST = 16384;

/** The signature and its length prefix, which follow the application data (RFC 9420 §6.3.1). */
const SIGNATURE_BYTES = 64 + 2;
const PREFIX_BYTES = 2;

/** What one message can hold; longer texts are for the layers above to split or to refuse. */
export const MAX_PLAINTEXT_BYTES = LARGEST - SIGNATURE_BYTES - PREFIX_BYTES;

/** Messages have five sizes. A commit may be longer (25 key packages are 13 KB): whole multiples of the largest. */
export function bucketFor(contentBytes: number): number {
  return BUCKETS.find((bucket) => contentBytes <= bucket) ?? Math.ceil(contentBytes / LARGEST) * LARGEST;
}

export function bucketForPlaintext(plaintextBytes: number): number {
  if (plaintextBytes > MAX_PLAINTEXT_BYTES) refuse("too-long");
  const prefix = plaintextBytes < 64 ? 1 : PREFIX_BYTES;
  return bucketFor(prefix + plaintextBytes + SIGNATURE_BYTES);
}

export const padTo = (bytes: number): PaddingConfig => ({ kind: "padUntilLength", padUntilLength: bytes });
