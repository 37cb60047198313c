/** Hostile messages: forged, relabelled, repeated, withheld, reordered, muted; and what a thief of the device opens. */
import { processPrivateMessage } from "ts-mls/processMessages.js";
import { emptyPskIndex } from "ts-mls/pskIndex.js";
import { protect } from "ts-mls/messageProtection.js";
import { signFramedContentApplicationOrProposal } from "ts-mls/framedContent.js";
import { concatBytes, utf8 } from "../../../src/crypto/bytes";
import {
  decodeState,
  epochOf,
  leafIndexOf,
  ownLeafIndex,
  type GroupState,
} from "../../../src/crypto/groupState";
import { openPrivateMessage } from "../../../src/crypto/openMessage";
import { mlsPadding, pad } from "../../../src/crypto/padding";
import { suite } from "../../../src/crypto/provider";
import { newId } from "../../../src/crypto/statements";
import { decodePrivateMessage, encodePrivateMessage } from "../../../src/crypto/wire";
import { encodeCanonical } from "../../../src/protocol/codec";
import type { GroupRecord, TimelineRecord } from "../../../src/store/records";
import { PLACES } from "../../../src/store/records";
import { openDatabase } from "../../../src/store/database";
import { toHex } from "../../../src/crypto/hex";
import { unguarded } from "../../crypto/hostile";
import { tried, type Scenario, type Verdict } from "../scenario";
import {
  append,
  commitHonestly,
  deliver,
  gapsOf,
  groupOf,
  newRoom,
  pull,
  say,
  seal,
  textsOf,
  type Cast,
  type Said,
} from "../world";

type Claim = { groupId?: Uint8Array; epoch?: bigint; leafIndex?: number; content?: Uint8Array };

/** A message under this group's keys that claims what it likes, signed by Mallory. */
async function forge({ world, mallory }: Cast, claim: Claim): Promise<Said> {
  const { state } = groupOf(world, mallory);
  const messageId = newId();
  const header = { kind: "message", room_id: world.roomId, message_id: messageId, counter: 1 } as const;
  const authenticatedData = encodeCanonical("MessageHeader", header);
  const leafIndex = claim.leafIndex ?? ownLeafIndex(state);
  const text = encodeCanonical("MessageContent", { v: 1, text: "forged", note: null });
  const content = {
    contentType: "application" as const,
    applicationData: claim.content ?? pad(text),
    groupId: claim.groupId ?? state.groupContext.groupId,
    epoch: claim.epoch ?? state.groupContext.epoch,
    sender: { senderType: "member" as const, leafIndex },
    authenticatedData,
  };
  const tbs = {
    protocolVersion: "mls10" as const,
    wireformat: "mls_private_message" as const,
    content,
    senderType: "member" as const,
    context: state.groupContext,
  };
  const auth = await signFramedContentApplicationOrProposal(state.signaturePrivateKey, tbs, suite);
  const made = await protect(
    state.keySchedule.senderDataSecret,
    authenticatedData,
    { ...state.groupContext, groupId: content.groupId, epoch: content.epoch },
    state.secretTree,
    { ...content, auth },
    leafIndex,
    mlsPadding(0),
    suite,
  );
  return { messageId, ciphertext: encodePrivateMessage(made.privateMessage), epoch: 1 };
}

const opens = ({ world, mo }: Cast, bytes: Uint8Array): Promise<Verdict> =>
  tried(() => openPrivateMessage(groupOf(world, mo).state, bytes));

/** Whether Mo reads something that she should not; what does not check must stand as a gap. */
async function moReads({ world, mo }: Cast, text: string): Promise<Verdict> {
  const room = await pull(world, mo);
  if (textsOf(room).includes(text)) return { harm: true, how: "shown" };
  return { harm: false, how: gapsOf(room) > 0 ? "a gap is shown" : "nothing is shown" };
}

/** What lies on Mo's device, as a thief with her local key reads it. Copied, so that nothing is wiped in it later. */
async function stolen({ world, mo }: Cast): Promise<GroupState> {
  const db = openDatabase(mo.raw, mo.localKey.slice());
  const record = await db.get<GroupRecord>(PLACES.group(toHex(world.roomId)));
  if (record === null) throw new Error("nothing to steal");
  return decodeState(record.state.slice());
}

