import { expect, test } from 'vitest';
import type { Env } from '../../worker/env.ts';
import { planOfUser } from '../../worker/gateway/plan-of-user.ts';
import { aCall } from './a-call.ts';

test('looks a plan up at most every ten seconds, and keeps the last known one while the database is gone', async () => {
  let now = 1_790_000_000_000;
  let plan: number | null = 7;
  let asked = 0;
  let broken = false;
  const reports: string[] = [];
  const first = async () => {
    asked += 1;
    if (broken) {
      throw new Error('D1_ERROR: Network connection lost.');
    }
    return { plan_id: plan };
  };
  const env = { DB: { prepare: () => ({ bind: () => ({ first }) }) } } as unknown as Partial<Env>;
  const call = aCall({ rates: [], env, now: () => now, report: (place) => void reports.push(place) });
  expect([await planOfUser(call, 1), await planOfUser(call, 1)]).toEqual([7, 7]);
  expect(asked).toBe(1);
  plan = 8;
  now += 9_999;
  expect(await planOfUser(call, 1)).toBe(7);
  now += 1;
  expect(await planOfUser(call, 1)).toBe(8);
  broken = true;
  now += 10_000;
  expect(await planOfUser(call, 1)).toBe(8);
  expect(await planOfUser(call, 2)).toBeUndefined();
  expect(reports).toEqual(['rate.plan', 'rate.plan']);
  const before = asked;
  expect(await planOfUser(call, 1)).toBe(8);
  expect(asked).toBe(before);
});

test('a call waits 200 ms at most; what comes later is for the next one', async () => {
  let now = 1_790_000_000_000;
  let answer = (_row: { plan_id: number }) => {};
  let asked = 0;
  const first = () => {
    asked += 1;
    return new Promise((resolve) => {
      answer = resolve;
    });
  };
  const env = { DB: { prepare: () => ({ bind: () => ({ first }) }) } } as unknown as Partial<Env>;
  const behind: Promise<unknown>[] = [];
  const call = aCall({ rates: [], env, now: () => now, defer: (work) => void behind.push(work) });
  expect(await planOfUser(call, 77)).toBeUndefined();
  expect(await planOfUser(call, 77)).toBeUndefined();
  expect([asked, behind.length]).toEqual([1, 1]);
  answer({ plan_id: 5 });
  await Promise.all(behind);
  expect(await planOfUser(call, 77)).toBe(5);
  now += 10_000;
  expect(await planOfUser(call, 77)).toBe(5);
  expect([asked, behind.length]).toEqual([2, 2]);
  // Late again: the known one counts, and the next call does not wait.
  now += 1_999;
  expect(await planOfUser(call, 77)).toBe(5);
  expect(asked).toBe(2);
});
