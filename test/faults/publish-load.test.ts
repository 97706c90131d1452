import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { deployParts, madePath, madeUpApi } from '../helpers/made-up-api.ts';
import { type Management, manage, request } from '../helpers/management.ts';
import { expectWhole, look, pairAt, randomFrom, swapAt } from './whole.ts';

// Changes while calls run: every call is answered from one whole revision, and none fails.

const full = process.env.POSTERN_FULL !== undefined;
const operations = full ? 20_000 : 1_000;
const seconds = full ? 60 : 3;
const perSecond = 52;
/** Callers go round so often a second at most, each with three calls: 60 calls a second beside the changes. */
const rounds = 5;
/** Repeats a run: POSTERN_SEED=… */
const seed = Number(process.env.POSTERN_SEED ?? Math.floor(Math.random() * 2 ** 31));
const random = randomFrom(seed);

let gateway: Gateway;
let admin: Management;

beforeAll(async () => {
  gateway = await startGateway({ faults: true, isolates: 3 });
  admin = await manage(gateway);
  await deployParts(gateway, admin, madeUpApi(operations));
  const { revision } = await admin.must('POST', '/backend/deploy', { changes: [...pairAt(0), ...swapAt(0)] });
  // An isolate may be some seconds behind, unless it is told what is expected of it.
  await Promise.all([0, 1, 2].map((isolate) => look(gateway, random, isolate, revision)));
}, 300_000);
afterAll(() => gateway.stop());

/** A call of the API that does not change. */
async function made(isolate: number): Promise<void> {
  const number = Math.floor(random() * operations);
  const answer = await request(gateway, 'GET', madePath(number, '1'), undefined, { isolate });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  expect(answer.body).toEqual({ number: number - (number % 10) });
}

describe(`changes under load (seed ${seed})`, () => {
  it(`50 a second over ${operations} operations: no failed call, none that sees half of a change`, {
    timeout: 600_000,
  }, async () => {
    const begun = Date.now();
    const until = begun + seconds * 1_000;
    let waiting = 0;
    let running = true;
    let seen = 0;
    const caller = async (isolate: number) => {
      let last = 0;
      while (running) {
        const next = new Promise((resolve) => setTimeout(resolve, 1_000 / rounds));
        await made(isolate);
        const { revision } = await look(gateway, random, isolate);
        expect(revision, 'revisions never go down').toBeGreaterThanOrEqual(last);
        last = revision;
        seen += 1;
        await next;
      }
    };
    const callers = Promise.all([0, 1, 2, 0].map(caller));
    // Judged in the end.
    callers.catch(() => undefined);
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
      // What came late is made up for; a slow machine, which cannot take them as they come, gets a hundred at a time.
      const due = ((Date.now() - begun) / 1_000) * perSecond;
      while (changes.length < due && waiting < 100) {
        waiting += 1;
        changes.push(change().finally(() => (waiting -= 1)));
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const told = await Promise.all(changes);
    const took = (Date.now() - begun) / 1_000;
    if (full) {
      const rate = (count: number) => (count / took).toFixed(1);
      console.log(
        `${told.length} changes in ${took.toFixed(1)} s: ${rate(told.length)} a second, with ${rate(seen * 3)} calls`,
      );
    }
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
    await expectWhole(gateway);
  });

  it('costs the same however many operations there are: no statement reads a table from end to end', async () => {
    await gateway.faults.set();
    await admin.must('PUT', '/backend/operation/~made.op3', { httpPath: '/made/elsewhere', scopes: ['elsewhere'] });
    await admin.must('PUT', '/backend/action/~Made-3', { config: { response: '{"number":30}' } });
    await admin.must('POST', '/backend/deploy', { changes: [...pairAt(1), ...swapAt(1)] });
    await admin.must('PUT', '/backend/operation/~made.op3', { httpPath: madePath(3, ':id') });
    const statements = await statementsFrom('Publisher');
    expect(statements.size).toBeGreaterThan(10);
    await expectNoScans(statements);
  });

  it('nor does any that logins and looks at one object need', async () => {
    const { name, password } = await gateway.setup();
    await admin.must('PUT', '/backend/user/1', { email: 'admin@example.com' });
    await gateway.faults.set();
    for (const login of [name, 'admin@example.com']) {
      const headers = {
        'Content-Type': 'application/x-www-form-urlencoded',
        Authorization: `Basic ${btoa(`${login}:${password}`)}`,
      };
      const body = 'grant_type=client_credentials';
      expect((await request(gateway, 'POST', '/authorization/token', body, { headers })).status).toBe(200);
    }
    for (const path of ['operation/~made.op3', 'action/~Made-3', `user/~${name}`, 'rate/~Default']) {
      await admin.must('GET', `/backend/${path}`);
    }
    const statements = await statementsFrom('worker');
    expect(statements.size).toBeGreaterThan(6);
    await expectNoScans(statements);
  });
});

async function statementsFrom(from: string): Promise<Set<string>> {
  const { calls } = await gateway.faults.state();
  const texts = calls.filter((call) => call.binding === 'DB' && call.from === from);
  return new Set(texts.flatMap(({ subject }) => subject.split(';\n')));
}

async function expectNoScans(statements: ReadonlySet<string>): Promise<void> {
  for (const sql of statements) {
    const values = new Array((sql.match(/\?/g) ?? []).length).fill(null);
    const plan = await gateway.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...values)
      .all<{ detail: string }>();
    const details = plan.results.map(({ detail }) => detail);
    const scans = details.filter(
      (detail) => /^SCAN/.test(detail) && !/VIRTUAL TABLE|CONSTANT ROW|sqlite_sequence/.test(detail),
    );
    expect(scans, sql).toEqual([]);
    // An index on the tenant alone reads every row too.
    expect(
      details.filter((detail) => /_list\b|\(tenant_id=\?\)$/.test(detail)),
      sql,
    ).toEqual([]);
  }
}
