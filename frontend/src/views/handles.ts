import { LIMITS } from "../protocol/generated";

const BAD = /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u;

/** Code points, as the server counts; what looks like one letter may be several. */
export function countLetters(text: string): number {
  return Array.from(text).length;
}

export type LineFault = "empty" | "too_long" | "odd";

/**
 * One visible line as the wire wants it (`line` in protocol/types): normal form C, no outer space, nothing that hides or
 * turns text. Letters are counted as the server counts them, by code point.
 */
export function checkLine(
  input: string,
  max: number,
): { readonly line: string; readonly fault: LineFault | null } {
  const line = input.normalize("NFC").trim();
  if (line === "") return { line, fault: "empty" };
  if (BAD.test(line)) return { line, fault: "odd" };
  return { line, fault: countLetters(line) > max ? "too_long" : null };
}

export const HANDLE_MAX = LIMITS.HANDLE_MAX_CHARS;
export const ROOM_NAME_MAX = LIMITS.ROOM_NAME_MAX_CHARS;

export const PIN_MIN = 6;
export const PIN_MAX = 12;

export type PinFault = "short" | "simple";

/** One digit over and over, or a run up or down, is what someone else tries first. */
export function checkPin(pin: string): PinFault | null {
  if (!new RegExp(`^[0-9]{${PIN_MIN},${PIN_MAX}}$`).test(pin)) return "short";
  const steps = new Set(
    Array.from(pin.slice(1), (digit, index) => (Number(digit) - Number(pin[index]) + 10) % 10),
  );
  const [step] = steps;
  return steps.size === 1 && (step === 0 || step === 1 || step === 9) ? "simple" : null;
}
