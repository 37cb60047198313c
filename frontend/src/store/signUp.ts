/**
 * A new account: keys made here, an acceptance signed by the link, and everything stored before anything is sent, so that
 * an answer that is lost costs nothing. The identity key leaves this file only inside the backup, sealed by the phrase.
 */
import { sealBackup } from "../crypto/backup";
import { entryHash, makeEntry } from "../crypto/entries";
import { normalizePhrase } from "../crypto/phrase";
import { deriveKeys, newSigningKey, sign, type KeyPair } from "../crypto/sodium";
import { newId, newSalt, openAccount, signStatement } from "../crypto/statements";
import type { SignedEntry, SignUpRequest } from "../protocol/generated";
import type { Invitation } from "./invitation";
import { makeStock } from "./keyStock";
import type { SignUpForm } from "./model";
import type { KeyPackageRecord, SelfRecord } from "./records";

/** Kept while the form is open, so that trying again with another handle is still the same person. */
export type Newcomer = {
  readonly accountId: Uint8Array;
  readonly deviceId: Uint8Array;
  readonly identity: KeyPair;
  readonly device: KeyPair;
};

export const newNewcomer = (): Newcomer => ({
  accountId: newId(),
  deviceId: newId(),
  identity: newSigningKey(),
  device: newSigningKey(),
});

/** The first steward names themself, with the key that genesis named. */
function claimFor(invitation: Invitation, person: Newcomer, at: number): SignedEntry | null {
  const { community } = invitation.verified;
  if (invitation.certificate !== null) return null;
  return makeEntry(
    {
      log: "community",
      logId: community.fingerprint,
      place: { head: community.head, at: community.at },
      communityHead: null,
      author: { account_id: person.accountId, device_id: null },
      action: "claim",
      body: { salt: newSalt(), account_id: person.accountId, identity_key: person.identity.publicKey },
      at,
    },
    (label, bytes) => sign(label, community.root, bytes, invitation.key.seed),
  );
}

export type Draft = {
  readonly self: SelfRecord;
  readonly keyPackages: readonly KeyPackageRecord[];
  /** Wraps the local key. */
  readonly phraseKey: Uint8Array;
};

/** Make everything that a sign-up needs. Two Argon2id-scale seconds on an old phone; sends nothing. */
export async function draftSignUp(draft: {
  invitation: Invitation;
  person: Newcomer;
  form: SignUpForm;
  words: readonly string[];
  now: number;
}): Promise<Draft> {
  const { invitation, person, form, now: at } = draft;
  const handle = form.handle.normalize("NFC").trim();
  const { root, head } = invitation.verified.community;
  const keys = await deriveKeys(normalizePhrase(draft.words.join(" ")), root, handle);
  const account = openAccount({ root, ...person, communityHead: head, at });
  const owner = {
    certificate: account.certificate,
    deviceSeed: person.device.seed,
    deviceKey: person.device.publicKey,
  };
  const stock = await makeStock(owner, at);
  const signUp: SignUpRequest = {
    account_id: person.accountId,
    acceptance: signStatement(
      "InviteAcceptance",
      {
        invite_key: invitation.key.publicKey,
        account_id: person.accountId,
        identity_key: person.identity.publicKey,
      },
      root,
      invitation.key.seed,
    ),
    profile: signStatement(
      "Profile",
      { account_id: person.accountId, handle, language: form.language, at },
      root,
      person.identity.seed,
    ),
    account_entries: account.entries,
    claim: claimFor(invitation, person, at),
    sign_in_verifier: keys.signIn,
    backup: sealBackup(keys.backup, {
      v: 1,
      root,
      account_id: person.accountId,
      identity_seed: person.identity.seed,
      community_head: head,
      account_head: { index: 1, hash: entryHash(account.entries[1]) },
    }),
    key_packages: stock.request,
  };
  keys.backup.fill(0);
  return {
    self: {
      root,
      accountId: person.accountId,
      deviceId: person.deviceId,
      identityKey: person.identity.publicKey,
      ...owner,
      handle,
      language: form.language,
      invitedAs: invitation.role,
      invitedRoom: invitation.roomId,
      deviceKind: form.deviceKind,
      signUp,
    },
    keyPackages: stock.records,
    phraseKey: keys.local,
  };
}
