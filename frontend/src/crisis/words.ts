/** Cutting folded text into words, and the spellings that a word may hide: the twin of moderation/crisis/words.py. */

import tables from "./tables.json";

export const LONGEST_WORD = 40;

type Table = Record<string, string>;

const unit = (code: number): string => `\\u${code.toString(16).padStart(4, "0")}`;
const inside = (ranges: readonly (readonly number[])[]): string =>
  ranges.map(([first = 0, last = 0]) => `${unit(first)}-${unit(last)}`).join("");

const W = `[${inside(tables.word)}]`;
const HAN = `[${inside(tables.han)}]`;
const SIGNS = "@$!|+*#";
const BREAK = `[.!?]+(?!${W})`;
const SPACED = `${W}([ .\\-_*/]{1,2})${W}(?!${W})(?:\\1${W}(?!${W}))+`;

const PLAIN = new RegExp(`${HAN}|${W}+(?:'${W}+)*|${BREAK}`, "g");
const JOINED = new RegExp(`${SPACED}|${HAN}|[@$]?${W}+(?:[${SIGNS}._'\\-]{1,3}${W}+)*|${BREAK}`, "g");
const SUSPECT = new RegExp(`(?:^|[^${W.slice(1)})${SPACED}|[@$]${W}|${W}[${SIGNS}._\\-]{1,3}${W}`);
const NEIGHBOURS = new RegExp(`${W}${W}`);

export type Cut = { word: string; start: number; end: number };

const cut = (pattern: RegExp, folded: string): Cut[] =>
  [...folded.matchAll(pattern)].map((found) => ({
    word: found[0],
    start: found.index,
    end: found.index + found[0].length,
  }));

export const cutPlain = (folded: string): Cut[] => cut(PLAIN, folded);
export const cutJoined = (folded: string): Cut[] => cut(JOINED, folded);
export const isSuspect = (folded: string): boolean => SUSPECT.test(folded);
export const isBreak = (word: string): boolean => ".!?".includes(word.charAt(0));
export const isSpaced = (word: string): boolean => !NEIGHBOURS.test(word);

export function join(word: string): string {
  const joined = word.replace(/[ ._'\-/#]/g, "");
  return isSpaced(word) ? joined.replace(/\*/g, "") : joined;
}

const isAscii = (word: string): boolean => Array.from(word).every((char) => char < "\u0080");
const shorten = (word: string): string => word.replace(/(.)\1+/g, "$1");

function readSigns(word: string, table: Table): string[] {
  return [0, 1]
    .map((place) =>
      Array.from(word)
        .map((char) => {
          const letters = table[char];
          return letters === undefined ? char : letters.charAt(Math.min(place, letters.length - 1));
        })
        .join(""),
    )
    .filter((read) => read !== word);
}

const swap = (word: string, table: Table): string =>
  Array.from(word)
    .map((char) => table[char] ?? char)
    .join("");

function unmix(word: string): string[] {
  const latin = /[a-z]/.test(word);
  const found: string[] = [];
  if (latin && /[\u0430-\u045f\u0450-\u052f]/.test(word))
    found.push(swap(word, tables.cyrillicAsLatin), swap(word, tables.latinAsCyrillic));
  if (latin && /[\u03b1-\u03c9]/.test(word)) found.push(swap(word, tables.greekAsLatin));
  return found;
}

function unstretch(word: string): string[] {
  if (/(.)\1{2,}/.test(word)) return [word.replace(/(.)\1{2,}/g, "$1$1"), shorten(word)];
  if (word.length > 5 && (word.match(/(.)\1+/g) ?? []).length > 2) return [shorten(word)];
  return [];
}

/** The word and the words it may stand for; at most a dozen. */
export function respell(written: string): string[] {
  const word = written.replace(/'/g, "");
  if (word.length > LONGEST_WORD) return [shorten(word).slice(0, LONGEST_WORD)];
  const spellings = new Set([word]);
  if (/[0-9@$!|+]/.test(word)) {
    if (/[a-z]/.test(word)) readSigns(word, tables.leetLatin).forEach((each) => spellings.add(each));
    if (/[\u0430-\u045f\u0450-\u052f]/.test(word))
      readSigns(word, tables.leetCyrillic).forEach((each) => spellings.add(each));
  }
  if (!isAscii(word)) [...spellings].flatMap(unmix).forEach((each) => spellings.add(each));
  [...spellings].flatMap(unstretch).forEach((each) => spellings.add(each));
  return [...spellings];
}

/** Whether one letter more, less or other, or two exchanged neighbours, make one the other. */
export function withinOne(one: string, two: string): boolean {
  const [word, other] = one.length > two.length ? [two, one] : [one, two];
  if (other.length - word.length > 1) return false;
  let head = 0;
  while (head < word.length && word[head] === other[head]) head += 1;
  if (word.length < other.length) return word.slice(head) === other.slice(head + 1);
  const exchanged = word.slice(head + 1, head + 2) + word.slice(head, head + 1) + word.slice(head + 2);
  return (
    word.slice(head + 1) === other.slice(head + 1) ||
    (word.length > head + 1 && exchanged === other.slice(head))
  );
}

export const oneLess = (word: string): string[] => [
  ...new Set([word, ...Array.from(word).map((_, place) => word.slice(0, place) + word.slice(place + 1))]),
];

export { isAscii };
