/**
 * Every HTTP endpoint under `/api/v1`: its method, its path, and the models of its body and answer. `{room}`,
 * `{invite}` and `{case}` in a path are lower-case hexadecimal digits. Each is idempotent; docs/openapi.json says the same, and a test compares the two.
 */
import type { Models } from "./generated";
import type { ModelName } from "./validate";

type Endpoint = {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body: ModelName | null;
  readonly answer: ModelName;
};

const get = <A extends ModelName>(path: string, answer: A) =>
  ({ method: "GET", path, body: null, answer }) as const;
const post = <B extends ModelName | null, A extends ModelName>(path: string, body: B, answer: A) =>
  ({ method: "POST", path, body, answer }) as const;

export const ENDPOINTS = {
  community: get("community", "CommunityAnswer"),
  communityLog: get("community/log", "LogAnswer"),
  appendCommunity: post("community/log", "CommunityEntryRequest", "EntryAnswer"),
  lookAtInvite: post("invites/look", "InviteLookRequest", "InviteLookAnswer"),
  invites: get("invites", "InvitesAnswer"),
  makeInvite: post("invites", "InviteRequest", "DoneAnswer"),
  revokeInvite: post("invites/{invite}/revoke", null, "DoneAnswer"),
  candidates: get("candidates", "CandidatesAnswer"),
  signUp: post("sign-up", "SignUpRequest", "SessionAnswer"),
  challenge: post("sign-in/challenge", "ChallengeRequest", "ChallengeAnswer"),
  signIn: post("sign-in", "SignInRequest", "SessionAnswer"),
  signOut: post("sign-out", null, "DoneAnswer"),
  exit: post("exit", null, "DoneAnswer"),
  me: get("me", "MeAnswer"),
  accountLogs: post("accounts/logs", "AccountLogsRequest", "AccountLogsAnswer"),
  keyPackages: post("device/key-packages", "KeyPackagesRequest", "KeyPackagesAnswer"),
  setPin: post("device/pin", "PinRequest", "PinAnswer"),
  deviceItems: get("device/items", "DeviceItemsAnswer"),
  unlockPin: post("device/pin/unlock", "PinUnlockRequest", "PinAnswer"),
  rooms: get("rooms", "RoomsAnswer"),
  createRoom: post("rooms", "RoomCreateRequest", "RoomEntryAnswer"),
  askToJoin: post("rooms/{room}/join-requests", "JoinRequest", "DoneAnswer"),
  withdraw: post("rooms/{room}/join-requests/withdraw", null, "DoneAnswer"),
  waiting: get("rooms/{room}/waiting", "WaitingAnswer"),
  decline: post("rooms/{room}/decline", "DeclineRequest", "DoneAnswer"),
  roomLog: get("rooms/{room}/log", "RoomLogAnswer"),
  appendRoom: post("rooms/{room}/log", "RoomEntryRequest", "RoomEntryAnswer"),
  pending: get("rooms/{room}/pending", "PendingAnswer"),
  claim: post("rooms/{room}/claims", "ClaimRequest", "ClaimAnswer"),
  commit: post("rooms/{room}/commits", "CommitRequest", "CommitAnswer"),
  items: get("rooms/{room}/items", "ItemsAnswer"),
  sendMessage: post("rooms/{room}/messages", "SendRequest", "SendAnswer"),
  boxKeys: get("box-keys", "BoxKeysAnswer"),
  publishBoxKey: post("device/box-key", "BoxKeyRequest", "DoneAnswer"),
  cases: get("cases", "CasesAnswer"),
  raiseCase: post("cases", "CaseRaiseRequest", "CaseAnswer"),
  oneCase: get("cases/{case}", "CaseAnswer"),
  withdrawCase: post("cases/{case}/withdraw", null, "CaseAnswer"),
  acknowledgeCase: post("cases/{case}/acknowledge", null, "CaseAnswer"),
  caseSealed: get("cases/{case}/sealed", "CaseSealedAnswer"),
  talkInCase: post("cases/{case}/talk", null, "CaseAnswer"),
  offerCase: post("cases/{case}/offer", "CaseOfferRequest", "CaseAnswer"),
  releaseCase: post("cases/{case}/release", null, "CaseAnswer"),
  closeCase: post("cases/{case}/close", "CaseCloseRequest", "CaseAnswer"),
  contacts: get("contacts", "ContactsAnswer"),
  addContact: post("contacts", "ContactRequest", "ContactAnswer"),
  confirmContact: post("contacts/confirm", "ContactConfirmRequest", "DoneAnswer"),
  removeContact: post("contacts/remove", "ContactRemoveRequest", "DoneAnswer"),
  setDuty: post("duty", "DutyRequest", "DoneAnswer"),
  onCall: get("on-call", "OnCallAnswer"),
} as const satisfies Record<string, Endpoint>;

export type EndpointName = keyof typeof ENDPOINTS;
type Named<N> = N extends ModelName ? Models[N] : null;
export type BodyFor<E extends EndpointName> = Named<(typeof ENDPOINTS)[E]["body"]>;
export type AnswerFor<E extends EndpointName> = Named<(typeof ENDPOINTS)[E]["answer"]>;

/** What a call needs besides its body: the ids in its path (hex), the numbers in its query. */
export type CallOptions = {
  readonly room?: string;
  readonly invite?: string;
  readonly case?: string;
  readonly query?: { readonly after?: number; readonly limit?: number };
  readonly signal?: AbortSignal;
};

export interface Api {
  /** Raises CallError. */
  call: <E extends EndpointName>(name: E, body: BodyFor<E>, options?: CallOptions) => Promise<AnswerFor<E>>;
}
