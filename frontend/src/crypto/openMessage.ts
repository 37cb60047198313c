/**
 * Opening what other members sent: decrypting, checking the signature, naming the sender. A commit is opened without
 * being applied, so that it can be judged by what its committer signed.
 */
import { encode } from "ts-mls/codec/tlsEncoder.js";
import type { Commit } from "ts-mls/commit.js";
import { framedContentTBSEncoder, toTbs } from "ts-mls/framedContent.js";
import { unprotectPrivateMessage, type UnprotectResult } from "ts-mls/messageProtection.js";
import { decryptSenderData, type PrivateMessage } from "ts-mls/privateMessage.js";
import type { SenderData } from "ts-mls/sender.js";
import { concatBytes, equalBytes, utf8 } from "./bytes";
import { leafAt, ownLeafIndex, type GroupState, type Leaf } from "./groupState";
import { checkUsable, FORWARD_RATCHET_LIMIT, refusingWith, RETENTION } from "./mlsConfig";
import { unpad } from "./padding";
import { suite } from "./provider";
import { refuse } from "./refusal";
import { decodePrivateMessage } from "./wire";

/** The exact bytes under an Ed25519 signature, for a report: anyone with the leaf's key can check them. */
export type SignedContent = { bytes: Uint8Array; signature: Uint8Array };

export type OpenedMessage = {
  kind: "message";
  sender: Leaf;
  epoch: bigint;
  authenticatedData: Uint8Array;
  plaintext: Uint8Array;
  signed: SignedContent;
  newState: GroupState;
  wipe: Uint8Array[];
};

/** A commit whose signature holds, not yet applied: nothing of the state has changed. */
export type OpenedCommit = {
  kind: "commit";
  sender: Leaf;
  epoch: bigint;
  authenticatedData: Uint8Array;
  content: Commit;
  signed: SignedContent;
  /** For applyCommit. */
  privateMessage: PrivateMessage;
};

/**
 * RFC 9420 §6.3.2. Decrypts and checks the signature; the sender comes from the decrypted sender data (trap 3). The
 * state that is passed in stays as it was, whatever happens.
 */
export async function openPrivateMessage(
  state: GroupState,
  bytes: Uint8Array,
): Promise<OpenedMessage | OpenedCommit> {
  checkUsable(state);
  const message = decodePrivateMessage(bytes);
  // ts-mls compares neither of these for messages.
  if (!equalBytes(message.groupId, state.groupContext.groupId)) refuse("wrong-group");
  if (message.epoch < state.groupContext.epoch) refuse("old-epoch");
  if (message.epoch > state.groupContext.epoch) refuse("future-epoch");
  if (message.contentType === "proposal") refuse("proposal-alone");
  const senderData = await openSenderData(state, message);
  checkGeneration(state, message, senderData);
  const unprotected = await unprotect(state, message);
  if (message.contentType === "commit")
    return openedCommit(state, senderData.leafIndex, unprotected, message);
  const { content } = unprotected.content;
  if (content.contentType !== "application") return refuse("not-a-message");
  return {
    kind: "message",
    sender: senderAt(state, senderData.leafIndex),
    epoch: message.epoch,
    authenticatedData: message.authenticatedData,
    plaintext: unpad(content.applicationData),
    signed: signedContent(state, unprotected),
    newState: { ...state, secretTree: unprotected.tree },
    wipe: unprotected.consumed,
  };
}

async function openSenderData(state: GroupState, message: PrivateMessage): Promise<SenderData> {
  const senderData = await refusingWith("undecipherable", () =>
    decryptSenderData(message, state.keySchedule.senderDataSecret, suite),
  );
  if (senderData === undefined) return refuse("undecipherable");
  if (senderData.leafIndex === ownLeafIndex(state)) refuse("own-message");
  return senderData;
}

function checkGeneration(
  state: GroupState,
  message: PrivateMessage,
  { leafIndex, generation }: SenderData,
): void {
  const node = state.secretTree[leafIndex * 2];
  if (node === undefined) return refuse("undecipherable");
  const ratchet = message.contentType === "application" ? node.application : node.handshake;
  if (generation < ratchet.generation) refuse("replayed");
  if (generation - ratchet.generation > FORWARD_RATCHET_LIMIT) refuse("too-many-skipped");
}

export function unprotect(state: GroupState, message: PrivateMessage): Promise<UnprotectResult> {
  const { keySchedule, secretTree, ratchetTree, groupContext } = state;
  return refusingWith("undecipherable", () =>
    unprotectPrivateMessage(
      keySchedule.senderDataSecret,
      message,
      secretTree,
      ratchetTree,
      groupContext,
      RETENTION,
      suite,
    ),
  );
}

function senderAt(state: GroupState, leafIndex: number): Leaf {
  return leafAt(state, leafIndex) ?? refuse("undecipherable", "blank sender");
}

export function openedCommit(
  state: GroupState,
  leafIndex: number,
  unprotected: UnprotectResult,
  privateMessage: PrivateMessage,
): OpenedCommit {
  const { content } = unprotected.content;
  if (content.contentType !== "commit") return refuse("not-a-commit");
  return {
    kind: "commit",
    sender: senderAt(state, leafIndex),
    epoch: content.epoch,
    authenticatedData: content.authenticatedData,
    content: content.commit,
    signed: signedContent(state, unprotected),
    privateMessage,
  };
}

/** RFC 9420 §5.1.2: SignContent of "MLS 1.0 FramedContentTBS". */
function signedContent(state: GroupState, { content: { content, auth } }: UnprotectResult): SignedContent {
  const tbs = toTbs(content, "mls_private_message", state.groupContext);
  const body = encode(framedContentTBSEncoder)(tbs);
  const label = utf8("MLS 1.0 FramedContentTBS");
  return {
    bytes: concatBytes(lengthPrefix(label.length), label, lengthPrefix(body.length), body),
    signature: auth.signature,
  };
}

/** RFC 9420 §2.1.2. */
function lengthPrefix(length: number): Uint8Array {
  if (length < 0x40) return Uint8Array.of(length);
  if (length < 0x4000) return Uint8Array.of(0x40 | (length >> 8), length & 0xff);
  return Uint8Array.of(0x80 | (length >> 24), (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff);
}
