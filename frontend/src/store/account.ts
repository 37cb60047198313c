/** From an invite link to an open store and back: sign-up, unlocking, locking, leaving. One thing at a time. */
import { batch, computed, signal, type Signal } from "@preact/signals";
import { equalBytes } from "../crypto/bytes";
import { newLocalKey } from "../crypto/localKey";
import { newPhrase } from "../crypto/phrase";
import { safetyCode } from "../crypto/safetyCode";
import { phraseSalt } from "../crypto/sodium";
import { wipe } from "../crypto/wipe";
import { isEffective } from "../crypto/communityLog";
import { toHex } from "../crypto/hex";
import { CallError, isPassing } from "../protocol/failure";
import { CLOSE_CODES } from "../protocol/generated";
import { bootChange, changePin, newBoot, readBoot, unlockByPhrase, unlockByPin, type Boot } from "./boot";
import { saveVerified } from "./community";
import { openDatabase } from "./database";
import { createIdleLock, type IdleLock } from "./idleLock";
import { readInvitation, type Invitation } from "./invitation";
import { putKeyPackages } from "./keyStock";
import type { AppStore, Community, DeviceKind, InviteView, LockView, Me, Outcome, SignUpForm } from "./model";
import { openKept, readSelf, type Opened } from "./opened";
import { attempt, attemptPlain, failure, failureOf } from "./outcome";
import type { TabClaim } from "./ports";
import { createMemoryStore, type RawStore } from "./rawStore";
import { PLACES, type SelfRecord } from "./records";
import type { Shell } from "./shell";
import { draftSignUp, newNewcomer, type Newcomer } from "./signUp";
import type { SyncEvents } from "./sync";

type AccountActions = Pick<
  AppStore,
  | "start"
  | "beginInvite"
  | "startSignUp"
  | "newPhrase"
  | "signUp"
  | "dropInvite"
  | "unlock"
  | "lock"
  | "leaveFast"
  | "signOut"
  | "eraseDevice"
  | "setPin"
  | "noteActivity"
>;

export type Account = AccountActions & Pick<AppStore, "invite" | "lockView" | "me">;

const NO_LOCK: LockView = { pin: false, triesLeft: null, erased: false };

