import type { VNode } from "preact";
import { currentLanguage, sayCount } from "../words/words";

const DAY_MS = 24 * 3_600_000;

// The words' language, but 12 or 24 hours as this device is used to.
const { hourCycle } = new Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions() as {
  hourCycle?: "h11" | "h12" | "h23" | "h24";
};

function format(at: number, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(currentLanguage(), options).format(at);
}

/** The time, with the day where it is not today, and the date where the day's name could mean two days. */
export function describeMoment(at: number, now: number): string {
  const time: Intl.DateTimeFormatOptions = {
    hour: "numeric",
    minute: "2-digit",
    ...(hourCycle ? { hourCycle } : {}),
  };
  if (new Date(at).toDateString() === new Date(now).toDateString()) return format(at, time);
  if (Math.abs(at - now) < 6 * DAY_MS) return format(at, { weekday: "long", ...time });
  return format(at, { day: "numeric", month: "long", ...time });
}

/** A time in its own direction, readable by machines too. */
export function When({ at, now }: { readonly at: number; readonly now: number }): VNode {
  return (
    <bdi>
      <time dateTime={new Date(at).toISOString()}>{describeMoment(at, now)}</time>
    </bdi>
  );
}

/** "24 hours", "3 days": how long messages stay. */
export function describeDuration(seconds: number): string {
  const hours = Math.max(1, Math.round(seconds / 3_600));
  return hours >= 48 && hours % 24 === 0
    ? sayCount("expiry.days", hours / 24)
    : sayCount("expiry.hours", hours);
}
