import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { deployParts, madePath, madeUpApi } from '../helpers/made-up-api.ts';
import { type Management, manage, request } from '../helpers/management.ts';
import type { Fault } from './worker/plan.ts';

// Changes while calls run, and changes that fail anywhere: every call is answered from one whole revision, and what is
// stored is exactly what the newest revision is made of.

const full = process.env.POSTERN_FULL !== undefined;
const operations = full ? 20_000 : 1_000;
const seconds = full ? 60 : 3;
const faultRounds = full ? 1_000 : 40;
/** Repeats a run: POSTERN_SEED=… */
const seed = Number(process.env.POSTERN_SEED ?? Math.floor(Math.random() * 2 ** 31));
const random = randomFrom(seed);
const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;

let gateway: Gateway;
let admin: Management;

beforeAll(async () => {
  gateway = await startGateway({ faults: true, isolates: 3 });
  admin = await manage(gateway);
  await deployParts(gateway, admin, madeUpApi(operations));
  await admin.must('POST', '/backend/deploy', { changes: [...pairAt(0), ...swapAt(0)] });
}, 300_000);
afterAll(() => gateway.stop());

/** An action and its operation that say the same number: one in the body, the other in a header. */
function pairAt(version: number) {
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
function swapAt(version: number) {
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

interface Seen {
  revision: number;
  version: number;
}

/** Calls one path of each sort; throws when an answer is not of one whole revision. */
async function look(isolate: number, least = 0): Promise<Seen> {
  const headers = { 'X-Config-Revision': String(least) };
  const pair = await request(gateway, 'GET', '/pair', undefined, { isolate, headers });
  expect(pair.status, JSON.stringify(pair.body)).toBe(200);
  const { version } = pair.body;
  expect(new Date(pair.headers.get('sunset')!).toISOString(), 'action and operation').toBe(dayOf(version));
  const swap = await request(gateway, 'GET', pick(['/swap/a', '/swap/b']), undefined, { isolate });
  expect(swap.status, JSON.stringify(swap.body)).toBe(200);
  const number = swap.headers.get('x-operation-id') === 'swap.one' ? 0 : 10;
  expect(swap.body, 'route and operation').toEqual({ number });
  const made = Math.floor(random() * operations);
  const answer = await request(gateway, 'GET', madePath(made, '1'), undefined, { isolate });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  expect(answer.body).toEqual({ number: made - (made % 10) });
  return { revision: Number(pair.headers.get('x-config-revision')), version };
}

/** The content in use is what the newest manifest reaches, no more and no less, and every hash is true. */
async function expectWhole(): Promise<void> {
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

describe(`changes under load (seed ${seed})`, () => {
  it(`50 a second over ${operations} operations: no failed call, none that sees half of a change`, {
    timeout: 600_000,
  }, async () => {
    const until = Date.now() + seconds * 1_000;
    let running = true;
    let seen = 0;
    const caller = async (isolate: number) => {
      let last = 0;
      while (running) {
        const { revision } = await look(isolate);
        expect(revision, 'revisions never go down').toBeGreaterThanOrEqual(last);
        last = revision;
        seen += 1;
      }
    };
    const callers = Promise.all([0, 1, 2, 0].map(caller));
    const expected = new Map<number, string>();
    const changes: Promise<number>[] = [];
    let version = 0;
    const change = async (): Promise<number> => {
      version += 1;
      const turn = version % 10;
      if (turn < 2) {
        const answer = await admin.call('POST', '/backend/deploy', {
          changes: turn === 0 ? pairAt(version) : swapAt(Math.floor(version / 10)),
        });
        return answer.status;
      }
      // No operation twice: of two changes under way, either may be the later one.
      const number = (version * 7) % operations;
      const description = `Version ${version}`;
      const answer = await admin.call('PUT', `/backend/operation/~made.op${number}`, { description });
      expected.set(number, description);
      return answer.status;
    };
    while (Date.now() < until) {
      changes.push(change());
      await new Promise((resolve) => setTimeout(resolve, 20));
      // A slow machine cannot take them as they come: what counts is that many are under way.
      if (changes.length % 100 === 0) {
        await Promise.all(changes);
      }
    }
    const told = await Promise.all(changes);
    running = false;
    await callers;
    expect(told.filter((status) => status !== 200)).toEqual([]);
    expect(told.length).toBeGreaterThan(20);
    expect(seen).toBeGreaterThan(3);
    const rows = await gateway.DB.prepare(
      "SELECT name, description FROM operation WHERE description LIKE 'Version %'",
    ).all();
    const found = new Map(rows.results.map((row: any) => [Number(row.name.slice('made.op'.length)), row.description]));
    if (told.length < operations) {
      expect(found).toEqual(expected);
    }
    await expectWhole();
  });

  it('costs the same however many operations there are: no statement reads a table from end to end', async () => {
    await gateway.faults.set();
    await admin.must('PUT', '/backend/operation/~made.op3', { httpPath: '/made/elsewhere', scopes: ['elsewhere'] });
    await admin.must('PUT', '/backend/action/~Made-3', { config: { response: '{"number":30}' } });
    await admin.must('POST', '/backend/deploy', { changes: [...pairAt(1), ...swapAt(1)] });
    await admin.must('PUT', '/backend/operation/~made.op3', { httpPath: madePath(3, ':id') });
    const { calls } = await gateway.faults.state();
    const texts = calls.filter(({ binding, from }) => binding === 'DB' && from === 'Publisher');
    const statements = new Set(texts.flatMap(({ subject }) => subject.split(';\n')));
    expect(statements.size).toBeGreaterThan(10);
    for (const sql of statements) {
      const nulls = new Array((sql.match(/\?/g) ?? []).length).fill(null);
      const plan = await gateway.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(...nulls)
        .all<{ detail: string }>();
      const scans = plan.results
        .map(({ detail }) => detail)
        .filter((detail) => /^SCAN/.test(detail) && !/VIRTUAL TABLE|CONSTANT ROW|sqlite_sequence/.test(detail));
      expect(scans, sql).toEqual([]);
      // An index on the tenant alone reads every row too.
      expect(
        plan.results.some(({ detail }) => /operation_list/.test(detail)),
        sql,
      ).toBe(false);
    }
  });
});

describe(`publishes with a random fault (seed ${seed})`, () => {
  it(`${faultRounds} of them leave the live revision whole`, { timeout: 600_000 }, async () => {
    let version = 10_000;
    await admin.must('POST', '/backend/deploy', { changes: [...pairAt(version), ...swapAt(version)] });
    let outcomes = { ok: 0, refused: 0 };
    for (let round = 0; round < faultRounds; round++) {
      const before = version;
      const next = before + 1;
      const fault: Fault = {
        ...pick([
          { binding: 'DB', from: 'Publisher' },
          { binding: 'CONTENT', from: 'Publisher' },
          { binding: 'CONTENT' },
          { binding: 'PUBLISHER', method: 'commit' },
          { binding: 'caches' },
        ]),
        mode: pick(['throw', 'lose', 'twice'] as const),
        nth: 1 + Math.floor(random() * 6),
      };
      // A commit is no read: nobody makes it twice.
      fault.mode = fault.binding === 'PUBLISHER' && fault.mode === 'twice' ? 'lose' : fault.mode;
      // Nor is a batch, which D1 itself applies once.
      fault.mode = fault.binding === 'DB' && fault.mode === 'twice' ? 'lose' : fault.mode;
      const where = `round ${round}, ${JSON.stringify(fault)}`;
      await gateway.faults.set(fault);
      const crash = random() < 0.1 ? gateway.abort('PUBLISHER', 'publisher:') : null;
      const answer = await admin.call('POST', '/backend/deploy', { changes: [...pairAt(next), ...swapAt(next)] });
      await crash;
      await gateway.faults.set();
      expect([200, 503], `${where}: ${JSON.stringify(answer.body)}`).toContain(answer.status);
      const newest = await gateway.DB.prepare('SELECT max(number) AS number FROM revision').first<number>('number');
      for (const isolate of [0, 1, 2]) {
        const seen = await look(isolate, newest!);
        expect(answer.status === 200 ? [next] : [before, next], where).toContain(seen.version);
        version = seen.version;
      }
      outcomes = {
        ok: outcomes.ok + Number(answer.status === 200),
        refused: outcomes.refused + Number(answer.status !== 200),
      };
      if (round % 10 === 9) {
        await expectWhole();
      }
    }
    await expectWhole();
    expect(outcomes.ok).toBeGreaterThan(0);
    expect(outcomes.refused).toBeGreaterThan(0);
  });
});

/** A generator of numbers in 0 … 1 that a seed repeats (mulberry32). */
function randomFrom(start: number): () => number {
  let state = start | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
