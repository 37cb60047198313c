/**
 * When the list of rooms is looked at again. Each entry and commit of a room makes all its members look, which tells those
 * who are in it little: the log told them, and who waits outside is told by an event of their own. So a look waits, and is
 * one for all that came meanwhile; leaders, who wait for knocks, look sooner.
 */
const SOON_MS = 300;
const LATER_MS = 12_000;

export type ListLookPorts = {
  readonly later: (run: () => void, ms: number) => () => void;
  readonly random: () => number;
  readonly now: () => number;
  /** `roomId`: the room whose change made us look, or null for the community. */
  readonly look: (roomId: string | null) => void;
};

/** Return what asks for a look, soon or in its time. */
export function createListLook(ports: ListLookPorts): (roomId: string | null, isSoon: boolean) => void {
  let planned: { readonly due: number; readonly cancel: () => void } | null = null;
  return (roomId, isSoon) => {
    const wait = (isSoon ? SOON_MS : LATER_MS) * (1 + ports.random());
    const due = ports.now() + wait;
    if (planned !== null && planned.due <= due) return;
    planned?.cancel();
    const cancel = ports.later(() => {
      planned = null;
      ports.look(roomId);
    }, wait);
    planned = { due, cancel };
  };
}
