/** The store as the page sees it (model.ts), joined from its parts. It holds no rule of its own. */
import { signal } from "@preact/signals";
import { fromHex } from "../crypto/hex";
import { CallError } from "../protocol/failure";
import { createAccount } from "./account";
import { certify, fetchCandidates, fetchInvites, makeInvite } from "./leading";
import type { AppStore, Candidate, InviteLine } from "./model";
import { attempt, attemptPlain } from "./outcome";
import type { Ports } from "./ports";
import { createRooms } from "./rooms";
import { createShell } from "./shell";

/** What only scenarios and tests ask for. */
export type TestableStore = AppStore & {
  /** Resolves when nothing that was begun is still under way. */
  readonly idle: () => Promise<void>;
  /** Where each room stands: numbers alone. */
  readonly standing: () => readonly RoomStandingReport[];
};

export type RoomStandingReport = {
  readonly roomId: string;
  readonly epoch: number | null;
  readonly cursor: number | null;
  readonly problem: string | null;
  readonly made: number;
  readonly outbox: number;
};

export function createAppStore(ports: Ports): TestableStore {
  const shell = createShell(ports);
  const { events, reset, useLink, ...rooms } = createRooms(shell);
  const account = createAccount(shell, { events, reset, useLink });
  const invites = signal<readonly InviteLine[]>([]);
  const candidates = signal<readonly Candidate[]>([]);

  return {
    ...account,
    ...rooms,
    phase: shell.phase,
    connection: shell.connection,
    community: shell.community,
    invites,
    candidates,
    loadInvites: () =>
      attemptPlain(async () => {
        invites.value = await fetchInvites(shell.use().core);
      }),
    makeInvite: (role, roomId) => attempt(() => makeInvite(shell.use().core, role, roomId)),
    revokeInvite: (inviteId) =>
      attemptPlain(async () => {
        const { core } = shell.use();
        if (fromHex(inviteId)?.length !== 32) throw new CallError("request.not_found");
        await core.api.call("revokeInvite", null, { invite: inviteId });
        invites.value = await fetchInvites(core);
      }),
    loadCandidates: () =>
      attemptPlain(async () => {
        candidates.value = await fetchCandidates(shell.use().core);
      }),
    certify: (accountId, role) =>
      attemptPlain(async () => {
        const { core } = shell.use();
        await certify(core, accountId, role);
        candidates.value = await fetchCandidates(core);
      }),
    idle: async () => {
      await shell.opened.peek()?.sync.idle();
    },
    standing: () =>
      (shell.opened.peek()?.core.book.all() ?? []).map((room) => ({
        roomId: room.id,
        epoch: room.group?.marks.epoch ?? null,
        cursor: room.group?.marks.cursor ?? null,
        problem: room.record.problem,
        made: room.made.length,
        outbox: room.outbox.length,
      })),
  };
}