/** The thief's client has none of our rules: ts-mls alone, with every key that lies there. */
async function thiefOpens(state: GroupState, ciphertext: Uint8Array): Promise<boolean> {
  try {
    const message = decodePrivateMessage(ciphertext);
    const result = await processPrivateMessage(unguarded(state), message, emptyPskIndex, suite);
    return result.kind === "applicationMessage";
  } catch {
    return false;
  }
}

const opened = (harm: boolean): Verdict => ({ harm, how: harm ? "opened" : "opens nothing" });

export const MESSAGE_SCENARIOS: readonly Scenario[] = [
  {
    name: "a member speaks in another member's name",
    by: "member",
    guard: "signatures are checked",
    expect: "undecipherable",
    attack: async () => {
      const cast = await newRoom();
      const { state } = groupOf(cast.world, cast.mallory);
      const leafIndex = leafIndexOf(state, cast.lee.person.device.publicKey) ?? -1;
      return opens(cast, (await forge(cast, { leafIndex })).ciphertext);
    },
  },
  {
    name: "a message claims another group (trap 14)",
    by: "member",
    guard: "a message is of this group",
    expect: "wrong-group",
    attack: async () => {
      const cast = await newRoom();
      return opens(cast, (await forge(cast, { groupId: utf8("another room") })).ciphertext);
    },
  },
  {
    name: "a message claims a later epoch (trap 14)",
    by: "member",
    guard: "a message is of this epoch",
    expect: "future-epoch",
    attack: async () => {
      const cast = await newRoom();
      const epoch = epochOf(groupOf(cast.world, cast.mallory).state) + 5n;
      return opens(cast, (await forge(cast, { epoch })).ciphertext);
    },
  },
  {
    name: "the server makes a second byte string of one message (trap 17)",
    by: "server",
    guard: "a message has one encoding",
    expect: "malformed",
    attack: async () => {
      const cast = await newRoom();
      const said = await seal(cast.world, cast.mallory, "hello");
      return opens(cast, concatBytes(said.ciphertext, Uint8Array.of(0)));
    },
  },
  {
    name: "a member hides bytes behind a message's end",
    by: "member",
    guard: "nothing hides behind a message",
    expect: "malformed",
    attack: async () => {
      const cast = await newRoom();
      const content = pad(encodeCanonical("MessageContent", { v: 1, text: "x", note: null }));
      content[content.length - 1] = 1;
      return opens(cast, (await forge(cast, { content })).ciphertext);
    },
  },
  {
    name: "the server puts a message under another message's id",
    by: "server",
    guard: "a message is the one that the server calls it",
    expect: "a gap is shown",
    attack: async () => {
      const cast = await newRoom();
      const { world, mallory } = cast;
      deliver(world, await seal(world, mallory, "relabelled"), newId());
      return moReads(cast, "relabelled");
    },
  },
  {
    name: "a muted member speaks on with a changed client",
    by: "member",
    guard: "a muted member is not heard",
    expect: "a gap is shown",
    attack: async () => {
      const cast = await newRoom();
      const { world, lee, mallory } = cast;
      append(world, lee.person, "mute", {
        account_id: mallory.person.accountId,
        muted: true,
        reason: "other",
      });
      await pull(world, lee);
      await commitHonestly(world, lee);
      await pull(world, mallory);
      await say(world, mallory, "you cannot mute me");
      return moReads(cast, "you cannot mute me");
    },
  },
  {
    name: "a member speaks while the room is locked",
    by: "member",
    guard: "only leaders are heard while locked",
    expect: "a gap is shown",
    attack: async () => {
      const cast = await newRoom();
      const { world, lee, mallory } = cast;
      append(world, lee.person, "lock", { locked: true });
      await say(world, mallory, "over the lock");
      return moReads(cast, "over the lock");
    },
  },
  {
    name: "a member repeats its own message under a count that was used",
    by: "member",
    guard: "a repeat is dropped",
    expect: "nothing is shown",
    attack: async () => {
      const cast = await newRoom();
      const { world, mallory } = cast;
      await say(world, mallory, "once");
      deliver(world, await seal(world, mallory, "twice", 1));
      return moReads(cast, "twice");
    },
  },
  {
    name: "the server withholds one message of three",
    by: "server",
    guard: "what is missing is counted",
    expect: "one is counted as missing",
    attack: async () => {
      const { world, mallory, mo } = await newRoom();
      await say(world, mallory, "one");
      await seal(world, mallory, "two, withheld");
      await say(world, mallory, "three");
      const room = await pull(world, mo);
      const last = [...room.timeline.values()].find(
        (line): line is Extract<TimelineRecord, { kind: "message" }> =>
          line.kind === "message" && line.text === "three",
      );
      const harm = last?.missed !== 1;
      return { harm, how: harm ? "not noticed" : "one is counted as missing" };
    },
  },
  {
    name: "the server gives two messages in the wrong order",
    by: "server",
    guard: "what cannot be read is shown as a gap",
    expect: "a gap is shown",
    attack: async () => {
      const { world, mallory, mo } = await newRoom();
      const [first, second] = [await seal(world, mallory, "one"), await seal(world, mallory, "two")];
      deliver(world, second);
      deliver(world, first);
      const room = await pull(world, mo);
      const harm = gapsOf(room) === 0;
      return { harm, how: harm ? "lost without a trace" : "a gap is shown" };
    },
  },
  {
    name: "the server replays a message as a new one",
    by: "server",
    guard: "a read message's key moves on in what is stored",
    expect: "a gap is shown",
    attack: async () => {
      const cast = await newRoom();
      const { world, mallory, mo } = cast;
      const said = await seal(world, mallory, "read once");
      deliver(world, said);
      await pull(world, mo);
      const before = await stolen(cast);
      deliver(world, said);
      const room = await pull(world, mo);
      // Shown twice, or the thief could read it again: either is the harm.
      if (await thiefOpens(before, said.ciphertext)) return { harm: true, how: "the key is still there" };
      return { harm: gapsOf(room) === 0, how: gapsOf(room) === 0 ? "not noticed" : "a gap is shown" };
    },
  },
  {
    name: "a thief with a copy of the whole device opens a message that was skipped (trap 1)",
    by: "thief",
    guard: "keys of skipped messages are not kept",
    expect: "opens nothing",
    attack: async () => {
      const cast = await newRoom();
      const { world, mallory, mo } = cast;
      const skipped = await seal(world, mallory, "expired before it was read");
      await say(world, mallory, "read");
      await pull(world, mo);
      return opened(await thiefOpens(await stolen(cast), skipped.ciphertext));
    },
  },
  {
    name: "a thief with a copy of the whole device opens what was read in an epoch that is over (trap 2)",
    by: "thief",
    guard: "keys of past epochs are not kept",
    expect: "opens nothing",
    attack: async () => {
      const cast = await newRoom();
      const { world, lee, mallory, mo } = cast;
      const unread = await seal(world, mallory, "never delivered in its epoch");
      await commitHonestly(world, lee);
      await pull(world, mo);
      const state = await stolen(cast);
      return opened(await thiefOpens(state, unread.ciphertext));
    },
  },
  {
    name: "a thief finds private keys of nodes that a removal blanked",
    by: "thief",
    guard: "keys of blanked nodes are not kept",
    expect: "opens nothing",
    attack: async () => {
      const cast = await newRoom();
      const { world, lee, mallory, mo } = cast;
      await commitHonestly(world, lee);
      await pull(world, mo);
      append(world, lee.person, "remove", { account_id: mallory.person.accountId, reason: "safety" });
      await pull(world, lee);
      await commitHonestly(world, lee, { removes: [mallory.person] });
      await pull(world, mo);
      append(world, lee.person, "admit", {
        account_id: cast.ghost.person.accountId,
        identity_key: cast.ghost.person.identity.publicKey,
      });
      await pull(world, lee);
      await commitHonestly(world, lee, { adds: [cast.ghost] });
      await pull(world, mo);
      const { privatePath, ratchetTree } = await stolen(cast);
      const stale = Object.keys(privatePath.privateKeys).filter(
        (index) => ratchetTree[Number(index)] === undefined,
      );
      return opened(stale.length > 0);
    },
  },
];
