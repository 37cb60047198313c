/** What the loaded packs know of single words: the twin of moderation/crisis/lexicon.py. */

import type { Classes, CompiledItem } from "./automaton";
import type { Shape } from "./shapes";
import { isAscii, isBreak, LONGEST_WORD, oneLess, respell, withinOne } from "./words";

export type CompiledPack = {
  format: number;
  lang: string;
  version: number;
  reviewed: boolean;
  words: string[];
  classes: number[][];
  fuzzy: string[];
  deny: string[];
  prefixes: string[];
  roman: { letters: Record<string, string>; reduce: [string, string][] } | null;
  slots: Shape[];
  turns: number;
  guards: [number, number, number, number][];
  requirements: [number, number][];
  items: CompiledItem[];
};

const MOST_WORDS = 50_000;
const LONGEST_FUZZY = 24;
export const BREAK = 0;
export const NOTHING = 1;
export const SHORTEST_GLUED = 8;

type Numbers = Map<string, Set<number>>;
type Roman = { reduce: [string, string][]; keys: Numbers; stems: Numbers };

function put<T>(sets: Map<string, Set<T>>, key: string, value: T): void {
  const set = sets.get(key);
  if (set) set.add(value);
  else sets.set(key, new Set([value]));
}

const reduceBy = (word: string, rules: readonly [string, string][]): string =>
  rules.reduce((key, [old, changed]) => key.split(old).join(changed), word);

export class Lexicon {
  /** By signature: the classes, or `null` for a sentence's end. */
  readonly signatures: Classes[] = [null, new Set()];
  private readonly numbers = new Map<string, number>([["", NOTHING]]);
  private readonly known = new Map<string, number>();
  private readonly glued = new Map<string, string[]>();
  private readonly exact: Numbers = new Map();
  private readonly stems: Numbers = new Map();
  private readonly romans: Roman[] = [];
  private readonly fuzzy = new Map<string, Set<string>>();
  private readonly byShape = new Map<string, Set<string>>();
  private readonly deny = new Set<string>();
  private readonly prefixes: string[] = [];
  private longestStem = 0;
  private classCount = 0;

  /** Take a pack's words in. Returns the number that its class 0 has here. */
  add(pack: CompiledPack): number {
    const first = this.classCount;
    const roman = pack.roman;
    const keys: Numbers = new Map();
    const stems: Numbers = new Map();
    pack.classes.forEach((steps, number) => {
      let place = 0;
      for (const step of steps) {
        place += step;
        const word = pack.words[place] ?? "";
        const isStem = word.endsWith("*");
        const plain = isStem ? word.slice(0, -1) : word;
        put(isStem ? this.stems : this.exact, plain, first + number);
        if (!isStem) put(this.byShape, `${plain.length}${plain.charAt(0)}`, plain);
        if (roman) {
          const latin = Array.from(plain)
            .map((char) => roman.letters[char] ?? char)
            .join("");
          put(isStem ? stems : keys, reduceBy(latin, roman.reduce), first + number);
        }
        if (isStem) this.longestStem = Math.max(this.longestStem, plain.length);
      }
    });
    for (const stem of stems.keys()) this.longestStem = Math.max(this.longestStem, stem.length);
    if (roman) this.romans.push({ reduce: roman.reduce, keys, stems });
    this.classCount += pack.classes.length;
    for (const word of pack.fuzzy) for (const part of oneLess(word)) put(this.fuzzy, part, word);
    for (const word of pack.deny) this.deny.add(word);
    for (const prefix of pack.prefixes) if (!this.prefixes.includes(prefix)) this.prefixes.push(prefix);
    this.forget();
    return first;
  }

  /** Forget the words that were met, as after a lock. */
  forget(): void {
    this.known.clear();
    this.glued.clear();
  }

  signatureOf(word: string): number {
    const known = this.known.get(word);
    if (known !== undefined) return known;
    if (isBreak(word)) return BREAK;
    const classes = [...this.classesOf(word)].sort((one, two) => one - two);
    const key = classes.join();
    let signature = this.numbers.get(key);
    if (signature === undefined) {
      signature = this.signatures.push(new Set(classes)) - 1;
      this.numbers.set(key, signature);
    }
    if (word.length <= LONGEST_WORD) {
      if (this.known.size >= MOST_WORDS) this.known.clear();
      this.known.set(word, signature);
    }
    return signature;
  }

  private classesOf(word: string): Set<number> {
    const found = new Set<number>();
    const spellings = respell(word);
    for (const spelling of spellings) {
      this.spell(spelling, found);
      for (const prefix of this.prefixes)
        if (spelling.startsWith(prefix) && spelling.length - prefix.length > 2)
          this.spell(spelling.slice(prefix.length), found);
    }
    if (!spellings.some((spelling) => this.exact.has(spelling))) {
      this.nearly(spellings, found);
      if (word.includes("*")) this.masked(word, found);
    }
    return found;
  }

  private spell(word: string, found: Set<number>): void {
    const take = (numbers?: Set<number>) => numbers?.forEach((number) => found.add(number));
    const takeStems = (from: string, stems: Numbers) => {
      for (let length = 2; length <= Math.min(from.length, this.longestStem); length += 1)
        take(stems.get(from.slice(0, length)));
    };
    take(this.exact.get(word));
    takeStems(word, this.stems);
    if (!isAscii(word)) return;
    for (const { reduce, keys, stems } of this.romans) {
      const key = reduceBy(word, reduce);
      take(keys.get(key));
      takeStems(key, stems);
    }
  }

  private nearly(spellings: readonly string[], found: Set<number>): void {
    for (const word of spellings) {
      if (word.length <= 4 || word.length > LONGEST_FUZZY || this.deny.has(word)) continue;
      for (const part of oneLess(word))
        for (const fuzzy of this.fuzzy.get(part) ?? []) if (withinOne(word, fuzzy)) this.spell(fuzzy, found);
    }
  }

  private masked(word: string, found: Set<number>): void {
    const stars = word.split("*").length - 1;
    if (word.length <= 2 || word.length > LONGEST_FUZZY || word.startsWith("*")) return;
    if (2 * stars > word.length) return;
    for (const known of this.byShape.get(`${word.length}${word.charAt(0)}`) ?? [])
      if (Array.from(word).every((hidden, place) => hidden === "*" || hidden === known[place]))
        this.exact.get(known)?.forEach((number) => found.add(number));
  }

  /** The known words that this unknown one is glued of, as few as possible; none where it is not. */
  split(word: string, shortest: number): string[] {
    if (word.length < shortest || word.length > LONGEST_WORD || this.deny.has(word)) return [];
    let known = this.glued.get(word);
    if (!known) {
      if (this.glued.size >= MOST_WORDS) this.glued.clear();
      known = this.cutGlued(word);
      this.glued.set(word, known);
    }
    return known;
  }

  private cutGlued(word: string): string[] {
    const best: (string[] | undefined)[] = [[]];
    for (let end = 1; end <= word.length; end += 1)
      for (let start = Math.max(0, end - LONGEST_FUZZY); start < end; start += 1) {
        const before = best[start];
        const part = word.slice(start, end);
        if (!before || !this.exact.has(part)) continue;
        const here = best[end];
        if (!here || before.length + 1 < here.length) best[end] = [...before, part];
      }
    return best[word.length] ?? [];
  }
}
