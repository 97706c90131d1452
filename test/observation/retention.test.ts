import type { D1Database } from '@cloudflare/workers-types';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Env } from '../../worker/env.ts';
import { addCall, addFault, closeBuffer, createLogBuffer, defaultLimits } from '../../worker/gateway/log-buffer.ts';
import { writeLogs } from '../../worker/gateway/log-write.ts';
import { sweepLogs, sweepOwnLogs } from '../../worker/jobs/retention.ts';
import { wrapEnv } from '../faults/worker/bindings.ts';
import { faultState, setFaults } from '../faults/worker/plan.ts';
import { aCall, aFault, noon } from './facts.ts';
import { emptyLogs, openLogs, rowsOf } from './logs-database.ts';

let LOGS: D1Database;
let close: () => Promise<void>;
const day = 86_400_000;

beforeAll(async () => {
  ({ LOGS, close } = await openLogs());
});
afterAll(() => close());
beforeEach(async () => {
  setFaults([]);
  await emptyLogs(LOGS);
});

const env = () => wrapEnv({ LOGS, DB: LOGS } as unknown as Pick<Env, 'DB' | 'LOGS'>, 'worker');

/** A flush of `count` calls and a fault, so many days ago. */
async function seed(daysAgo: number, count = 1, tenant = ''): Promise<void> {
  const buffer = createLogBuffer();
  for (let index = 0; index < count; index++) {
    addCall(buffer, aCall({ tenant, at: noon - daysAgo * day }), { ...defaultLimits, rows: 100_000, size: 1e9 });
  }
  addFault(buffer, aFault({ tenant, at: noon - daysAgo * day }), defaultLimits);
  await writeLogs(LOGS as never, closeBuffer(buffer, `${daysAgo} ${Math.random()}`)!, noon - daysAgo * day);
}

async function left(): Promise<Record<string, number>> {
  const tables = ['log', 'log_error', 'rollup_hour', 'rollup_day', 'flush'];
  const counts = await Promise.all(tables.map((table) => rowsOf(LOGS, `SELECT count(*) AS rows FROM ${table}`)));
  return Object.fromEntries(tables.map((table, index) => [table, counts[index]![0]!.rows]));
}

test('each table keeps its own time', async () => {
  for (const daysAgo of [1000, 100, 31, 29, 2, 0]) {
    await seed(daysAgo);
  }
  expect(await sweepLogs(env(), noon, 30)).toEqual({ deleted: 3 + 3 + 2 + 1 + 5, more: false });
  expect(await left()).toEqual({ log: 3, log_error: 3, rollup_hour: 4, rollup_day: 5, flush: 1 });
  expect(await sweepLogs(env(), noon, 30)).toEqual({ deleted: 0, more: false });
  expect(await sweepLogs(env(), noon, 1)).toEqual({ deleted: 4, more: false });
  expect(await left()).toEqual({ log: 1, log_error: 1, rollup_hour: 4, rollup_day: 5, flush: 1 });
});

test('a row from the future stops nobody', async () => {
  await seed(-10);
  await seed(50, 20);
  await sweepLogs(env(), noon, 30);
  expect((await left()).log).toBe(1);
});

test('many rows go in steps, the rest in the next run; ids are never given twice', async () => {
  await seed(40, 6000);
  const [{ last }] = (await rowsOf(LOGS, 'SELECT max(id) AS last FROM log')) as [{ last: number }];
  expect(await sweepLogs(env(), noon, 30, 1)).toMatchObject({ more: true });
  expect((await left()).log).toBe(1000);
  expect(faultState().counts['LOGS.run']).toBe(5);
  expect(await sweepLogs(env(), noon, 30)).toMatchObject({ more: false });
  expect((await left()).log).toBe(0);
  await seed(0);
  expect((await rowsOf(LOGS, 'SELECT id FROM log'))[0]!.id).toBe(last + 1);
});

test.each([
  [[], 60],
  [[7], 7],
  [[7, 90], 90],
  [['junk', 0, -3], 60],
])('the settings %j keep the log for %i days', async (settings, days) => {
  await configure(settings.map((value) => [`${value}`, value]));
  await seed(days + 1);
  await seed(days - 1);
  await sweepLogs(env(), noon);
  expect((await left()).log).toBe(1);
});

test('a tenant whose log is kept for less time than another’s loses its own rows alone', async () => {
  await configure([
    ['acme', 40],
    ['beta', 90],
  ]);
  for (const tenant of ['acme', 'beta']) {
    await seed(50, 2, tenant);
    await seed(30, 2, tenant);
  }
  expect(await sweepOwnLogs(env(), 'beta', noon)).toEqual({ deleted: 0, more: false });
  expect(await sweepOwnLogs(env(), 'acme', noon)).toEqual({ deleted: 3, more: false });
  const counted = (table: string) =>
    rowsOf(LOGS, `SELECT tenant_id, count(*) AS rows FROM ${table} GROUP BY tenant_id ORDER BY tenant_id`);
  expect(await counted('log')).toEqual([
    { tenant_id: 'acme', rows: 2 },
    { tenant_id: 'beta', rows: 4 },
  ]);
  expect(await counted('log_error')).toEqual([
    { tenant_id: 'acme', rows: 1 },
    { tenant_id: 'beta', rows: 2 },
  ]);
});

/** The days that tenants keep their logs, as their settings say. */
async function configure(settings: [tenant: string, value: unknown][]): Promise<void> {
  await LOGS.prepare('DROP TABLE IF EXISTS config').run();
  await LOGS.prepare(
    'CREATE TABLE config (id INTEGER PRIMARY KEY, tenant_id TEXT, status INTEGER, name TEXT, value TEXT)',
  ).run();
  for (const [tenant, value] of settings) {
    const insert = `INSERT INTO config (tenant_id, status, name, value) VALUES (?, 1, 'log_retention_days', ?)`;
    await LOGS.prepare(insert).bind(tenant, JSON.stringify(value)).run();
  }
}
