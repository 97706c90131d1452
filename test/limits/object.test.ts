import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blockSize } from '../../worker/lib/window.ts';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { aRate } from './a-call.ts';
import { callMany, callOnce, entry, reportOf, runtimes, storedIn, takeFrom } from './rig.ts';

// The Limiter object in the real runtime: parallel callers, restarts, kills, and what is left of it when all is over.

const full = process.env.POSTERN_FULL !== undefined;
const hour = 3_600_000;

let folder: string;
let gateway: Gateway;
const start = () => startGateway({ entry, persist: join(folder, 'state') });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-limits-'));
  gateway = await start();
});

afterAll(async () => {
  await gateway.stop();
  await rm(folder, { recursive: true, force: true });
});

test('20 parallel callers of an exact rate get exactly its limit', async () => {
  const limit = full ? 1_000 : 200;
  const rates = [aRate({ rate_limit: limit, timespan: 'PT1H', mode: 'exact' })];
  const answers = await callMany(gateway, limit * 1.5, 20, { rates, userId: 1 });
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(limit);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(limit / 2);
  expect(answers.flatMap(({ faults }) => faults)).toEqual([]);
  const { admitted, writes } = await reportOf(gateway, '1/u1/');
  expect(admitted).toBe(limit);
  // One write covers its own call and a block.
  expect(writes).toBeLessThanOrEqual(Math.ceil(limit / (1 + blockSize(limit))) + blockSize(limit));
});

test('windows in one object are apart, as are objects', async () => {
  const one = { limit: 2, timespan: 3600 };
  const grants: number[] = [];
  for (const [object, key] of [
    ['a', 'x'],
    ['a', 'x'],
    ['a', 'x'],
    ['a', 'y'],
    ['b', 'x'],
  ] as const) {
    grants.push((await takeFrom(gateway, object, { ...one, key })).granted);
  }
  expect(grants).toEqual([1, 1, 0, 1, 1]);
  expect((await storedIn(gateway, 'a')).windows.map(({ key }) => key)).toEqual(['x', 'y']);
});

test('what was counted survives a restart', async () => {
  const request = { limit: 1_000, timespan: 3600 };
  for (let call = 0; call < 40; call += 1) {
    await takeFrom(gateway, 'restarted', request);
  }
  const before = await takeFrom(gateway, 'restarted', { ...request, want: 200 });
  expect(before.granted).toBeGreaterThan(50);
  await gateway.stop();
  gateway = await start();
  const { remaining } = await takeFrom(gateway, 'restarted', request);
  expect(remaining).toBeLessThanOrEqual(before.remaining - 1);
  expect(remaining).toBeGreaterThanOrEqual(before.remaining - 1 - blockSize(1_000));
});

test('an object that crashes forfeits at most its block, and says so', async () => {
  const request = { limit: 6_400, timespan: 3600 };
  for (let call = 0; call < 5; call += 1) {
    await takeFrom(gateway, 'crashed', request);
  }
  await gateway.abort('LIMITER', 'crashed');
  const { remaining } = await takeFrom(gateway, 'crashed', request);
  // The first call was written together with a block of 100, four of which were handed out.
  expect(remaining).toBe(6_400 - 1 - 100 - 1);
  expect((await reportOf(gateway, 'crashed')).forfeited).toBe(100);
});

test('a lease of a former life cannot be settled: it stays counted until it is void', async () => {
  const request = { limit: 1_000, timespan: 3600 };
  const { lease, granted, remaining } = await takeFrom(gateway, 'lost', { ...request, want: 100 });
  expect(granted).toBe(100);
  await gateway.abort('LIMITER', 'lost');
  const after = await takeFrom(gateway, 'lost', { ...request, settle: [{ lease, used: [] }] });
  expect(after.remaining).toBeLessThan(remaining);
});

