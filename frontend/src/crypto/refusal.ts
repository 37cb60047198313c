/**
 * Why the crypto layer refuses. The code is stable and is what other layers act on; the text is for developers and
 * never holds a plaintext, a key or an identity.
 */

export const REFUSALS = [
  // the peer or the server sent bytes that are not what they claim
  "malformed", // not a canonical MLS structure of the kind expected
  "wrong-suite", // any cipher suite but 0x0001, any version but mls10
  "wrong-group", // another group id than this room's
  "old-epoch", // its keys are gone (trap 2); a sender encrypts again
  "future-epoch", // the server's order was broken: fetch what is missing first
  "own-message", // sent by this leaf; the sender keeps its own plaintext
  "replayed", // this generation was read before
  "too-many-skipped", // further ahead than FORWARD_RATCHET_LIMIT
  "undecipherable", // decryption or a signature failed
  "proposal-alone", // rule 2: proposals on their own are refused
  "not-a-commit",
  "not-a-message",
  // the peer's act breaks a group rule
  "proposal-by-reference", // trap 5
  "proposal-type", // anything but Add and Remove (rule 2)
  "empty-commit", // neither proposals nor a path
  "path-leaf-changed", // the path renamed the leaf, or swapped its key (trap 4)
  "key-not-unique", // trap 12
  "capabilities", // a leaf that would block later adds, or carries extensions
  "group-extensions", // the group context must stay empty of extensions
  "group-info-extensions", // a Welcome may carry the ratchet tree and nothing else
  "leaf-source", // a leaf from an Update, which rule 2 forbids
  "lifetime", // trap 10
  "parent-keys", // RFC 9420 §12.4.3.1: private keys must match the tree
  "leaf-not-allowed", // rule 1, by the authority
  "removal-not-allowed", // rule 3, by the authority
  "committer-not-allowed", // rule 3, by the authority
  "invalid-commit", // ts-mls refused it: tree, confirmation tag, required path
  "invalid-welcome",
  "no-key-package", // the Welcome names none of ours
  // our own side used it wrongly
  "pending-proposals", // trap 5: the state must hold none
  "not-active", // this leaf was removed
  "too-long", // past the largest bucket
] as const;

export type RefusalCode = (typeof REFUSALS)[number];

/** A class only because a thrown value should be an Error; nothing else is attached to it. */
export class Refusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, detail?: string) {
    super(detail === undefined ? code : `${code}: ${detail}`);
    this.name = "Refusal";
    this.code = code;
  }
}

export function refuse(code: RefusalCode, detail?: string): never {
  throw new Refusal(code, detail);
}
