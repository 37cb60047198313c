/**
 * This device's key packages: how others add it while it is away. Each opens one Welcome; the last-resort one may open
 * several and is therefore replaced as soon as it was used, and kept for a day for those that are under way.
 */
import { toHex } from "../crypto/hex";
import { generateKeyPackage, keyPackageRef, MAX_LIFETIME_S, type OwnKeyPackage } from "../crypto/keyPackage";
import { credentialOf } from "../crypto/leaves";
import type { KeyPackagesRequest } from "../protocol/generated";
import type { Core } from "./core";
import type { Batch } from "./database";
import { PLACES, type KeyPackageRecord, type SelfRecord } from "./records";

const STOCK = 8;
const LOW = 4;
const DAY_MS = 24 * 3_600_000;
const LIFETIME_MS = MAX_LIFETIME_S * 1000;
/** Replaced well before it ends: a package that ended cannot be added. */
const RENEW_MS = LIFETIME_MS - 4 * DAY_MS;

export type KeyOwner = Pick<SelfRecord, "certificate" | "deviceSeed" | "deviceKey">;

const ownerOf = (owner: KeyOwner) => ({
  identity: credentialOf(owner.certificate),
  deviceKey: { seed: owner.deviceSeed, publicKey: owner.deviceKey },
});

export function makeKeyPackage(owner: KeyOwner, now: number): Promise<OwnKeyPackage> {
  return generateKeyPackage({ ...ownerOf(owner), now: Math.floor(now / 1000) });
}

async function recordOf(made: OwnKeyPackage, lastResort: boolean, now: number): Promise<KeyPackageRecord> {
  return {
    id: toHex(await keyPackageRef(made.bytes)),
    bytes: made.bytes,
    initPrivateKey: made.initPrivateKey,
    leafPrivateKey: made.leafPrivateKey,
    lastResort,
    keepUntil: now + LIFETIME_MS,
  };
}

/** Make a stock: what to store before the request that publishes it. */
export async function makeStock(
  owner: KeyOwner,
  now: number,
  count: number = STOCK,
  withLastResort = true,
): Promise<{ records: readonly KeyPackageRecord[]; request: KeyPackagesRequest }> {
  const records: KeyPackageRecord[] = [];
  for (let made = 0; made < count; made++)
    records.push(await recordOf(await makeKeyPackage(owner, now), false, now));
  const last = withLastResort ? await recordOf(await makeKeyPackage(owner, now), true, now) : null;
  if (last !== null) records.push(last);
  return {
    records,
    request: {
      one_time: records.filter((record) => !record.lastResort).map((record) => record.bytes),
      last_resort: last === null ? null : last.bytes,
    },
  };
}

export function putKeyPackages(batch: Batch, records: readonly KeyPackageRecord[]): void {
  for (const record of records) batch.put(PLACES.keyPackage(record.id), record);
}

export const listKeyPackages = (core: Core): Promise<readonly KeyPackageRecord[]> =>
  core.db.list<KeyPackageRecord>("key-package");

/** Mark a package as used, in the transaction that stores what it opened. */
export function spendKeyPackage(batch: Batch, record: KeyPackageRecord, now: number): void {
  if (!record.lastResort) batch.remove(PLACES.keyPackage(record.id));
  else
    batch.put(PLACES.keyPackage(record.id), {
      ...record,
      keepUntil: Math.min(record.keepUntil, now + DAY_MS),
    });
}

/** Wipe what ended, ask how many are left, and fill up. */
export async function tendKeyPackages(core: Core): Promise<void> {
  const now = core.clock.now();
  const kept = await listKeyPackages(core);
  const ended = kept.filter((record) => record.keepUntil <= now);
  if (ended.length > 0) {
    await core.db.write((batch) => {
      for (const record of ended) batch.remove(PLACES.keyPackage(record.id));
    });
  }
  const answer = await core.api.call("keyPackages", { one_time: [], last_resort: null });
  const isFresh = (record: KeyPackageRecord): boolean => record.keepUntil - now > LIFETIME_MS - RENEW_MS;
  const lastIsGood = !answer.last_resort_used && kept.some((record) => record.lastResort && isFresh(record));
  const isLow =
    answer.one_time_left < LOW || kept.filter((record) => !record.lastResort && isFresh(record)).length < LOW;
  if (!isLow && lastIsGood) return;
  const stock = await makeStock(core.self, now, isLow ? STOCK : 0, !lastIsGood);
  await core.db.write((batch) => {
    putKeyPackages(batch, stock.records);
    // The old last resort opens what is under way for one more day.
    if (!lastIsGood) {
      for (const record of kept)
        if (record.lastResort && !ended.includes(record)) spendKeyPackage(batch, record, now);
    }
  });
  await core.api.call("keyPackages", stock.request);
}