test('is never over through kills of the runtime, and forfeits no more than a block and what was in flight for each', {
  timeout: 240_000,
}, async () => {
  const kills = full ? 10 : 2;
  const [limit, parallel] = full ? [1_000, 20] : [300, 10];
  const caller = { rates: [aRate({ id: 5, rate_limit: limit, timespan: 'PT1H', mode: 'exact' as const })], userId: 5 };
  let admitted = 0;
  for (let kill = 1; kill <= kills; kill += 1) {
    const enough = (limit * kill) / (2 * kills);
    const client = async () => {
      while (admitted < enough) {
        const { status } = await callOnce(gateway, 0, caller);
        admitted += status === 200 ? 1 : 0;
      }
    };
    const clients = Array.from({ length: parallel }, client);
    // Dies with calls under way: the last client to know is still asking.
    await Promise.race(clients);
    for (const pid of runtimes()) {
      process.kill(pid, 'SIGKILL');
    }
    await Promise.allSettled(clients);
    await gateway.stop().catch(() => {});
    gateway = await start();
  }
  const rest = await callMany(gateway, limit, parallel, caller);
  admitted += rest.filter(({ status }) => status === 200).length;
  expect(rest.at(-1)?.status).toBe(429);
  expect(admitted).toBeLessThanOrEqual(limit);
  expect(admitted).toBeGreaterThanOrEqual(limit - kills * (blockSize(limit) + 1 + parallel));
});

test('leaves nothing behind: when everything is spent, the alarm empties the storage', async () => {
  await takeFrom(gateway, 'spent', { key: 'short', limit: 1_000, timespan: 60, want: 50 });
  await takeFrom(gateway, 'spent', { key: 'long', limit: 1_000, timespan: 3600, want: 50 });
  const { alarm, windows } = await storedIn(gateway, 'spent');
  expect(windows).toHaveLength(2);
  expect(alarm).toBeGreaterThan(Date.now() + 50_000);
  try {
    await gateway.clock(hour / 2);
    await gateway.alarm('LIMITER', 'spent');
    const half = await storedIn(gateway, 'spent');
    expect(half.windows.map(({ key }) => key)).toEqual(['long']);
    expect(half.alarm).not.toBeNull();
    await gateway.clock(2 * hour);
    await gateway.alarm('LIMITER', 'spent');
    expect(await storedIn(gateway, 'spent')).toEqual({ tables: [], windows: [], alarm: null });
    expect((await reportOf(gateway, 'spent')).callers).toBe(0);
    // And it counts again afterwards, durably.
    const { remaining } = await takeFrom(gateway, 'spent', { key: 'short', limit: 10, timespan: 60 });
    expect(remaining).toBe(9);
    await gateway.abort('LIMITER', 'spent');
    expect((await takeFrom(gateway, 'spent', { key: 'short', limit: 10, timespan: 60 })).remaining).toBe(8);
  } finally {
    await gateway.clock(0);
  }
});

test('an alarm that rings too early forgets nothing', async () => {
  await takeFrom(gateway, 'early', { limit: 2, timespan: 3600 });
  await takeFrom(gateway, 'early', { limit: 2, timespan: 3600 });
  await gateway.alarm('LIMITER', 'early');
  expect((await takeFrom(gateway, 'early', { limit: 2, timespan: 3600 })).granted).toBe(0);
  await gateway.abort('LIMITER', 'early');
  expect((await takeFrom(gateway, 'early', { limit: 2, timespan: 3600 })).granted).toBe(0);
});

test('slows guesses down, remembers them through a crash, and forgets them at success and in time', async () => {
  const post = async (path: string, body: unknown): Promise<any> =>
    (await gateway.fetch(`${path}?object=door`, { method: 'POST', body: JSON.stringify(body) })).json();
  const attempt = () => post('/attempt', { free: 3, first: 60, longest: 600, memory: 3_600 });
  const outcomes = await Promise.all(Array.from({ length: 6 }, attempt));
  expect(outcomes.filter((outcome) => outcome.allowed)).toHaveLength(3);
  await gateway.abort('LIMITER', 'door');
  expect(await attempt()).toEqual({ allowed: false, retryAfter: expect.any(Number) });
  await post('/succeed', 'one');
  expect(await attempt()).toEqual({ allowed: true });
  expect(await attempt()).toMatchObject({ allowed: false });
  await post('/succeed', 'all');
  expect(await attempt()).toEqual({ allowed: true });
  try {
    await gateway.clock(2 * hour);
    await gateway.alarm('LIMITER', 'door');
    expect(await storedIn(gateway, 'door')).toEqual({ tables: [], windows: [], alarm: null });
  } finally {
    await gateway.clock(0);
  }
});
