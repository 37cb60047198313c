/** What a person signs once and others check alone: device certificate, profile, sign-in; and the first account entries. */
import { encodeCanonical } from "../protocol/codec";
import type { Head, Label, Models, SignedEntry, SignedStatement } from "../protocol/generated";
import { LIMITS } from "../protocol/generated";
import { entryHash, makeEntry, type Place } from "./entries";
import { randomBytes } from "@noble/hashes/utils.js";
import { sign, type KeyPair } from "./sodium";

const ID_BYTES = 16;

export const newId = (): Uint8Array => randomBytes(ID_BYTES);
/** A fresh salt for an entry's body, so that its hash gives nothing away once the body is erased. */
export const newSalt = (): Uint8Array => randomBytes(ID_BYTES);

type StatementName =
  "DeviceCertificate" | "Profile" | "InviteCertificate" | "InviteAcceptance" | "SignInStatement";

const LABEL_OF: Readonly<Record<StatementName, Label>> = {
  DeviceCertificate: "device",
  Profile: "profile",
  InviteCertificate: "invite",
  InviteAcceptance: "invite-acceptance",
  SignInStatement: "sign-in",
};

/** Sign a statement of the named kind with the key whose seed is given. */
export function signStatement<N extends StatementName>(
  name: N,
  value: Models[N],
  root: Uint8Array,
  seed: Uint8Array,
): SignedStatement {
  const body = encodeCanonical(name, value);
  if (body.length > LIMITS.STATEMENT_MAX_BYTES) throw new RangeError("statement too long");
  return { body, signature: sign(LABEL_OF[name], root, body, seed) };
}

export type NewAccount = {
  readonly root: Uint8Array;
  readonly accountId: Uint8Array;
  readonly identity: KeyPair;
  readonly deviceId: Uint8Array;
  readonly device: KeyPair;
  readonly communityHead: Head;
  readonly at: number;
};

/** Make an account's first two entries, `open` and `device-add`, and the certificate that the second holds. */
export function openAccount(account: NewAccount): {
  entries: readonly [SignedEntry, SignedEntry];
  certificate: SignedStatement;
  place: NonNullable<Place>;
} {
  const { root, accountId, identity, at } = account;
  const certificate = signStatement(
    "DeviceCertificate",
    {
      account_id: accountId,
      device_id: account.deviceId,
      identity_key: identity.publicKey,
      device_key: account.device.publicKey,
      replaces: null,
      at,
    },
    root,
    identity.seed,
  );
  const signEntry = (label: Label, bytes: Uint8Array): Uint8Array => sign(label, root, bytes, identity.seed);
  const shared = {
    log: "account",
    logId: accountId,
    communityHead: account.communityHead,
    author: { account_id: accountId, device_id: null },
    at,
  } as const;
  const open = makeEntry(
    {
      ...shared,
      place: null,
      action: "open",
      body: { salt: newSalt(), account_id: accountId, identity_key: identity.publicKey },
    },
    signEntry,
  );
  const opened = { head: { index: 0, hash: entryHash(open) }, at };
  const added = makeEntry(
    { ...shared, place: opened, action: "device-add", body: { salt: newSalt(), certificate } },
    signEntry,
  );
  return { entries: [open, added], certificate, place: { head: { index: 1, hash: entryHash(added) }, at } };
}
