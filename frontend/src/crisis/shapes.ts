/** From the shapes of a compiled pack to automata without loops: the twin of moderation/crisis/shapes.py. */

export type Shape = number | Shape[];
export type Edge = { from: number; label: number; to: number };
export type Ways = { edges: Edge[]; accepting: Set<number> };

const [SEQUENCE, OPTIONAL, SLOT] = [0, 2, 3];
/** The label of an edge that any word passes, but no end of a sentence. */
export const ANY = -1;

type Building = { empty: number[][]; steps: Edge[]; slots: readonly Shape[] };

function state(building: Building): number {
  return building.empty.push([]) - 1;
}

function link(building: Building, from: number, to: number): void {
  building.empty[from]?.push(to);
}

function word(building: Building, label: number, from: number): number {
  const to = state(building);
  building.steps.push({ from, label, to });
  return to;
}

function gap(building: Building, count: number, from: number): number {
  const after = state(building);
  link(building, from, after);
  let before = from;
  for (let more = 0; more < count; more += 1) {
    before = word(building, ANY, before);
    link(building, before, after);
  }
  return after;
}

function add(building: Building, shape: Shape, from: number, maxGap = 0): number {
  if (typeof shape === "number")
    return shape >= 0 ? word(building, shape, from) : gap(building, -shape, from);
  const [kind, ...parts] = shape;
  if (kind === SEQUENCE)
    return parts.reduce<number>(
      (before, part, place) =>
        add(building, part, place > 0 && maxGap > 0 ? gap(building, maxGap, before) : before),
      from,
    );
  if (kind === SLOT) return add(building, building.slots[parts[0] as number] ?? [], from);
  const after = state(building);
  if (kind === OPTIONAL) link(building, from, after);
  for (const part of parts) link(building, add(building, part, from), after);
  return after;
}

/** The automaton of an item: any of its shapes. State 0 is the start. */
export function build(shapes: readonly Shape[], maxGap: number, slots: readonly Shape[]): Ways {
  const building: Building = { empty: [[]], steps: [], slots };
  const ends = new Set(shapes.map((shape) => add(building, shape, 0, maxGap)));
  const leaving = new Map<number, Edge[]>();
  for (const step of building.steps) leaving.set(step.from, [...(leaving.get(step.from) ?? []), step]);
  const alike = new Map<string, number>();
  const named = new Map<number, number>();
  const edges = new Map<string, Edge>();
  const accepting = new Set<number>();

  const reachedFrom = (start: number): Set<number> => {
    const reached = new Set([start]);
    for (const inner of reached) for (const after of building.empty[inner] ?? []) reached.add(after);
    return reached;
  };
  const name = (number: number): number => {
    const known = named.get(number);
    if (known !== undefined) return known;
    const reached = reachedFrom(number);
    const outgoing = new Map<string, { label: number; to: number }>();
    for (const inner of reached)
      for (const { label, to } of leaving.get(inner) ?? []) {
        const after = name(to);
        outgoing.set(`${label}>${after}`, { label, to: after });
      }
    const accepts = [...reached].some((each) => ends.has(each));
    const key = `${accepts ? "+" : "-"}${[...outgoing.keys()].sort().join()}`;
    const found = alike.get(key) ?? alike.size + 1;
    alike.set(key, found);
    for (const [way, { label, to }] of outgoing) edges.set(`${found}>${way}`, { from: found, label, to });
    if (accepts) accepting.add(found);
    named.set(number, found);
    return found;
  };
  const start = name(0);
  return {
    edges: [...edges.values()].map((edge) => (edge.from === start ? { ...edge, from: 0 } : edge)),
    accepting,
  };
}
