/** Digits that two people compare aloud before one certifies the other: they stand for one identity in one community. */
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8 } from "./bytes";

const GROUPS = 5;
const GROUP_DIGITS = 4;

/** Twenty digits, 66 bits, in groups of four. */
export function safetyCode(root: Uint8Array, accountId: Uint8Array, identityKey: Uint8Array): string {
  const hash = sha256(
    concatBytes(utf8("peerchat/v1/safety-code"), Uint8Array.of(0), root, accountId, identityKey),
  );
  let number = 0n;
  for (const byte of hash) number = number * 256n + BigInt(byte);
  const groups: string[] = [];
  for (let group = 0; group < GROUPS; group++) {
    groups.push((number % 10_000n).toString().padStart(GROUP_DIGITS, "0"));
    number /= 10_000n;
  }
  return groups.join(" ");
}
