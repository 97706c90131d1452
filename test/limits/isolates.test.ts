import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { aRate } from './a-call.ts';
import { busiestWindow, ideal, randomness } from './fleet.ts';
import { type Answer, callMany, callOnce, entry, reportOf } from './rig.ts';

// The rate step in four real isolates on one object, as callers see it.

const full = process.env.POSTERN_FULL !== undefined;
const timespan = full ? 20 : 4;

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway({ entry, isolates: 4 });
});

afterAll(() => gateway.stop());

/** Sends `load` times the limit per timespan to random isolates, for two and a half timespans. */
async function underLoad(id: number, limit: number, load: number): Promise<Answer[]> {
  const rates = [aRate({ id, name: `Rate-${id}`, rate_limit: limit, timespan: `PT${timespan}S`, mode: 'leased' })];
  const random = randomness(id);
  const length = timespan * 2_500;
  const arrivals = Array.from({ length: Math.ceil(limit * load * 2.5) }, () => random() * length).sort((a, b) => a - b);
  const begun = Date.now();
  const calls: Promise<Answer>[] = [];
  for (const moment of arrivals) {
    const wait = begun + moment - Date.now();
    if (wait > 0) {
      await new Promise((done) => setTimeout(done, wait));
    }
    calls.push(callOnce(gateway, Math.floor(random() * 4), { rates, userId: 1 }));
  }
  return Promise.all(calls);
}

test('leased to four isolates, no window is over the limit and few calls are refused that would fit', {
  timeout: 120_000,
}, async () => {
  const cases = [
    { id: 11, limit: 5, load: 0.9 },
    { id: 12, limit: 5, load: 10 },
    { id: 13, limit: 100, load: 0.9 },
    { id: 14, limit: 100, load: 3 },
    ...(full ? [{ id: 15, limit: 1_000, load: 1 }] : []),
  ];
  const results = await Promise.all(cases.map(({ id, limit, load }) => underLoad(id, limit, load)));
  results.forEach((answers, index) => {
    const { limit, load } = cases[index]!;
    const counted = answers.filter(({ status }) => status === 200 || status === 429);
    const admitted = counted.filter(({ status }) => status === 200).map(({ at }) => at);
    // A loaded machine may let a call through some while after it was granted; that no window is ever over is proved on a
    // fake clock (test/properties/limiter-fleet.test.ts).
    expect(busiestWindow(admitted, timespan * 1000 - 250), `limit ${limit}, load ${load}`).toBeLessThanOrEqual(limit);
    const possible = ideal(
      counted.map(({ at }) => at).sort((one, other) => one - other),
      limit,
      timespan,
    );
    expect(possible - admitted.length, `limit ${limit}, load ${load}`).toBeLessThanOrEqual(1 + counted.length * 0.1);
  });
  expect(new Set(results.flat().map(({ isolate }) => isolate)).size).toBe(4);
});

test('far from its limit, 20 calls in 1,000 ask the object', async () => {
  const rates = [aRate({ id: 21, rate_limit: 100_000, timespan: 'PT1H' })];
  const answers = await callMany(gateway, full ? 10_000 : 800, 8, { rates, userId: 1 });
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  expect((await reportOf(gateway, '21/u1/')).asked).toBeLessThanOrEqual(answers.length * 0.02);
});

test('a refusal is remembered by the isolate: a flood asks the object no more', async () => {
  const rates = [aRate({ id: 22, rate_limit: 3, timespan: 'PT1H', mode: 'exact' })];
  await callMany(gateway, 40, 1, { rates, ip: '192.0.2.7' });
  const answers = await callMany(gateway, 200, 8, { rates, ip: '192.0.2.7' });
  expect(answers.every(({ status }) => status === 429)).toBe(true);
  expect(answers.every(({ headers }) => Number(headers.get('retry-after')) > 3_500)).toBe(true);
  const shards = Array.from({ length: 64 }, (_, shard) => reportOf(gateway, `22/s${shard}/`));
  const used = (await Promise.all(shards)).filter(({ asked }) => asked > 0);
  expect(used).toEqual([expect.objectContaining({ admitted: 3, refused: 4 })]);
});

test('all isolates of a caller spend one limit, whatever spelling its IPv6 address has', async () => {
  const rates = [aRate({ id: 23, rate_limit: 10, timespan: 'PT1H' })];
  const statuses: number[] = [];
  for (let call = 0; call < 16; call += 1) {
    const ip = `2001:db8:0:1::${(call + 1).toString(16)}`;
    statuses.push((await callOnce(gateway, call % 4, { rates, ip })).status);
  }
  expect(statuses.filter((status) => status === 200)).toHaveLength(10);
  expect(statuses.slice(10)).toEqual(new Array(6).fill(429));
});
