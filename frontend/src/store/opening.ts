/** Opening a room that does not exist yet: its group with this device alone, its log with one entry, then the server. */
import { makeEntry } from "../crypto/entries";
import { toHex } from "../crypto/hex";
import { createGroup } from "../crypto/mls";
import { applyRoomEntry } from "../crypto/roomLog";
import { newId, newSalt } from "../crypto/statements";
import { CallError } from "../protocol/failure";
import type { Core } from "./core";
import { makeKeyPackage } from "./keyStock";
import { PLACES } from "./records";

/** A leader's invite may name the room that is theirs to open; until it is there, that is the one. */
function idFor(core: Core): Uint8Array {
  const { invitedAs, invitedRoom } = core.self;
  if (invitedAs !== "leader" || invitedRoom === null) return newId();
  const known = core.book.get(toHex(invitedRoom));
  return known === null || (known.group === null && known.record.row === null) ? invitedRoom : newId();
}

/** Make the room here and store it; nothing is sent. Returns its id. */
async function prepareRoom(core: Core, name: string, expirySeconds: number): Promise<Uint8Array> {
  const roomId = idFor(core);
  const groupId = newId();
  const at = core.clock.now();
  const entry = makeEntry(
    {
      log: "room",
      logId: roomId,
      place: null,
      communityHead: core.logs.community().head,
      author: { account_id: core.self.accountId, device_id: core.self.deviceId },
      action: "create",
      body: {
        salt: newSalt(),
        group_id: groupId,
        identity_key: core.self.identityKey,
        expiry_seconds: expirySeconds,
      },
      at,
    },
    core.sign,
  );
  const log = applyRoomEntry(core.logs.context(), roomId, null, entry);
  const keyPackage = await makeKeyPackage(core.self, at);
  const deviceKey = { seed: core.self.deviceSeed, publicKey: core.self.deviceKey };
  const created = await createGroup({ groupId, keyPackage, deviceKey });
  await core.book.change(roomId, (draft) => {
    draft.record = { ...draft.record, log: [log], creation: { name, entry } };
    draft.wipe.push(...created.wipe);
    draft.group = {
      state: created.newState,
      marks: {
        epoch: 0,
        cursor: 0,
        joinedSeq: 0,
        communityIndex: log.communityIndex,
        roomIndex: 0,
        senders: new Map(),
        nextCounter: 1,
        holes: 0,
        lastAt: 0,
        // Its keys are as new as they can be.
        pathAt: at,
        sentSincePath: 0,
      },
    };
  });
  return roomId;
}

/** Tell the server of a room that was prepared; again and again until there is an answer. */
export async function announceRoom(core: Core, roomId: Uint8Array): Promise<void> {
  const creation = core.book.get(toHex(roomId))?.record.creation ?? null;
  if (creation === null) return;
  try {
    await core.api.call("createRoom", { name: creation.name, entry: creation.entry });
  } catch (error) {
    if (error instanceof CallError && error.code !== "network") await forgetRoom(core, roomId);
    throw error;
  }
  await core.book.change(roomId, (draft) => {
    draft.record = { ...draft.record, creation: null };
  });
}

async function forgetRoom(core: Core, roomId: Uint8Array): Promise<void> {
  await core.book.change(roomId, (draft) => {
    draft.group = null;
    draft.record = { ...draft.record, creation: null, log: [] };
    draft.also.push((batch) => {
      batch.remove(PLACES.room(draft.id));
    });
  });
  core.book.forget(toHex(roomId));
}

export async function createRoom(core: Core, name: string, expirySeconds: number): Promise<string> {
  const roomId = await prepareRoom(core, name.normalize("NFC").trim(), expirySeconds);
  await announceRoom(core, roomId);
  return toHex(roomId);
}
