import english from "./en.json";

/**
 * The app's own words in the chosen language. English stands in the first chunk, since it is what any language falls back to; a
 * further language is a JSON file of the same keys that `loadWords` fetches alone.
 *
 * Deliberately not here: markup. A word table holds text and `{places}`, nothing else.
 */

export type WordKey = keyof typeof english;
export type Places = Readonly<Record<string, string | number>>;

type Table = Readonly<Partial<Record<WordKey, string>>>;
type PluralBase<K extends string> = K extends `${infer Base}.other` ? Base : never;
/** Keys that have one form for each plural category of the language (CLDR: `one`, `other`, and so on). */
export type PluralKey = PluralBase<WordKey>;

// A language is added here once a native reader approved it.
const LOADERS: Readonly<Record<string, () => Promise<{ readonly default: Table }>>> = {};

const RIGHT_TO_LEFT = new Set(["ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"]);

let table: Table = english;
let language = "en";
let plurals = new Intl.PluralRules(language);

/** The language the words are in now: a BCP 47 tag. */
export function currentLanguage(): string {
  return language;
}

export function textDirection(tag: string): "ltr" | "rtl" {
  return RIGHT_TO_LEFT.has(tag.split("-")[0] ?? tag) ? "rtl" : "ltr";
}

/** Switch to the language's words where there are some; else English stays. Returns the language that is in use now. */
export async function loadWords(wanted: string): Promise<string> {
  const load = LOADERS[wanted] ?? LOADERS[wanted.split("-")[0] ?? wanted];
  table = load ? { ...english, ...(await load()).default } : english;
  language = load ? wanted : "en";
  plurals = new Intl.PluralRules(language);
  return language;
}

/** The sentence with its places still in it, in pieces: text at even positions, names of places at odd ones. */
export function pieces(key: WordKey): readonly string[] {
  return (table[key] ?? english[key]).split(/\{([a-z]+)\}/);
}

export function say(key: WordKey, places: Places = {}): string {
  return pieces(key)
    .map((piece, index) => (index % 2 === 0 ? piece : String(places[piece] ?? "")))
    .join("");
}

/** The form for `count` by the language's own plural rules. */
export function sayCount(key: PluralKey, count: number): string {
  const wanted = `${key}.${plurals.select(count)}`;
  const form = (wanted in table ? wanted : `${key}.other`) as WordKey;
  return say(form, { count: new Intl.NumberFormat(language).format(count) });
}
