/**
 * Checks what arrives against the generated shapes: nothing unknown, nothing missing, every size in its bounds.
 *
 * A shape is: a model's name; "t" boolean; "0" null; ["=", ...values]; ["?", shape] or null; ["|", field, ...names] told
 * apart by a field; ["[]", shape, most]; ["{}", shape] a record; ["b", least, most] bytes; ["s", least, most] text in code
 * points; ["n", least, most] a whole number. It knows nothing of meaning: which entry is allowed is judged in crypto.
 */
import { SHAPES, type Models } from "./generated";

export type ModelName = keyof Models;

/** Raised for anything of the wrong shape; holds the path to the field and never its content. */
export class ShapeError extends Error {
  constructor(path: string) {
    super(`wrong shape at ${path}`);
    this.name = "ShapeError";
  }
}

type Wire = "msgpack" | "json";
type Shape = string | readonly [string, ...unknown[]] | { readonly [field: string]: Shape };

function fail(path: string): never {
  throw new ShapeError(path);
}

function shapeOf(name: string): Shape {
  const shape = Object.prototype.hasOwnProperty.call(SHAPES, name) ? SHAPES[name] : undefined;
  return shape === undefined ? fail(name) : (shape as Shape);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

/** Strict base64 (RFC 4648 §4); what decodes must encode to the same text again. */
export function fromBase64(text: string): Uint8Array | null {
  try {
    const raw = atob(text);
    return btoa(raw) === text ? Uint8Array.from(raw, (character) => character.charCodeAt(0)) : null;
  } catch {
    return null;
  }
}

export function toBase64(bytes: Uint8Array): string {
  let raw = "";
  for (const byte of bytes) raw += String.fromCharCode(byte);
  return btoa(raw);
}

function readBytes(value: unknown, least: number, most: number, wire: Wire, path: string): Uint8Array {
  const bytes = wire === "json" && typeof value === "string" ? fromBase64(value) : value;
  if (!(bytes instanceof Uint8Array) || bytes.length < least || bytes.length > most) return fail(path);
  return bytes;
}

function readRecord(
  shape: Readonly<Record<string, Shape>>,
  value: unknown,
  wire: Wire,
  path: string,
): unknown {
  if (!isRecord(value)) return fail(path);
  const fields = Object.keys(shape);
  if (Object.keys(value).length !== fields.length) return fail(path);
  const result: Record<string, unknown> = {};
  for (const field of fields) {
    if (!Object.prototype.hasOwnProperty.call(value, field)) return fail(`${path}.${field}`);
    result[field] = read(shape[field] as Shape, value[field], wire, `${path}.${field}`);
  }
  return result;
}

function readUnion(
  field: string,
  names: readonly string[],
  value: unknown,
  wire: Wire,
  path: string,
): unknown {
  if (!isRecord(value)) return fail(path);
  for (const name of names) {
    const shape = shapeOf(name) as Readonly<Record<string, Shape>>;
    const tag = shape[field];
    if (Array.isArray(tag) && tag[1] === value[field]) return readRecord(shape, value, wire, path);
  }
  return fail(path);
}

function within(size: number, least: unknown, most: unknown): boolean {
  return size >= Number(least) && size <= Number(most);
}

function read(shape: Shape, value: unknown, wire: Wire, path: string): unknown {
  if (typeof shape === "string") {
    if (shape === "t") return typeof value === "boolean" ? value : fail(path);
    if (shape === "0") return value === null ? value : fail(path);
    return read(shapeOf(shape), value, wire, path);
  }
  if (!Array.isArray(shape)) return readRecord(shape as Readonly<Record<string, Shape>>, value, wire, path);
  const [kind, first, second] = shape as readonly unknown[];
  switch (kind) {
    case "=":
      return (shape.slice(1) as unknown[]).includes(value) ? value : fail(path);
    case "?":
      return value === null ? null : read(first as Shape, value, wire, path);
    case "|":
      return readUnion(first as string, shape.slice(2) as string[], value, wire, path);
    case "[]":
      if (!Array.isArray(value) || value.length > Number(second)) return fail(path);
      return value.map((item, index) => read(first as Shape, item, wire, `${path}[${index}]`));
    case "{}":
      if (!isRecord(value)) return fail(path);
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, read(first as Shape, item, wire, `${path}.*`)]),
      );
    case "b":
      return readBytes(value, first as number, second as number, wire, path);
    case "s":
      return typeof value === "string" && within(Array.from(value).length, first, second)
        ? value
        : fail(path);
    case "n":
      return Number.isSafeInteger(value) && within(value as number, first, second) ? value : fail(path);
    default:
      return fail(path);
  }
}

/** Return `value` as the model, with new objects throughout; raise ShapeError. */
export function check<N extends ModelName>(name: N, value: unknown): Models[N] {
  return read(name, value, "msgpack", name) as Models[N];
}

/** The same for a parsed JSON body, whose bytes are base64. */
export function checkJson<N extends ModelName>(name: N, value: unknown): Models[N] {
  return read(name, value, "json", name) as Models[N];
}

/** The JSON form of a model that was built here: bytes become base64. */
export function toJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return toBase64(value);
  if (Array.isArray(value)) return value.map(toJson);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]));
}
