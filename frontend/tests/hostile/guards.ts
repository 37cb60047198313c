/**
 * The guards that the scenarios take away, one at a time: exact text of src/ and what stands in its place in the test build.
 * A guard that stands in two places is taken from both. hooks.mjs stops when a text is not found exactly once, so that a guard
 * which moved cannot be believed to have been tried.
 */
type Edit = { readonly file: string; readonly find: string; readonly put: string };
export type Guard = { readonly edits: readonly Edit[] };

const cut = (file: string, find: string, put = ""): Guard => ({ edits: [{ file, find, put }] });
const both = (...guards: readonly Guard[]): Guard => ({ edits: guards.flatMap((guard) => guard.edits) });

const ROOM = "crypto/roomLog.ts";
const COMMUNITY = "crypto/communityLog.ts";
const ACCOUNT = "crypto/accountLog.ts";
const RULES = "crypto/groupRules.ts";
const OPEN = "crypto/openMessage.ts";
const GROUP = "store/group.ts";
const ITEMS = "store/items.ts";
const LOGS = "store/community.ts";

export const GUARDS = {
  // --- signed logs
  "room entries are signed by their author's device": cut(
    ROOM,
    "checkSignature(link, context.community.root, key);",
  ),
  "only room leaders use a leader's powers": cut(
    ROOM,
    'refuseEntry("log.no_power", "not a leader of this room");',
  ),
  "only certified leaders become room leaders": cut(
    ROOM,
    "if (!isCertifiedLeader(context, target, link.entry.at, communityIndex)) {",
    "if (false) {",
  ),
  "only certified leaders open rooms": cut(
    ROOM,
    "if (!isCertifiedLeader(context, account, link.entry.at, communityIndex)) {",
    "if (false) {",
  ),
  "a room log's community head never goes back": cut(
    ROOM,
    "if (state !== null && head.index < state.communityIndex)",
    "if (false)",
  ),
  "a room log's community head is in the log": cut(
    ROOM,
    "if (head === null || !holdsHead(context.community, head))",
    "if (head === null)",
  ),
  "an author's identity is the admitted one": cut(
    ROOM,
    "if (identityKey !== null && !equalBytes(identityKey, account.identityKey)) {",
    "if (false) {",
  ),
  "leaders are not muted or removed": cut(
    ROOM,
    'if (target.role === "leader" && power?.on_leader !== true)',
    "if (false)",
  ),
  "nobody is admitted while locked": cut(
    ROOM,
    'if (state.locked) refuseEntry("room.locked", "nobody is admitted while locked");',
  ),
  "a revoked role ends": cut(
    COMMUNITY,
    "(one.revokedIndex === null || one.revokedIndex > headIndex)",
    "true",
  ),
  "genesis is signed by the pinned root": cut(COMMUNITY, "checkSignature(link, root, root);"),
  "genesis names the pinned root": cut(
    COMMUNITY,
    'if (!equalBytes(body.root, root)) refuseEntry("log.bad_entry", "another root");',
  ),
  "only stewards certify": cut(
    COMMUNITY,
    'if (!isEffective(state, account.accountId, "steward", at)) refuseEntry("log.no_power", "not a steward");',
  ),
  "certificates are signed": cut(COMMUNITY, "checkSignature(link, state.root, key);"),
  "an account keeps its identity in the community": cut(
    COMMUNITY,
    "if (known !== undefined && !equalBytes(known, body.identity_key))",
    "if (false)",
  ),
  "a lone steward's certificate waits": cut(
    COMMUNITY,
    "effectiveAt = at + state.delayMs;",
    "effectiveAt = at;",
  ),
  "the first steward is the one with the root's invite": cut(
    COMMUNITY,
    "checkSignature(link, state.root, state.firstStewardInvite);",
  ),
  "account entries are signed by the identity": cut(
    ACCOUNT,
    "checkSignature(link, root, state.identityKey);",
  ),
  "device certificates are signed by the identity": cut(
    ACCOUNT,
    'if (!verify("device", root, statement.body, statement.signature, identityKey)) {',
    "if (false) {",
  ),
  "a revoked device signs no more": cut(
    ACCOUNT,
    "return device.revokedAt === null || at < device.revokedAt ? device.deviceKey : null;",
    "return device.deviceKey;",
  ),
  "an account log's community head never goes back": cut(
    ACCOUNT,
    'if (communityIndex < state.communityIndex) refuseEntry("log.bad_entry", "community head went back");',
  ),
  "a name is signed by its owner": cut(
    ACCOUNT,
    'if (!verify("profile", root, statement.body, statement.signature, state.identityKey)) return null;',
  ),
  "entries follow the newest": cut(
    "crypto/entries.ts",
    "if (!equalBytes(entry.previous_hash, place === null ? NO_HASH : place.head.hash)) {",
    "if (false) {",
  ),
  "time does not run backwards": cut(
    "crypto/entries.ts",
    "if (place !== null && entry.at < place.at - ORDER_SLACK_MS)",
    "if (false)",
  ),
  "a body is the one that was signed": cut(
    "crypto/entries.ts",
    "if (signed.body !== null && !equalBytes(bodyHash(signed.body), entry.body_hash)) {",
    "if (false) {",
  ),
  "entries are of the log that was asked for": cut(
    "crypto/entries.ts",
    "if (entry.log !== log || !equalBytes(entry.log_id, logId))",
    "if (false)",
  ),
  // --- remembered heads
  "the community's log does not shrink": cut(
    LOGS,
    'if (same === undefined) return refuseEntry("log.stale_head", "the community\'s log went back");',
    "if (same === undefined) return known;",
  ),
  "the community's log does not fork": cut(
    LOGS,
    'if (!equalBytes(entryHash(same), known.head.hash))\n      refuseEntry("log.stale_head", "the community\'s log forked");',
  ),
  "an account's log does not shrink": cut(
    LOGS,
    'if (same === undefined) return refuseEntry("log.stale_head", "an account\'s log went back");',
    "if (same === undefined) return known;",
  ),
  "an account's log does not fork": cut(
    LOGS,
    'if (!equalBytes(entryHash(same), known.head.hash))\n      refuseEntry("log.stale_head", "an account\'s log forked");',
  ),
  "a room's log does not fork": cut(
    ITEMS,
    "if (known === undefined || !equalBytes(known, entryHash(signed)))",
    "if (false)",
  ),
  // --- invites
  "only stewards and leaders invite": cut(
    "crypto/invites.ts",
    'if (!steward && !leader) refuseEntry("log.no_power", "may not invite");',
  ),
  "an acceptance names the identity that was signed up": cut(
    "crypto/invites.ts",
    `if (
    !equalBytes(acceptance.account_id, account.accountId) ||
    !equalBytes(acceptance.identity_key, account.identityKey)
  ) {`,
    "if (false) {",
  ),
  "an acceptance is signed by the invite's key": cut(
    "crypto/invites.ts",
    'if (!verify("invite-acceptance", root, statement.body, statement.signature, acceptance.invite_key)) {',
    "if (false) {",
  ),
  // --- leaves
  "a leaf's account is a member": cut(
    "crypto/leaves.ts",
    "if (member === undefined || account === null) return null;\n  if (!equalBytes(member.identityKey, account.identityKey)) return null;",
    "if (account === null) return null;",
  ),
  "a leaf's key is the certified one": cut(
    "crypto/leaves.ts",
    "if (claim === null || !equalBytes(claim.deviceKey, signatureKey)) return null;",
    "if (claim === null) return null;",
  ),
  "a leaf's certificate is in the account's log": cut(
    "crypto/leaves.ts",
    `equalBytes(device.certificate.body, certificate.body) &&
    equalBytes(device.certificate.signature, certificate.signature) &&`,
  ),
  "a revoked device has no leaf": cut("crypto/leaves.ts", "isLive(account, leaf.deviceId)", "true"),
  // --- group rules
  "a commit adds only right leaves": both(
    cut(
      RULES,
      'if (!adds.every((leaf) => authority.leafAllowed(leaf.identity, leaf.signatureKey)))\n    refuse("leaf-not-allowed");',
    ),
    cut(
      RULES,
      "isLeaf(opened.sender, identity, signatureKey) || authority.leafAllowed(identity, signatureKey),",
      "isLeaf(opened.sender, identity, signatureKey) || true,",
    ),
  ),
  "a commit removes only who was removed": cut(RULES, 'refuse("removal-not-allowed");'),
  "who was removed does not commit": cut(
    RULES,
    'if (!authority.committerMay(change)) refuse("committer-not-allowed");',
  ),
  "a commit holds adds and removes alone": both(
    cut(RULES, 'else refuse("proposal-type");'),
    cut("crypto/mls.ts", 'if (result.newState.groupActiveState.kind !== "active") refuse("invalid-commit");'),
  ),
  "a path renews the encryption key alone": both(
    cut(RULES, 'if (!same) refuse("path-leaf-changed");'),
    cut(
      RULES,
      "isLeaf(opened.sender, identity, signatureKey) || authority.leafAllowed(identity, signatureKey),",
      "true,",
    ),
  ),
  "every key stands once in the tree": cut(
    "crypto/treeKeys.ts",
    'if (seen.has(name)) refuse("key-not-unique");',
  ),
  "private keys match the tree": cut("crypto/treeKeys.ts", 'refuse("parent-keys");'),
  "a leaf can be read by later adds": cut(
    RULES,
    'if (!capable || leaf.extensions.length > 0) refuse("capabilities");',
  ),
  "a key package ends": both(
    cut(
      RULES,
      'if (leaf.leafNodeSource === "key_package" && !lifetimeIsBounded(leaf.lifetime)) refuse("lifetime");',
    ),
    cut(
      RULES,
      'if (!isWithinLifetime(item.proposal.add.keyPackage.leafNode.lifetime, at)) refuse("lifetime");',
    ),
  ),
  "a commit is made with nothing pending": both(
    cut(
      "crypto/mlsConfig.ts",
      'if (Object.keys(state.unappliedProposals).length !== 0) refuse("pending-proposals");',
    ),
    cut(
      RULES,
      'if (item.proposalOrRefType !== "proposal") return refuse("proposal-by-reference");',
      'if (item.proposalOrRefType !== "proposal") continue;',
    ),
    cut(
      RULES,
      "accept: (identity, signatureKey) => authority.leafAllowed(identity, signatureKey),\n  });\n  judge",
      "accept: () => true,\n  });\n  judge",
    ),
  ),
  "a commit is judged before it is sent": cut(
    RULES,
    `accept: (identity, signatureKey) => authority.leafAllowed(identity, signatureKey),
  });
  judge(state, made.opened, authority, make.at);`,
    "accept: () => true,\n  });",
  ),
  "a removal is seen by whom it removes": cut(
    "crypto/mls.ts",
    "if (removesLeaf(opened, ownLeafIndex(state)))",
    "if (false)",
  ),
  "a commit's community head never goes back": cut(
    GROUP,
    "if (header.community_head.index < group.marks.communityIndex)",
    "if (false)",
  ),
  "a commit's room head never goes back": both(
    cut(
      GROUP,
      "if (room === undefined || room.head.index < group.marks.roomIndex) {",
      "if (room === undefined) {",
    ),
    cut(ITEMS, "log: log.slice(log.indexOf(taken.room))", "log"),
  ),
  "a commit names this room's very log": cut(
    GROUP,
    'if (!equalBytes(room.head.hash, header.room_head.hash)) refuseEntry("log.bad_entry", "room head");',
  ),
  "a commit is for this room": cut(
    GROUP,
    'if (!equalBytes(header.room_id, roomId)) refuseEntry("log.bad_entry", "another room");',
  ),
  // --- joining
  "a Welcome is for the room that the log names": cut(
    RULES,
    'if (!equalBytes(groupIdOf(state), groupId)) refuse("wrong-group"); // rule 8',
  ),
  "a Welcome brings in right leaves alone": both(
    cut(RULES, 'if (!allowed(identity, signatureKey)) refuse("leaf-not-allowed");'),
    cut(RULES, "accept: allowed,", "accept: () => true,"),
  ),
  "a Welcome carries the tree and nothing else": cut(RULES, 'refuse("group-info-extensions");'),
  "a group has no extensions": cut(
    RULES,
    'if (state.groupContext.extensions.length > 0) refuse("group-extensions");',
  ),
  "a key package opens one Welcome": both(
    cut(
      "store/keyStock.ts",
      "if (!record.lastResort) batch.remove(PLACES.keyPackage(record.id));\n  else",
      "if (record.lastResort)",
    ),
    cut("store/joining.ts", "if (leadsBack(draft.group, joined.newState))", "if (false)"),
  ),
  "a Welcome never leads back": cut(
    "store/joining.ts",
    "if (leadsBack(draft.group, joined.newState))",
    "if (false)",
  ),
  // --- messages
  "signatures are checked": cut(
    "crypto/provider.ts",
    "return ed25519.verify(signature, message, publicKey, { zip215: false });",
    "return true;",
  ),
  "a message is of this group": cut(
    OPEN,
    'if (!equalBytes(message.groupId, state.groupContext.groupId)) refuse("wrong-group");',
  ),
  "a message is of this epoch": cut(
    OPEN,
    'if (message.epoch > state.groupContext.epoch) refuse("future-epoch");',
  ),
  "a message has one encoding": cut(
    "crypto/wire.ts",
    'if (length !== bytes.length || !equalBytes(encodeMlsMessage(message), bytes))\n      refuse("malformed", "not canonical");',
  ),
  "nothing hides behind a message": cut(
    "crypto/padding.ts",
    'if (padded.subarray(end).some((byte) => byte !== 0)) refuse("malformed", "padding");',
  ),
  "a message is the one that the server calls it": cut(
    GROUP,
    "if (!equalBytes(header.room_id, roomId) || !equalBytes(header.message_id, messageId)) return null;",
  ),
  "a muted member is not heard": cut(GROUP, "|| member.muted) return null;", ") return null;"),
  "only leaders are heard while locked": cut(
    GROUP,
    'if (newest.locked && newest.members.get(toHex(claim.accountId))?.role !== "leader") return null;',
  ),
  "a repeat is dropped": cut(ITEMS, "if (last !== undefined && read.counter <= last.counter) return;"),
  "what is missing is counted": cut(ITEMS, "missed: Math.max(0, unexplained),", "missed: 0,"),
  "what cannot be read is shown as a gap": cut(ITEMS, "if (!isOwn) draft.lines.set(item.seq, gapAt(item));"),
  "commits are taken in order": cut(
    ITEMS,
    'if (item.epoch > group.marks.epoch) throw new Refusal("future-epoch");',
    "if (item.epoch > group.marks.epoch) return;",
  ),
  "what does not check stops the room": cut(
    ITEMS,
    'draft.record = { ...draft.record, problem: "room.unconfirmed" };\n      return true;',
    "mark(draft, { cursor: item.seq });\n      continue;",
  ),
  // --- what a thief finds
  "keys of skipped messages are not kept": cut(
    "crypto/mlsConfig.ts",
    "retainKeysForGenerations: 0, // trap 1",
    "retainKeysForGenerations: 10,",
  ),
  "keys of past epochs are not kept": cut(
    "crypto/mls.ts",
    "historicalReceiverData: new Map(),",
    "historicalReceiverData: next.historicalReceiverData,",
  ),
  "keys of blanked nodes are not kept": cut(
    "crypto/mls.ts",
    "privatePath: withoutBlankKeys(next.privatePath, next.ratchetTree),",
    "privatePath: next.privatePath,",
  ),
  "a read message's key moves on in what is stored": cut(
    ITEMS,
    "draft.group = { ...draft.group, state: opened.newState };",
  ),
} as const satisfies Record<string, Guard>;

export type GuardName = keyof typeof GUARDS;
