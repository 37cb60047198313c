/**
 * Pages that arrive while an earlier step is being stored share the next step: then a burst costs one encoding of the
 * group's state and one transaction, not one for each message.
 */
import { toHex } from "../crypto/hex";
import { takePage, type Page, type TakeInContext } from "./items";
import type { Room, RoomBook } from "./roomBook";

/** `taken` is told of a room that changed, and of the epoch that it had before. */
export function createGather(
  book: RoomBook,
  context: TakeInContext,
  taken: (room: Room, epochBefore: number) => void,
): (roomId: Uint8Array, page: Page) => Promise<boolean> {
  const gathering = new Map<string, { readonly pages: Page[]; readonly isWhole: Promise<boolean> }>();

  async function takeAll(roomId: Uint8Array, pages: readonly Page[]): Promise<boolean> {
    const id = toHex(roomId);
    const { epoch, isWhole } = await book.change(roomId, async (draft) => {
      gathering.delete(id);
      const before = draft.group?.marks.epoch ?? null;
      let all = true;
      for (const one of pages) all = (await takePage(draft, one, context)) && all;
      return { epoch: before, isWhole: all };
    });
    const room = book.get(id);
    if (room !== null && epoch !== null) taken(room, epoch);
    return isWhole;
  }

  return (roomId, page) => {
    const id = toHex(roomId);
    const waiting = gathering.get(id);
    if (waiting !== undefined) {
      waiting.pages.push(page);
      return waiting.isWhole;
    }
    const pages = [page];
    const isWhole = takeAll(roomId, pages);
    gathering.set(id, { pages, isWhole });
    return isWhole;
  };
}
