/** Waiting longer each time, and never in step with the others: a restart must not bring all clients back at once. */

export type Backoff = { readonly firstMs: number; readonly mostMs: number };

/**
 * Milliseconds before try number `attempt` (1 is the first repetition). Full jitter over the upper half, so that a wait
 * is never shorter than half of what the growth asks for.
 */
export function delayBefore(attempt: number, backoff: Backoff, random: () => number): number {
  const grown = Math.min(backoff.mostMs, backoff.firstMs * 2 ** Math.min(attempt - 1, 16));
  return grown / 2 + (random() * grown) / 2;
}
