/** What a scenario is: one attack on the real core, told in a sentence, with the one guard that stops it. */

/** `harm`: the attack reached what it wanted. `how`: the code of the refusal, or in a word what the client did instead. */
export type Verdict = { readonly harm: boolean; readonly how: string };

export type Scenario = {
  readonly name: string;
  readonly by: "server" | "member" | "thief";
  /** In guards.ts. */
  readonly guard: string;
  /** What the guarded client answers. */
  readonly expect: string;
  readonly attack: () => Promise<Verdict>;
};

/** The code of what is refused; any other error is a fault of the scenario. */
export function codeOf(error: unknown): string {
  if (error instanceof Error && /^(?:Refusal|LogRefusal|ShapeError|CallError)$/.test(error.name))
    return (error as Error & { code?: string }).code ?? "malformed";
  throw error;
}

/** Run `act`: harm if it is let through. */
export async function tried(act: () => unknown): Promise<Verdict> {
  try {
    await act();
    return { harm: true, how: "accepted" };
  } catch (error) {
    return { harm: false, how: codeOf(error) };
  }
}
