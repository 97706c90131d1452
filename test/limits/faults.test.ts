import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { aRate } from './a-call.ts';
import { callMany, callOnce, entry, reportOf } from './rig.ts';

// The limiter out of reach, in the real runtime: nothing hangs, and `on_error` is followed.

let gateway: Gateway;
let id = 100;

beforeAll(async () => {
  gateway = await startGateway({ entry, isolates: 2 });
});

afterAll(() => gateway.stop());

beforeEach(async () => {
  id += 1;
  await gateway.faults.set();
});

const rate = (on_error: 'open' | 'closed', mode: 'leased' | 'exact', rate_limit = 5) =>
  aRate({ id, rate_limit, timespan: 'PT1H', mode, on_error });

test.each([
  'leased',
  'exact',
] as const)('closed, %s: every failing question is a 503 with Retry-After', async (mode) => {
  await gateway.faults.set({ binding: 'LIMITER', mode: 'throw' });
  const caller = { rates: [rate('closed', mode)], userId: 1 };
  for (const { status, headers, faults } of await callMany(gateway, 4, 2, caller)) {
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('1');
    expect(faults).toEqual([expect.stringMatching(/^limiter\.take: .*Network connection lost/)]);
  }
  await gateway.faults.set();
  expect((await callMany(gateway, 8, 1, caller)).filter(({ status }) => status === 200)).toHaveLength(5);
});

test.each([
  'leased',
  'exact',
] as const)('open, %s: each isolate counts alone until the object is back', async (mode) => {
  await gateway.faults.set({ binding: 'LIMITER', mode: 'throw' });
  const caller = { rates: [rate('open', mode)], userId: 1 };
  const statuses = (await callMany(gateway, 16, 1, caller)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(2 * 5);
  expect(statuses.slice(10)).toEqual(new Array(6).fill(429));
});

test.each(['leased', 'exact'] as const)('%s: an object that hangs is not waited for', async (mode) => {
  await gateway.faults.set({ binding: 'LIMITER', mode: 'hang', delay: 5_000 });
  const closed = await callOnce(gateway, 0, { rates: [rate('closed', mode)], userId: 1 });
  expect(closed.status).toBe(503);
  expect(closed.faults).toEqual(['limiter.take: Error: No answer within 250 ms']);
  const caller = { rates: [rate('open', mode)], userId: 2 };
  expect((await callOnce(gateway, 0, caller)).faults).toHaveLength(1);
  // For a second nobody waits for it again.
  const next = await Promise.all([callOnce(gateway, 0, caller), callOnce(gateway, 0, caller)]);
  expect(next.map(({ status, faults }) => [status, faults])).toEqual([
    [200, []],
    [200, []],
  ]);
});

test('a lost reply costs one call at most, and a repeated question never admits more', async () => {
  const caller = { rates: [rate('closed', 'exact', 20)], userId: 1 };
  await gateway.faults.set(
    { binding: 'LIMITER', mode: 'lose', nth: 3, times: 2 },
    { binding: 'LIMITER', mode: 'twice', nth: 8 },
  );
  const answers = await callMany(gateway, 40, 1, caller);
  const admitted = answers.filter(({ status }) => status === 200).length;
  expect(admitted).toBeLessThanOrEqual(20);
  // In each of the two isolates two replies are lost, and one question is repeated.
  expect(admitted).toBeGreaterThanOrEqual(20 - 2 * 3);
  expect(answers.filter(({ status }) => status === 503).length).toBeGreaterThan(0);
});

test('a crash of the object between calls admits nothing twice', async () => {
  const caller = { rates: [rate('closed', 'exact', 130)], userId: 1 };
  let admitted = 0;
  for (let round = 0; round < 4; round += 1) {
    admitted += (await callMany(gateway, 25, 5, caller)).filter(({ status }) => status === 200).length;
    await gateway.abort('LIMITER', `${id}/u1/`);
  }
  admitted += (await callMany(gateway, 60, 5, caller)).filter(({ status }) => status === 200).length;
  expect(admitted).toBeLessThanOrEqual(130);
  // A block is two calls.
  expect(admitted).toBeGreaterThanOrEqual(130 - 4 * 2);
  expect((await reportOf(gateway, `${id}/u1/`)).admitted).toBeLessThan(130);
});
