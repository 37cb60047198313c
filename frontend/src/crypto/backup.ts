/** The backup: an identity and what it has pinned, sealed under a key of the phrase. MLS state is never in it. */
import { decodeCanonical, encodeCanonical } from "../protocol/codec";
import type { BackupContent } from "../protocol/generated";
import { concatBytes, equalBytes, utf8 } from "./bytes";
import { refuse } from "./refusal";
import { aeadOpen, aeadSeal } from "./sodium";

const associatedData = (root: Uint8Array): Uint8Array =>
  concatBytes(utf8("peerchat/v1/backup"), Uint8Array.of(0), root);

export function sealBackup(backupKey: Uint8Array, content: BackupContent): Uint8Array {
  const plain = encodeCanonical("BackupContent", content);
  const sealed = aeadSeal(backupKey, plain, associatedData(content.root));
  plain.fill(0);
  return sealed;
}

/** Raise a Refusal for a wrong phrase or altered bytes; the two cannot be told apart. */
export function openBackup(backupKey: Uint8Array, sealed: Uint8Array, root: Uint8Array): BackupContent {
  const plain = aeadOpen(backupKey, sealed, associatedData(root));
  const content = decodeCanonical("BackupContent", plain);
  plain.fill(0);
  return equalBytes(content.root, root) ? content : refuse("malformed", "another root");
}
