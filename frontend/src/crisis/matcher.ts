/** From a message to what it may be about: the twin of moderation/crisis/matcher.py, which says how it works. */

import { Automaton, type Classes, type Item } from "./automaton";
import { fold, originalSpan } from "./folding";
import { BREAK, type CompiledPack, Lexicon, NOTHING, SHORTEST_GLUED } from "./lexicon";
import tables from "./tables.json";
import { type Cut, cutJoined, cutPlain, isBreak, isSpaced, isSuspect, join } from "./words";

export const FORMAT = 1;

/** `start` and `end` count code points of the message, `end` exclusive. */
export type Match = { entry: string; category: string; severity: number; start: number; end: number };

type Place = [number, number];
type Reading = { cuts: Cut[]; classes: Classes[]; clauses: number[]; sentences: number[]; quoted: Place[] };

const CLAUSE_END = /[,;:()\n"[\]\u2014\u2013]|-{2,}| -|- /;

function read(lexicon: Lexicon, cuts: Cut[], signatures: readonly number[], folded: string): Reading {
  const clauses: number[] = [];
  const sentences: number[] = [];
  let [sentence, clause, last] = [0, 0, 0];
  cuts.forEach(({ start, end }, place) => {
    if (signatures[place] === BREAK) {
      sentence += 1;
      clause += 1;
    } else if (CLAUSE_END.test(folded.slice(last, start))) clause += 1;
    sentences.push(sentence);
    clauses.push(clause);
    last = end;
  });
  const marks = [...folded.matchAll(/"/g)].map((found) => found.index);
  const quoted: Place[] = [];
  for (let place = 0; place + 1 < marks.length; place += 2)
    quoted.push([marks[place] ?? 0, marks[place + 1] ?? 0]);
  const classes = signatures.map((signature) => lexicon.signatures[signature] ?? null);
  return { cuts, classes, clauses, sentences, quoted };
}

/** The first of the places, sorted by their ends, whose end is at least `least`. */
function firstEnding(places: readonly Place[], least: number): number {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle]?.[1] ?? 0) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

function speaksAgainst(
  reading: Reading,
  places: readonly Place[],
  [start, end]: Place,
  where: string,
  reach: number,
): boolean {
  if (where === "quoted") {
    const first = reading.cuts[start]?.start ?? 0;
    const last = reading.cuts[end]?.end ?? 0;
    return reading.quoted.some(([opened, closed]) => opened < first && last <= closed);
  }
  if (places.length === 0) return false;
  if (where === "message") return true;
  const { clauses, sentences } = reading;
  const before = places[firstEnding(places, start) - 1];
  if (where === "before")
    return !!before && start - before[1] - 1 <= reach && clauses[before[1]] === clauses[start];
  const following = firstEnding(places, end + 1);
  const after = places.slice(following, following + 4).find((place) => place[0] > end);
  if (where === "after") return !!after && after[0] - end - 1 <= reach && clauses[after[0]] === clauses[end];
  const parts = where === "clause" ? clauses : sentences;
  if (before && parts[before[1]] === parts[start]) return true;
  return !!after && parts[after[0]] === parts[end];
}

export class Matcher {
  private readonly lexicon = new Lexicon();
  private readonly entries = new Automaton();
  private readonly helpers = new Automaton();
  private readonly turns = new Set<number>();

  constructor(packs: readonly CompiledPack[]) {
    packs.forEach((pack) => {
      this.load(pack);
    });
  }

  private load(pack: CompiledPack): void {
    if (pack.format !== FORMAT) throw new Error("a pack of another format");
    const first = this.lexicon.add(pack);
    const numbers = pack.items.map((item) =>
      (item[1] >= 0 ? this.entries : this.helpers).add(item, pack.slots, first),
    );
    const numberOf = (place: number) => numbers[place] ?? -1;
    if (pack.turns >= 0) this.turns.add(numberOf(pack.turns));
    pack.items.forEach((item, place) => {
      const entry = item[1] >= 0 ? this.entries.items[numberOf(place)] : undefined;
      if (!entry) return;
      for (const each of item[5]) {
        const [helper, where, reach, lower] = pack.guards[each] ?? [-1, 0, 0, 0];
        entry.guards.push({ helper: helper >= 0 ? numberOf(helper) : -1, where, reach, lower });
      }
      for (const each of item[6]) {
        const [helper, within] = pack.requirements[each] ?? [-1, 0];
        entry.requirements.push({ helper: numberOf(helper), within });
      }
    });
  }

  /** Forget the words that were met. */
  forget(): void {
    this.lexicon.forget();
  }

  /** All matches, the gravest first; one for each entry. */
  find(text: string): Match[] {
    const folded = fold(text);
    const best = new Map<string, Match>();
    const plain = cutPlain(folded);
    const signatures = plain.map(({ word }) => this.lexicon.signatureOf(word));
    this.weigh(text, folded, plain, signatures, best);
    const suspect = isSuspect(folded);
    const glued = plain.some(
      ({ word }, place) =>
        signatures[place] === NOTHING && this.lexicon.split(word, SHORTEST_GLUED).length > 0,
    );
    if (suspect || glued) {
      const cuts: Cut[] = [];
      for (const { word: written, start, end } of suspect ? cutJoined(folded) : plain)
        for (const word of this.parts(written, suspect)) cuts.push({ word, start, end });
      const joined = cuts.map(({ word }) => this.lexicon.signatureOf(word));
      this.weigh(text, folded, cuts, joined, best);
    }
    return [...best.values()].sort(
      (one, two) =>
        two.severity - one.severity ||
        tables.categories.indexOf(one.category) - tables.categories.indexOf(two.category) ||
        one.start - two.start ||
        (one.entry < two.entry ? -1 : 1),
    );
  }

  private parts(written: string, suspect: boolean): string[] {
    let word = written;
    let shortest = SHORTEST_GLUED;
    if (suspect && !isBreak(word)) {
      if (isSpaced(word) && word.length > 2) shortest = 2;
      word = join(word) || word;
    }
    const parts = this.lexicon.signatureOf(word) === NOTHING ? this.lexicon.split(word, shortest) : [];
    return parts.length > 0 ? parts : [word];
  }

  private weigh(
    text: string,
    folded: string,
    cuts: Cut[],
    signatures: readonly number[],
    best: Map<string, Match>,
  ): void {
    const classesOf = (signature: number) => this.lexicon.signatures[signature] ?? null;
    const hits = this.entries.walk(signatures, classesOf);
    if (hits.length === 0) return;
    const reading = read(this.lexicon, cuts, signatures, folded);
    const matched = placesOf(this.entries, hits, reading);
    const helping = placesOf(this.helpers, this.helpers.walk(signatures, classesOf), reading);
    const turns = new Set(
      [...this.turns].flatMap((number) => (helping.get(number) ?? []).map(([start]) => start)),
    );
    let more = 0;
    reading.clauses = reading.clauses.map((clause, place) => clause + (more += turns.has(place) ? 1 : 0));
    for (const [number, places] of matched) {
      const item = this.entries.items[number];
      if (item) keepGravest(text, reading, item, places, helping, best);
    }
  }
}

function placesOf(
  automaton: Automaton,
  hits: readonly [number, number][],
  reading: Reading,
): Map<number, Place[]> {
  const places = new Map<number, Place[]>();
  for (const [number, end] of hits) {
    const place: Place = [automaton.startOf(number, end, reading.classes), end];
    const known = places.get(number);
    if (known) known.push(place);
    else places.set(number, [place]);
  }
  return places;
}

function keepGravest(
  text: string,
  reading: Reading,
  item: Item,
  places: readonly Place[],
  found: ReadonlyMap<number, Place[]>,
  best: Map<string, Match>,
): void {
  let gravest = best.get(item.identity)?.severity ?? 0;
  let at: Place | undefined;
  for (const place of places) {
    if (gravest === item.severity) break;
    const severity = severityOf(reading, item, place, found);
    if (severity > gravest) [gravest, at] = [severity, place];
  }
  if (!at) return;
  const [start, end] = originalSpan(text, reading.cuts[at[0]]?.start ?? 0, reading.cuts[at[1]]?.end ?? 0);
  const category = tables.categories[item.category] ?? "";
  best.set(item.identity, { entry: item.identity, category, severity: gravest, start, end });
}

function severityOf(reading: Reading, item: Item, place: Place, found: ReadonlyMap<number, Place[]>): number {
  for (const { helper, within } of item.requirements) {
    const places = found.get(helper) ?? [];
    const near = places[firstEnding(places, place[0] - within)];
    if (!near || near[0] > place[1] + within) return 0;
  }
  let severity = item.severity;
  for (const { helper, where, reach, lower } of item.guards)
    if (speaksAgainst(reading, found.get(helper) ?? [], place, tables.wheres[where] ?? "", reach))
      severity -= lower;
  return Math.max(severity, 0);
}
