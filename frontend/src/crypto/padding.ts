/**
 * Padding (rule 9): the server learns one of five sizes and not a length.
 *
 * A message's content is padded before MLS sees it, as docs/protocol.md says, since not every MLS library can pad; a
 * commit is padded by MLS itself (RFC 9420 §6.3.1). Not hidden: that something was sent, when, by which account, and
 * whether it is a commit.
 */
import type { PaddingConfig } from "ts-mls/paddingConfig.js";
import { refuse } from "./refusal";

export const BUCKETS = [256, 512, 1024, 4096, 16384] as const;
const LARGEST = 16384;
const LENGTH_BYTES = 2;

/** What one message can hold; longer texts are for the layers above to split or to refuse. */
export const MAX_CONTENT_BYTES = LARGEST - LENGTH_BYTES;

/** Messages have five sizes. A commit may be longer (25 key packages are 13 KB): whole multiples of the largest. */
export function bucketFor(bytes: number): number {
  return BUCKETS.find((bucket) => bytes <= bucket) ?? Math.ceil(bytes / LARGEST) * LARGEST;
}

/** The content's length in two bytes, big-endian, the content, zeros up to the bucket. */
export function pad(content: Uint8Array): Uint8Array {
  if (content.length > MAX_CONTENT_BYTES) refuse("too-long");
  const padded = new Uint8Array(bucketFor(LENGTH_BYTES + content.length));
  padded.set([content.length >> 8, content.length & 0xff]);
  padded.set(content, LENGTH_BYTES);
  return padded;
}

/** Only what `pad` would have written is accepted: the right bucket, and nothing hidden behind the content. */
export function unpad(padded: Uint8Array): Uint8Array {
  const length = ((padded[0] ?? 0) << 8) | (padded[1] ?? 0);
  const end = LENGTH_BYTES + length;
  if (length > MAX_CONTENT_BYTES || padded.length !== bucketFor(end)) refuse("malformed", "padding");
  if (padded.subarray(end).some((byte) => byte !== 0)) refuse("malformed", "padding");
  return padded.slice(LENGTH_BYTES, end);
}

export const mlsPadding = (bytes: number): PaddingConfig => ({
  kind: "padUntilLength",
  padUntilLength: bytes,
});
