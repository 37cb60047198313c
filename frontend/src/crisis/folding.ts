/** Folding, code point by code point: the twin of moderation/crisis/folding.py, whose docstring says why. */

import tables from "./tables.json";

const replaced = new Map(Object.entries(tables.replaced));
const folds = new Map<string, string>();

export const inRanges = (point: number, ranges: readonly (readonly number[])[]): boolean =>
  ranges.some(([first = 0, last = -1]) => first <= point && point <= last);

const isDropped = (char: string): boolean => inRanges(char.codePointAt(0) ?? 0, tables.dropped);

function foldPoint(char: string): string {
  const known = replaced.get(char);
  if (known !== undefined) return known;
  if (isDropped(char)) return "";
  if (inRanges(char.codePointAt(0) ?? 0, tables.unfolded)) return char;
  let folded = "";
  for (const part of char.normalize("NFKD")) {
    const again = replaced.get(part) ?? part;
    if (Array.from(again).length === 1 && isDropped(again)) continue;
    for (const low of again.toLowerCase()) if (!isDropped(low)) folded += low;
  }
  return folded;
}

function foldOf(char: string): string {
  let folded = folds.get(char);
  if (folded === undefined) {
    folded = foldPoint(char);
    folds.set(char, folded);
  }
  return folded;
}

export function fold(text: string): string {
  let folded = "";
  for (const char of text) folded += foldOf(char);
  return folded;
}

/** The code points of `text` that folded to `fold(text).slice(start, end)`. Linear in `text`. */
export function originalSpan(text: string, start: number, end: number): [number, number] {
  let place = 0;
  let first = -1;
  let last = -1;
  let index = 0;
  for (const char of text) {
    const after = place + foldOf(char).length;
    if (first < 0 && after > start) first = index;
    if (place >= end) break;
    if (after > place) last = index;
    place = after;
    index += 1;
  }
  return [Math.max(first, 0), last + 1];
}
