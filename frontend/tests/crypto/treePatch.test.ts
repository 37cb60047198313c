/** patches/ts-mls+1.6.4.patch (trap 11): each test of the first block fails on ts-mls as published. */
import { validateRatchetTree } from "ts-mls/clientState.js";
import { defaultLifetimeConfig } from "ts-mls/lifetimeConfig.js";
import type { RatchetTree } from "ts-mls/ratchetTree.js";
import { treeHashRoot } from "ts-mls/treeHash.js";
import { beforeAll, describe, expect, it } from "vitest";
import { commit } from "../../src/crypto/mls";
import { suite } from "../../src/crypto/provider";
import {
  addAll,
  everyone,
  hear,
  newPerson,
  newRoom,
  NO_DATA,
  receiveCommit,
  say,
  stateOf,
  type Person,
} from "./people";

/** Node numbers in a tree of eight leaves: 3 above leaves 0 to 3, 11 above leaves 4 to 7, 7 the root. */
const [LEFT, RIGHT, ROOT] = [3, 11, 7];

async function commitAll(committer: Person, room: Person[], removes: number[] = []): Promise<Person[]> {
  const made = await commit({
    state: stateOf(committer),
    removes,
    authenticatedData: NO_DATA,
    accept: everyone,
  });
  committer.state = made.newState;
  for (const person of room) if (person !== committer) await receiveCommit(person, made.commit);
  return room.filter((person) => person.state !== null);
}

/** Both halves have a key and a gap, and one commit without a path fills both gaps: the root lists two leaves. */
async function roomWithTwoUnmergedLeaves(): Promise<{ room: Person[]; joiners: Person[] }> {
  let room = await newRoom("0", "1", "2", "3", "4", "5", "6", "7");
  const [first, , , , fifth] = room as [Person, Person, Person, Person, Person];
  room = await commitAll(first, room, [1, 5]);
  room = await commitAll(fifth, room);
  const joiners = [await newPerson("new 1"), await newPerson("new 5")];
  await addAll(
    first,
    joiners,
    room.filter((person) => person !== first),
  );
  return { room, joiners };
}

const unmerged = (tree: RatchetTree, index: number): number[] => {
  const node = tree[index];
  if (node?.nodeType !== "parent") throw new Error(`node ${index} is blank`);
  return node.parent.unmergedLeaves;
};

function withUnmerged(tree: RatchetTree, index: number, leaves: number[]): RatchetTree {
  const node = tree[index];
  if (node?.nodeType !== "parent") throw new Error(`node ${index} is blank`);
  return withNode(tree, index, { nodeType: "parent", parent: { ...node.parent, unmergedLeaves: leaves } });
}

function withNode(tree: RatchetTree, index: number, node: RatchetTree[number]): RatchetTree {
  const copy = tree.slice();
  copy[index] = node;
  return copy;
}

async function validate(person: Person, tree: RatchetTree): Promise<string> {
  const { groupContext } = stateOf(person);
  const accept = { validateCredential: () => Promise.resolve(true) };
  const treeHash = await treeHashRoot(tree, suite.hash);
  const error = await validateRatchetTree(tree, groupContext, defaultLifetimeConfig, accept, treeHash, suite);
  return error?.message ?? "valid";
}

describe("the patched check of a tree accepts", () => {
  it("leaves that the root lists together and the nodes below it list apart, and lets both joiners in", async () => {
    const { room, joiners } = await roomWithTwoUnmergedLeaves();
    const [first, joiner] = [room[0] as Person, joiners[0] as Person];
    const tree = stateOf(first).ratchetTree;
    expect([unmerged(tree, LEFT), unmerged(tree, RIGHT), unmerged(tree, ROOT)]).toEqual([[1], [5], [1, 5]]);
    expect(await validate(first, tree)).toBe("valid");
    expect(await hear(joiner, await say(first, "welcome"))).toBe("welcome");
  });

  it("a leaf that the nodes above no longer list, since someone else's path renewed them", async () => {
    const { room, joiners } = await roomWithTwoUnmergedLeaves();
    const [third, joiner] = [room[2] as Person, joiners[1] as Person];
    await commitAll(third, [...room, ...joiners]);
    const late = await newPerson("late");
    await addAll(
      third,
      [late],
      [...room, ...joiners].filter((person) => person !== third),
    );
    expect(unmerged(stateOf(third).ratchetTree, RIGHT)).toEqual([5]);
    expect(await hear(joiner, await say(late, "hello"))).toBe("hello");
  });
});

describe("the patched check of a tree still refuses", () => {
  const DESCENDANT = "Unmerged leaf did not represent a non-blank descendant leaf node";
  const BETWEEN = "non-blank intermediate node must list leaf node in its unmerged_leaves";

  let person: Person;
  let tree: RatchetTree;
  beforeAll(async () => {
    const { room } = await roomWithTwoUnmergedLeaves();
    person = room[0] as Person;
    tree = stateOf(person).ratchetTree;
  });

  it("a leaf that a node between it and the listing parent does not list", async () => {
    expect(await validate(person, withUnmerged(tree, LEFT, []))).toBe(BETWEEN);
    expect(await validate(person, withUnmerged(tree, RIGHT, [6]))).toBe(BETWEEN);
  });

  it("a leaf that is not below the parent, a blank leaf, and a leaf outside the tree", async () => {
    expect(await validate(person, withUnmerged(tree, LEFT, [1, 6]))).toBe(DESCENDANT);
    expect(await validate(person, withUnmerged(withNode(tree, 2, undefined), LEFT, [1]))).toBe(DESCENDANT);
    expect(await validate(person, withUnmerged(tree, ROOT, [1, 5, 4000000000]))).toBe(DESCENDANT);
  });

  it("a tree whose parent hashes do not hold", async () => {
    const renamed = withUnmerged(withUnmerged(tree, LEFT, [1, 2]), ROOT, [1, 2, 5]);
    expect(await validate(person, renamed)).toBe("Unable to verify parent hash");
  });
});
