/**
 * The store as the page sees it: phases, signals and actions (model.ts). It joins the parts and holds no rule of its own;
 * everything that can fail answers with an Outcome.
 */
import { batch, computed, signal } from "@preact/signals";
import { fromHex } from "../crypto/hex";
import { newLocalKey } from "../crypto/localKey";
import { newPhrase } from "../crypto/phrase";
import { safetyCode } from "../crypto/safetyCode";
import { phraseSalt } from "../crypto/sodium";
import { newId, newSalt, signStatement } from "../crypto/statements";
import { wipe } from "../crypto/wipe";
import { CallError } from "../protocol/failure";
import { CLOSE_CODES, type Action } from "../protocol/generated";
import { bootChange, changePin, newBoot, readBoot, unlockByPhrase, unlockByPin, type Boot } from "./boot";
import { idBytes, runEntry, runEntryWithCommit } from "./commits";
import { saveVerified } from "./community";
import { openDatabase } from "./database";
import { createClock } from "./core";
import { readInvitation, type Invitation } from "./invitation";
import { isRefusal } from "./items";
import { putKeyPackages } from "./keyStock";
import { certify, fetchCandidates, fetchInvites, fetchKnocking, makeInvite, type Knocking } from "./leading";
import type {
  AppStore,
  Candidate,
  Community,
  Connection,
  InviteLine,
  InviteView,
  LockView,
  Me,
  OpenRoom,
  Outcome,
  Phase,
  PresenceMode,
  RoomSummary,
  SignUpForm,
} from "./model";
import { openKept, readSelf, type Opened } from "./opened";
import { announceRoom, createRoom } from "./opening";
import { attempt, attemptPlain, failure, failureOf } from "./outcome";
import { textProblem } from "./outbox";
import type { Ports, TabClaim } from "./ports";
import { createMemoryStore, type RawStore } from "./rawStore";
import { PLACES, type SelfRecord } from "./records";
import { refreshRooms } from "./roomList";
import { openRoomOf, summaryOf, type ViewContext } from "./roomView";
import { draftSignUp, newNewcomer, type Newcomer } from "./signUp";

/** How long without a touch until the keys are dropped: short where a PIN brings them back, longer where it takes a phrase. */
const IDLE_MS = { pin: 5 * 60_000, phrase: 15 * 60_000, shared: 30 * 60_000 };

const NO_PRESENCE: ReadonlyMap<string, PresenceMode> = new Map();
