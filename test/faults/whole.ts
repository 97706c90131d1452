import { expect } from 'vitest';
import type { Gateway } from '../helpers/gateway.ts';
import { request } from '../helpers/management.ts';

// Changes that show when a call is answered from halves of two revisions, and the check that a revision is stored whole. They
// stand on the actions Made-0 and Made-1 of the made-up API.

/** An action and its operation that say the same number: one in the body, the other in a header. */
export function pairAt(version: number) {
  return [
    {
      resource: 'action',
      verb: 'put',
      data: {
        name: 'Pair',
        class: 'Fusio.Adapter.Util.Action.UtilStaticResponse',
        config: { response: JSON.stringify({ version }) },
      },
    },
    operation('pair', '/pair', 'Pair', { options: { sunset: dayOf(version) } }),
  ];
}

/** Two operations that change places, by way of a third that no revision shows: both paths are always there. */
export function swapAt(version: number) {
  const [first, second] = version % 2 === 0 ? ['/swap/a', '/swap/b'] : ['/swap/b', '/swap/a'];
  return [
    operation('swap.one', '/swap/aside', 'Made-0'),
    operation('swap.two', second!, 'Made-1'),
    operation('swap.one', first!, 'Made-0'),
  ];
}

function operation(name: string, httpPath: string, action: string, more: object = {}) {
  const data = { name, httpPath, action, httpMethod: 'GET', public: true, scopes: [], ...more };
  return { resource: 'operation', verb: 'put', data };
}

function dayOf(version: number): string {
  return new Date(Date.UTC(2100, 0, 1) + version * 86_400_000).toISOString();
}

export interface Seen {
  revision: number;
  version: number;
}

/** Calls one path of each sort; throws when an answer is not of one whole revision. */
export async function look(gateway: Gateway, random: () => number, isolate: number, least = 0): Promise<Seen> {
  const headers = { 'X-Config-Revision': String(least) };
  const pair = await request(gateway, 'GET', '/pair', undefined, { isolate, headers });
  expect(pair.status, JSON.stringify(pair.body)).toBe(200);
  const { version } = pair.body;
  expect(new Date(pair.headers.get('sunset')!).toISOString(), 'action and operation').toBe(dayOf(version));
  const swap = await request(gateway, 'GET', random() < 0.5 ? '/swap/a' : '/swap/b', undefined, { isolate });
  expect(swap.status, JSON.stringify(swap.body)).toBe(200);
  const number = swap.headers.get('x-operation-id') === 'swap.one' ? 0 : 10;
  expect(swap.body, 'route and operation').toEqual({ number });
  return { revision: Number(pair.headers.get('x-config-revision')), version };
}

/** The content in use is what the newest manifest reaches, no more and no less, and every hash is true. */
export async function expectWhole(gateway: Gateway): Promise<void> {
  const newest = await gateway.DB.prepare('SELECT manifest FROM revision ORDER BY number DESC LIMIT 1').first<string>(
    'manifest',
  );
  const rows = await gateway.DB.prepare('SELECT hash, body FROM content WHERE dropped IS NULL').all<{
    hash: string;
    body: string;
  }>();
  const bodies = new Map(rows.results.map(({ hash, body }) => [hash, body]));
  const reached = new Set<string>();
  const visit = (hash: string, leaf: boolean) => {
    const body = bodies.get(hash);
    expect(body, `content ${hash}`).toBeDefined();
    reached.add(hash);
    if (!leaf) {
      walk(JSON.parse(body!));
    }
  };
  const walk = (node: unknown): void => {
    if (Array.isArray(node) && typeof node[0] === 'string') {
      visit(node[0], node[3] !== 1);
    } else if (typeof node === 'object' && node !== null) {
      Object.values(node).forEach(walk);
    }
  };
  visit(newest!, false);
  expect([...bodies.keys()].filter((hash) => !reached.has(hash))).toEqual([]);
}

/** A generator of numbers in 0 … 1 that a seed repeats (mulberry32). */
export function randomFrom(start: number): () => number {
  let state = start | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
