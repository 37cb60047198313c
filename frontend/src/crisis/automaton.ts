/** All items as one automaton, made deterministic as it is used: the twin of moderation/crisis/automaton.py. */

import { ANY, build, type Shape } from "./shapes";

const MOST_STATES = 20_000;

export type CompiledItem = [string, number, number, number, Shape[], number[], number[]];
export type Guard = { helper: number; where: number; reach: number; lower: number };
export type Item = {
  identity: string;
  category: number;
  severity: number;
  accepting: Set<number>;
  backwards: Map<number, { label: number; from: number }[]>;
  guards: Guard[];
  requirements: { helper: number; within: number }[];
};
/** The classes of a word; `null` is a sentence's end. */
export type Classes = ReadonlySet<number> | null;

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

export class Automaton {
  readonly items: Item[] = [];
  private readonly starts = new Map<number, number[]>();
  private readonly edges: Map<number, number[]>[] = [];
  private readonly accepts: number[] = [];
  private rows: Map<number, number>[] = [];
  private accepted: number[][] = [];
  private members: number[][] = [];
  private known = new Map<string, number>();

  constructor() {
    this.forget();
  }

  private forget(): void {
    this.rows = [new Map<number, number>()];
    this.accepted = [[]];
    this.members = [[]];
    this.known = new Map([["", 0]]);
  }

  add(compiled: CompiledItem, slots: readonly Shape[], firstClass: number): number {
    const [identity, category, severity, maxGap, shapes] = compiled;
    const { edges, accepting } = build(shapes, maxGap, slots);
    const number = this.items.length;
    const backwards: Item["backwards"] = new Map();
    const offset = this.edges.length - 1;
    const states = Math.max(...edges.map(({ from, to }) => Math.max(from, to)));
    for (let more = 0; more < states; more += 1) {
      this.edges.push(new Map());
      this.accepts.push(-1);
    }
    for (const { from, label: local, to } of edges) {
      const label = local === ANY ? ANY : local + firstClass;
      push(backwards, to, { label, from });
      const leaving = from ? this.edges[from + offset] : this.starts;
      if (leaving) push(leaving, label, to + offset);
    }
    for (const state of accepting) this.accepts[state + offset] = number;
    this.items.push({
      identity,
      category,
      severity,
      accepting,
      backwards,
      guards: [],
      requirements: [],
    });
    this.forget();
    return number;
  }

  private step(from: number, signature: number, classes: Classes): number {
    let state = from;
    if (this.members.length >= MOST_STATES) {
      const members = this.members[state] ?? [];
      this.forget();
      state = this.intern(members);
    }
    const reached = new Set<number>();
    if (classes) {
      const follow = (edges: Map<number, number[]>, label: number) =>
        edges.get(label)?.forEach((to) => reached.add(to));
      for (const label of classes) follow(this.starts, label);
      for (const member of this.members[state] ?? []) {
        const edges = this.edges[member];
        if (!edges) continue;
        follow(edges, ANY);
        for (const label of classes) follow(edges, label);
      }
    }
    const after = this.intern([...reached].sort((one, two) => one - two));
    this.rows[state]?.set(signature, after);
    return after;
  }

  private intern(members: number[]): number {
    const key = members.join();
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const number = this.members.push(members) - 1;
    this.known.set(key, number);
    this.rows.push(new Map());
    const accepted = new Set(members.map((each) => this.accepts[each] ?? -1));
    accepted.delete(-1);
    this.accepted.push([...accepted]);
    return number;
  }

  /** [item, number of its last word] of all that is accepted, in the order of their ends. */
  walk(signatures: readonly number[], classesOf: (signature: number) => Classes): [number, number][] {
    const hits: [number, number][] = [];
    let state = 0;
    signatures.forEach((signature, place) => {
      state = this.rows[state]?.get(signature) ?? this.step(state, signature, classesOf(signature));
      for (const item of this.accepted[state] ?? []) hits.push([item, place]);
    });
    return hits;
  }

  /** Where the shortest match of the item that ends with word `end` began. */
  startOf(number: number, end: number, classes: readonly Classes[]): number {
    const item = this.items[number];
    let frontier = item?.accepting ?? new Set<number>();
    for (let place = end; frontier.size > 0; place -= 1) {
      const here = classes[place];
      const before = new Set<number>();
      if (here)
        for (const state of frontier)
          for (const { label, from } of item?.backwards.get(state) ?? [])
            if (label === ANY || here.has(label)) before.add(from);
      if (before.has(0) || place === 0) return place;
      frontier = before;
    }
    return end;
  }
}
