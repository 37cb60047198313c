/**
 * An account's log: which devices speak for an identity. Signed throughout by the identity key, which is pinned elsewhere
 * (the community log or a room's `admit`): a log that is right in itself proves nothing about whose it is.
 */
import type {
  AccountLog,
  DeviceCertificate,
  Head,
  Profile,
  SignedEntry,
  SignedStatement,
} from "../protocol/generated";
import { decodeCanonical } from "../protocol/codec";
import { equalBytes } from "./bytes";
import {
  checkSignature,
  readBody,
  readLink,
  readSigned,
  refuseEntry,
  type Link,
  type Place,
} from "./entries";
import { toHex } from "./hex";
import { verify } from "./sodium";

export type AccountDevice = {
  readonly deviceId: Uint8Array;
  readonly deviceKey: Uint8Array;
  readonly certificate: SignedStatement;
  /** The time of its revocation; what it signed before stands. */
  readonly revokedAt: number | null;
};

export type AccountState = {
  readonly accountId: Uint8Array;
  readonly identityKey: Uint8Array;
  readonly devices: ReadonlyMap<string, AccountDevice>;
  readonly head: Head;
  readonly at: number;
  /** The community head that the newest entry had seen; it never goes back. */
  readonly communityIndex: number;
  /** Null once the account was forgotten, or when the server brought a profile that the identity did not sign. */
  readonly profile: Profile | null;
};

/** Return the certificate in `statement`; raise LogRefusal unless `identityKey` signed it for itself. */
export function readCertificate(
  root: Uint8Array,
  statement: SignedStatement,
  identityKey: Uint8Array,
): DeviceCertificate {
  const certificate = readSigned(() => decodeCanonical("DeviceCertificate", statement.body));
  if (!equalBytes(certificate.identity_key, identityKey)) refuseEntry("log.bad_entry", "another identity");
  if (!verify("device", root, statement.body, statement.signature, identityKey)) {
    refuseEntry("log.bad_signature", "certificate");
  }
  return certificate;
}

function openAccount(root: Uint8Array, link: Link): AccountState {
  if (link.entry.action !== "open") refuseEntry("log.bad_entry", "an account begins with open");
  const body = readBody(link, "open");
  if (!equalBytes(body.account_id, link.entry.log_id)) refuseEntry("log.bad_entry", "another account");
  checkSignature(link, root, body.identity_key);
  return {
    accountId: body.account_id,
    identityKey: body.identity_key,
    devices: new Map(),
    head: link.head,
    at: link.entry.at,
    communityIndex: link.entry.community_head?.index ?? 0,
    profile: null,
  };
}

function checkAuthor(link: Link): void {
  const { author, log_id: accountId } = link.entry;
  if (author.account_id === null || author.device_id !== null || !equalBytes(author.account_id, accountId)) {
    refuseEntry("log.bad_entry", "an account log is signed by its identity");
  }
}

function addDevice(root: Uint8Array, state: AccountState, link: Link): ReadonlyMap<string, AccountDevice> {
  const { certificate: statement } = readBody(link, "device-add");
  const certificate = readCertificate(root, statement, state.identityKey);
  const id = toHex(certificate.device_id);
  if (!equalBytes(certificate.account_id, state.accountId) || state.devices.has(id)) {
    refuseEntry("log.bad_entry", "not a fresh device of this account");
  }
  const device = {
    deviceId: certificate.device_id,
    deviceKey: certificate.device_key,
    certificate: statement,
    revokedAt: null,
  };
  return new Map(state.devices).set(id, device);
}

function revokeDevice(state: AccountState, link: Link): ReadonlyMap<string, AccountDevice> {
  const id = toHex(readBody(link, "device-revoke").device_id);
  const device = state.devices.get(id);
  if (device === undefined || device.revokedAt !== null)
    return refuseEntry("log.bad_entry", "no such live device");
  return new Map(state.devices).set(id, { ...device, revokedAt: link.entry.at });
}

/** Apply the next entry; `state` is null before the first. */
export function applyAccountEntry(
  root: Uint8Array,
  accountId: Uint8Array,
  state: AccountState | null,
  signed: SignedEntry,
): AccountState {
  const place: Place = state === null ? null : { head: state.head, at: state.at };
  const link = readLink(signed, "account", accountId, place);
  checkAuthor(link);
  if (state === null) return openAccount(root, link);
  checkSignature(link, root, state.identityKey);
  const communityIndex = link.entry.community_head?.index ?? 0;
  if (communityIndex < state.communityIndex) refuseEntry("log.bad_entry", "community head went back");
  const next = { ...state, head: link.head, at: link.entry.at, communityIndex };
  switch (link.entry.action) {
    case "device-add":
      return { ...next, devices: addDevice(root, state, link) };
    case "device-revoke":
      return { ...next, devices: revokeDevice(state, link) };
    default:
      return refuseEntry("log.bad_entry", "not an account's action");
  }
}

/** Return the profile if the identity signed it for this account, else null: a name is shown only if it is theirs. */
export function readProfile(
  root: Uint8Array,
  state: AccountState,
  statement: SignedStatement | null,
): Profile | null {
  if (statement === null) return null;
  if (!verify("profile", root, statement.body, statement.signature, state.identityKey)) return null;
  const profile = readSigned(() => decodeCanonical("Profile", statement.body));
  return equalBytes(profile.account_id, state.accountId) ? profile : null;
}

/** Verify a whole account as the server brought it; raise LogRefusal. */
export function verifyAccount(root: Uint8Array, account: AccountLog): AccountState {
  let state: AccountState | null = null;
  for (const signed of account.entries) state = applyAccountEntry(root, account.account_id, state, signed);
  if (state === null) return refuseEntry("log.bad_entry", "an empty log");
  return { ...state, profile: readProfile(root, state, account.profile) };
}

/** The key of a device that was live at `at`, or null. */
export function deviceKeyAt(state: AccountState, deviceId: Uint8Array | null, at: number): Uint8Array | null {
  const device = deviceId === null ? undefined : state.devices.get(toHex(deviceId));
  if (device === undefined) return null;
  return device.revokedAt === null || at < device.revokedAt ? device.deviceKey : null;
}

/** Whether the device is in the log and not revoked by anything that is known now. */
export function isLive(state: AccountState, deviceId: Uint8Array): boolean {
  return state.devices.get(toHex(deviceId))?.revokedAt === null;
}
