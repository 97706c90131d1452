import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Content,
  differingLeaves,
  type Edit,
  type Load,
  leafOf,
  leavesOf,
  loadBranches,
  type Root,
  rewriteTree,
  type Shape,
  type TreeRow,
} from '../../worker/snapshot/tree.ts';

const runs = process.env.POSTERN_FULL ? 2_000 : 150;
/** Small leaves and branches, so that a few rows make a deep tree. */
const shape: Shape = { by: 'id', bits: 2, leaf: 120 };

interface Row extends TreeRow {
  text: string;
}

/** A store that has only what was written to it; what was dropped is gone at once. */
function openStore() {
  const nodes = new Map<string, string>();
  const loads: number[] = [];
  const load: Load = async <T>(hashes: readonly string[]) => {
    loads.push(hashes.length);
    return new Map(
      hashes.map((hash) => {
        const body = nodes.get(hash);
        if (body === undefined) {
          throw new Error(`Nothing at ${hash}`);
        }
        return [hash, JSON.parse(body) as T];
      }),
    );
  };
  const take = ({ written, dropped }: { written: Content[]; dropped: string[] }) => {
    for (const { hash, body } of written) {
      expect(nodes.has(hash), 'only new nodes are written').toBe(false);
      nodes.set(hash, body);
    }
    for (const hash of dropped) {
      expect(nodes.delete(hash), 'only nodes that were there are dropped').toBe(true);
    }
  };
  return { nodes, loads, load, take };
}

const edits = fc.array(
  fc.record({
    id: fc.integer({ min: 1, max: 60 }),
    text: fc.option(fc.string({ maxLength: 200 }), { freq: 3 }),
  }),
  { maxLength: 40 },
);

const asEdits = (list: { id: number; text: string | null }[]): Edit[] =>
  list.map(({ id, text }) => ({ key: id, identity: id, row: text === null ? null : ({ id, text } as Row) }));

async function rowsOf(root: Root | undefined, load: Load): Promise<Row[]> {
  const leaves = leavesOf(root, await loadBranches(root, new Map(), load));
  const contents = await load<Row[]>(leaves);
  return leaves.flatMap((hash) => contents.get(hash)!).sort((a, b) => a.id - b.id);
}

describe('a tree of rows', () => {
  it('holds what a map holds, has the shape of one built at once, and stores exactly its nodes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(edits, { minLength: 1, maxLength: 6 }), async (rounds) => {
        const store = openStore();
        const model = new Map<number, Row>();
        let root: Root | undefined;
        for (const round of rounds) {
          const list = asEdits(round);
          const rewritten = await rewriteTree(root, list, shape, (row) => row.id, store.load);
          store.take(rewritten);
          root = rewritten.root;
          for (const { identity, row } of list) {
            row === null ? model.delete(Number(identity)) : model.set(Number(identity), row as Row);
          }
          expect(await rowsOf(root, store.load)).toEqual([...model.values()].sort((a, b) => a.id - b.id));
          const fresh = openStore();
          const all = [...model.values()].map((row): Edit => ({ key: row.id, identity: row.id, row }));
          const atOnce = await rewriteTree(undefined, all, shape, (row) => row.id, fresh.load);
          expect(root).toEqual(atOnce.root);
          expect([...store.nodes.keys()].sort()).toEqual(atOnce.written.map(({ hash }) => hash).sort());
          const branches = await loadBranches(root, new Map(), store.load);
          for (let id = 1; id <= 60; id++) {
            const leaf = leafOf(root, branches, shape, id);
            const found = leaf === undefined ? [] : (await store.load<Row[]>([leaf])).get(leaf)!;
            expect(found.find((row) => row.id === id)).toEqual(model.get(id));
          }
        }
      }),
      { numRuns: runs },
    );
  });

  it('tells the leaves in which two of them differ, and looks into no others', async () => {
    await fc.assert(
      fc.asyncProperty(edits, edits, async (first, second) => {
        const store = openStore();
        const before = await rewriteTree(undefined, asEdits(first), shape, (row) => row.id, store.load);
        store.take(before);
        const after = await rewriteTree(before.root, asEdits(second), shape, (row) => row.id, store.load);
        store.take({ written: after.written, dropped: [] });
        const leaves = async (root: Root | undefined) =>
          new Set(leavesOf(root, await loadBranches(root, new Map(), store.load)));
        const [old, next] = [await leaves(before.root), await leaves(after.root)];
        const { from, to } = await differingLeaves(before.root, after.root, store.load);
        const rows = async (hashes: string[]) => {
          const contents = await store.load<Row[]>(hashes);
          return new Map(hashes.flatMap((hash) => contents.get(hash)!).map((row) => [row.id, row]));
        };
        // A leaf that both have may be named on both sides, where one tree is deeper: its rows are then the same.
        expect([...old].filter((hash) => !next.has(hash) && !from.includes(hash))).toEqual([]);
        expect([...next].filter((hash) => !old.has(hash) && !to.includes(hash))).toEqual([]);
        expect(from.every((hash) => old.has(hash)) && to.every((hash) => next.has(hash))).toBe(true);
        const [was, is] = [await rows(from), await rows(to)];
        for (const hash of from.filter((leaf) => next.has(leaf))) {
          for (const row of (await store.load<Row[]>([hash])).get(hash)!) {
            expect(is.get(row.id)).toEqual(was.get(row.id));
          }
        }
      }),
      { numRuns: runs },
    );
  });

  it('writes one leaf and the branches above it for one change, whatever the number of rows', async () => {
    const wide: Shape = { by: 'id', bits: 5, leaf: 24_000 };
    for (const count of [100, 1_000, 20_000]) {
      const store = openStore();
      const row = (id: number, text: string): Edit => ({ key: id, identity: id, row: { id, text } as Row });
      const all = Array.from({ length: count }, (_, id) => row(id, `row ${id} `.repeat(40)));
      const tree = await rewriteTree(undefined, all, wide, ({ id }) => id, store.load);
      store.take(tree);
      store.loads.length = 0;
      const changed = await rewriteTree(tree.root, [row(7, 'changed')], wide, ({ id }) => id, store.load);
      expect(changed.written.length, `of ${count}`).toBeLessThanOrEqual(2);
      expect(changed.dropped.length).toBe(changed.written.length);
      expect(changed.written.reduce((sum, { body }) => sum + body.length, 0)).toBeLessThan(30_000);
      expect(store.loads.length).toBeLessThanOrEqual(2);
    }
  });
});