export function createAccount(
  shell: Shell,
  rooms: {
    readonly events: Pick<SyncEvents, "presence" | "waiting" | "roomsListed">;
    readonly reset: () => void;
    /** A signed-in person opened a link to a room. */
    readonly useLink: (invitation: Invitation) => Promise<void>;
  },
): Account {
  const { ports, phase } = shell;
  const invite: Signal<InviteView | null> = signal(null);
  const lockView = signal<LockView>(NO_LOCK);
  const boot = signal<Boot | null>(null);
  /** What came to be known after the store was opened. */
  const pinSet = signal(false);

  let claim: TabClaim | null = null;
  let kept: RawStore | null = null;
  let invitation: Invitation | null = null;
  let words: readonly string[] | null = null;
  let newcomer: Newcomer | null = null;
  /** Counts openings and closings, so that what began before a lock cannot open after it. */
  let era = 0;

  const idle: IdleLock = createIdleLock(ports, lock);

  const me = computed<Me | null>(() => {
    shell.follow();
    const opened = shell.opened.value;
    if (opened === null) return null;
    const { core } = opened;
    const { self, logs, clock } = core;
    const roles = (["steward", "leader", "counselor"] as const).filter((role) =>
      isEffective(logs.community(), self.accountId, role, clock.now()),
    );
    return {
      accountId: core.ids.accountId,
      handle: self.handle,
      language: self.language,
      roles,
      invitedAs: self.invitedAs,
      deviceKind: self.deviceKind,
      pinSet: pinSet.value,
      safetyCode: safetyCode(self.root, self.accountId, self.identityKey),
    };
  });

  // --- Opening and closing ---------------------------------------------------------------------------

  function idleKind(kind: DeviceKind): "pin" | "phrase" | "shared" {
    if (kind === "shared") return "shared";
    return pinSet.peek() ? "pin" : "phrase";
  }

  const events: SyncEvents = {
    ...rooms.events,
    connection: shell.online,
    ended: (closeCode) => {
      // Another socket of this very device: only another window of this browser can be that.
      if (closeCode === CLOSE_CODES.REPLACED) closeTo("other-tab");
    },
    distrusted: shell.bump,
    broken: () => {
      closeTo(kept === null || boot.peek() === null ? "signed-out" : "locked");
    },
  };

  async function showCommunity(opened: Opened): Promise<void> {
    try {
      const answer = await opened.core.api.call("community", null);
      if (!equalBytes(answer.root, opened.core.self.root)) return;
      shell.community.value = { name: answer.name, demo: answer.demo, languages: answer.languages };
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
    }
  }

  async function open(raw: RawStore, localKey: Uint8Array, self: SelfRecord): Promise<void> {
    const mine = era;
    const opened = await openKept({
      ports,
      raw,
      localKey,
      self,
      clock: shell.clock,
      events,
      onChange: shell.bump,
    });
    if (mine !== era) {
      opened.close();
      return;
    }
    batch(() => {
      shell.opened.value = opened;
      pinSet.value = (boot.peek()?.byPin.length ?? 0) > 0;
      invite.value = null;
      phase.value = "open";
    });
    opened.sync.start(opened.cursor);
    idle.start(idleKind(self.deviceKind));
    showCommunity(opened).catch(events.broken);
  }

  function closeTo(next: "locked" | "signed-out" | "left" | "other-tab"): void {
    era += 1;
    const opened = shell.opened.peek();
    batch(() => {
      shell.opened.value = null;
      phase.value = next;
      invite.value = null;
      lockView.value = { ...NO_LOCK, pin: (boot.peek()?.byPin.length ?? 0) > 0 };
    });
    rooms.reset();
    opened?.close();
    idle.stop();
    forgetSignUp();
    ports.link.showRooms([]);
  }

  function lock(): void {
    if (shell.opened.peek() !== null) closeTo(boot.peek() === null ? "signed-out" : "locked");
  }

  function forgetSignUp(): void {
    if (newcomer !== null) wipe([newcomer.identity.seed]);
    if (invitation !== null) wipe([invitation.key.seed]);
    [invitation, words, newcomer] = [null, null, null];
  }

  // --- Starting ----------------------------------------------------------------------------------------

  async function start(): Promise<void> {
    claim = await ports.claimTab();
    if (claim.kind !== "held") {
      phase.value = claim.kind === "busy" ? "other-tab" : "unsupported";
      return;
    }
    try {
      kept = await ports.openStore();
      boot.value = await readBoot(kept);
    } catch {
      // No storage in this browser, or none that works: a shared device's memory is still there.
      kept = null;
    }
    lockView.value = { ...NO_LOCK, pin: (boot.peek()?.byPin.length ?? 0) > 0 };
    // An invite may have been opened meanwhile; it stays on the screen.
    if (phase.peek() === "loading") phase.value = boot.peek() === null ? "signed-out" : "locked";
  }

  // --- Invites -----------------------------------------------------------------------------------------

  const communityView = (found: Invitation): Community => ({
    name: found.community.name,
    demo: found.verified.community.demo,
    languages: found.community.languages,
  });

  async function beginInvite(fragment: string): Promise<Outcome> {
    const isOpen = shell.opened.peek() !== null;
    if (!isOpen && phase.peek() !== "other-tab" && phase.peek() !== "unsupported") phase.value = "invite";
    invite.value = { state: "looking" };
    try {
      const found = await readInvitation(ports.api, fragment, shell.clock.now, ports.origin);
      if (isOpen) {
        await rooms.useLink(found);
        invite.value = null;
        return { ok: true };
      }
      invitation = found;
      batch(() => {
        shell.community.value = communityView(found);
        invite.value = {
          state: "ready",
          role: found.role,
          roomName: found.roomName,
          community: communityView(found),
          expiresAt: found.expiresAt,
        };
      });
      return { ok: true };
    } catch (error) {
      const problem = failureOf(error);
      invite.value = { state: "problem", code: problem.code };
      return problem;
    }
  }

  // --- Signing up ----------------------------------------------------------------------------------------

  async function signUp(form: SignUpForm): Promise<Outcome> {
    if (invitation === null || words === null || !form.phraseConfirmed) return failure("phrase.missing");
    if (form.deviceKind === "own" && kept === null) return failure("device.no_storage");
    newcomer ??= newNewcomer();
    const found = invitation;
    const draft = await draftSignUp({
      invitation: found,
      person: newcomer,
      form,
      words,
      now: shell.clock.now(),
    });
    const raw = form.deviceKind === "own" && kept !== null ? kept : createMemoryStore();
    const localKey = newLocalKey();
    const db = openDatabase(raw, localKey);
    await db.write((changes) => {
      changes.put(PLACES.self, draft.self);
      saveVerified(changes, found.verified);
      putKeyPackages(changes, draft.keyPackages);
    });
    if (form.deviceKind === "own") {
      const salt = phraseSalt(draft.self.root, draft.self.handle);
      boot.value = newBoot(salt, draft.phraseKey, localKey);
      await raw.write([bootChange(boot.value)]);
    }
    draft.phraseKey.fill(0);
    return finishSignUp(raw, localKey, draft.self, form.pin);
  }

  /** Send what is stored, until there is an answer; then it is an account like any other. */
  async function finishSignUp(
    raw: RawStore,
    localKey: Uint8Array,
    self: SelfRecord,
    pin: string | null,
  ): Promise<Outcome> {
    const db = openDatabase(raw, localKey);
    if (self.signUp !== null) {
      try {
        await ports.api.call("signUp", self.signUp);
      } catch (error) {
        // Refused for good: nothing of it was ever an account.
        if (error instanceof CallError && !isPassing(error.code)) await discard(raw);
        return failureOf(error);
      }
    }
    const done: SelfRecord = { ...self, signUp: null };
    await db.write((changes) => {
      changes.put(PLACES.self, done);
      if (done.invitedRoom !== null && done.invitedAs === "member") {
        changes.put(PLACES.room(toHex(done.invitedRoom)), {
          roomId: done.invitedRoom,
          row: null,
          agreedVersion: null,
          asking: false,
          creation: null,
          log: [],
          hideReasons: new Map(),
          problem: null,
        });
      }
    });
    forgetSignUp();
    await open(raw, localKey, done);
    if (pin !== null && boot.peek() !== null) return setPin(pin);
    return { ok: true };
  }

  async function discard(raw: RawStore): Promise<void> {
    if (raw === kept) {
      await raw.destroy();
      kept = await ports.openStore();
    }
    boot.value = null;
  }

  // --- Unlocking -----------------------------------------------------------------------------------------

  async function unlock(secret: { readonly pin: string } | { readonly phrase: string }): Promise<Outcome> {
    const known = boot.peek();
    if (known === null || kept === null) return failure("session.signed_out");
    let localKey: Uint8Array | null;
    if ("phrase" in secret) {
      localKey = await unlockByPhrase(known, secret.phrase);
      if (localKey === null) return failure("phrase.wrong");
    } else {
      try {
        localKey = await unlockByPin(ports.api, known, secret.pin);
      } catch (error) {
        const problem = failureOf(error);
        const view = lockView.peek();
        if (problem.code === "pin.wrong") {
          lockView.value = { ...view, triesLeft: problem.details["left"] ?? view.triesLeft };
        }
        if (problem.code === "pin.erased") lockView.value = { pin: false, triesLeft: 0, erased: true };
        return problem;
      }
    }
    const self = await readSelf(openDatabase(kept, localKey));
    if (self === null) return failure("device.broken");
    if (self.signUp !== null) return finishSignUp(kept, localKey, self, null);
    await open(kept, localKey, self);
    return { ok: true };
  }

  async function setPin(pin: string): Promise<Outcome> {
    return attemptPlain(async () => {
      const { core, raw, localKey } = shell.use();
      const known = boot.peek();
      if (known === null) throw new CallError("session.not_allowed");
      const set = await changePin({
        api: core.api,
        raw,
        boot: known,
        pin,
        localKey,
        share: await core.db.get<Uint8Array>(PLACES.pinShare),
      });
      await core.db.write((changes) => {
        changes.put(PLACES.pinShare, set.share);
      });
      batch(() => {
        boot.value = set.boot;
        pinSet.value = true;
      });
      idle.start("pin");
    });
  }

  async function signOut(): Promise<Outcome> {
    const opened = shell.opened.peek();
    const outcome = await attemptPlain(async () => {
      await ports.api.call("signOut", null);
    });
    if (opened !== null) lock();
    return outcome;
  }

  return {
    invite,
    lockView,
    me,
    start,
    beginInvite,
    startSignUp: () => {
      if (invite.peek()?.state === "ready") phase.value = "sign-up";
    },
    newPhrase: () =>
      attempt(async () => {
        words = await newPhrase();
        return { words };
      }),
    signUp: async (form) => {
      try {
        return await signUp(form);
      } catch (error) {
        return failureOf(error);
      }
    },
    dropInvite: () => {
      forgetSignUp();
      invite.value = null;
      if (shell.opened.peek() === null) phase.value = boot.peek() === null ? "signed-out" : "locked";
    },
    unlock: async (secret) => {
      try {
        return await unlock(secret);
      } catch (error) {
        return failureOf(error);
      }
    },
    lock,
    leaveFast: () => {
      ports.beacon("/api/v1/exit");
      closeTo("left");
    },
    signOut,
    eraseDevice: () =>
      attemptPlain(async () => {
        // What is here goes first, whatever the network says.
        closeTo("signed-out");
        if (kept !== null) await discard(kept);
        lockView.value = NO_LOCK;
        await ports.api.call("signOut", null);
      }),
    setPin,
    noteActivity: idle.touch,
  };
}
