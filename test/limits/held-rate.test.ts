import { expect, test } from 'vitest';
import {
  announceAsk,
  exactQuestion,
  follow,
  holdRate,
  learn,
  left,
  nextQuestion,
  rescale,
  runsLow,
  spend,
} from '../../worker/gateway/held-rate.ts';
import type { WindowAnswer } from '../../worker/lib/window.ts';

const start = 1_790_000_000_000;

const grant = (answer: Partial<WindowAnswer>): WindowAnswer => ({
  granted: 0,
  remaining: 0,
  expiresIn: 0,
  resetIn: 60,
  askAgainIn: 0,
  lease: 0,
  ...answer,
});

/** A rate of 1,000 a minute with a lease of `calls` for eight seconds, asked for at the start. */
function leased(calls: number) {
  const held = holdRate(1000, 60, start);
  const question = nextQuestion(held, start, false);
  learn(held, question, grant({ granted: calls + 1, remaining: 500, expiresIn: 8, lease: 9 }), start, start + 50);
  return held;
}

test('spends a lease call by call, and not a moment after its end', () => {
  const held = leased(3);
  expect(left(held)).toBe(503);
  expect([spend(held, start + 100), spend(held, start + 7_999)]).toEqual([true, true]);
  expect(spend(held, start + 8_000)).toBe(false);
  expect(left(held)).toBe(500);
});

test('tells the object when calls of a lease were used, at the latest, and tells it once', () => {
  const held = leased(3);
  spend(held, start + 100);
  spend(held, start + 900);
  spend(held, start + 5_500);
  expect(spend(held, start + 5_600)).toBe(false);
  const question = nextQuestion(held, start + 6_500, false);
  // Eighths of eight seconds: the first ended 5.5 s ago, the sixth 0.5 s ago.
  expect(question.settle).toEqual([
    {
      lease: 9,
      used: [
        [5_500, 2],
        [500, 1],
      ],
    },
  ]);
  expect(nextQuestion(held, start + 6_600, false).settle).toHaveLength(1);
  learn(held, question, grant({ granted: 1 }), start + 6_500, start + 6_700);
  expect(nextQuestion(held, start + 6_800, false).settle).toBeUndefined();
});

test('asks for a 256th of the limit at first, then for what the pace needs, growing fourfold at most', () => {
  const held = holdRate(2560, 60, start);
  expect(nextQuestion(held, start, false)).toMatchObject({ want: 11, pace: undefined });
  learn(held, nextQuestion(held, start, false), grant({ granted: 41, expiresIn: 8, lease: 1 }), start, start);
  for (let call = 0; call < 40; call += 1) {
    spend(held, start + 100 * call);
  }
  expect(nextQuestion(held, start + 4_000, false)).toMatchObject({ want: 1 + 4 * 41, pace: 41 / 4 });
});

test('forgets old demand', () => {
  const held = leased(100);
  for (let call = 0; call < 100; call += 1) {
    spend(held, start + 100);
  }
  nextQuestion(held, start + 3_600_000, false);
  expect(nextQuestion(held, start + 3_600_100, false).pace).toBeLessThan(0.1);
});

test('remembers a refusal for as long as asking is pointless, but not that of a refill', () => {
  const held = holdRate(1000, 60, start);
  const refill = nextQuestion(held, start, true);
  expect(refill.ahead).toBe(true);
  learn(held, refill, grant({ resetIn: 30, askAgainIn: 30 }), start, start);
  expect(held.refusedUntil).toBe(0);
  learn(held, nextQuestion(held, start, false), grant({ resetIn: 30, askAgainIn: 1 }), start, start + 20);
  expect(held.refusedUntil).toBe(start + 1_020);
  expect(held.resetAt).toBe(start + 30_020);
});

test('wants a refill once per lease, when a quarter is left and nothing is under way', () => {
  const held = leased(8);
  const low = Array.from({ length: 8 }, () => spend(held, start + 100) && runsLow(held));
  expect(low).toEqual([false, false, false, false, false, true, false, false]);
  const small = leased(7);
  expect(Array.from({ length: 7 }, () => spend(small, start + 100) && runsLow(small))).not.toContain(true);
});

test('lets as many calls wait for a question as it will probably serve, and none for a forgotten one', () => {
  const held = holdRate(2560, 60, start);
  announceAsk(held, nextQuestion(held, start, false), start);
  const followers = Array.from({ length: 12 }, () => follow(held, start + 100, 250) !== null);
  expect(followers.filter(Boolean)).toHaveLength(10);
  const other = holdRate(2560, 60, start);
  announceAsk(other, nextQuestion(other, start, false), start);
  expect(follow(other, start + 250, 250)).toBeNull();
});

test('drops leases and refusals of a changed limit, and gives the leases back', () => {
  const held = leased(3);
  spend(held, start + 100);
  held.refusedUntil = start + 60_000;
  rescale(held, 10, 60, start + 200);
  expect(spend(held, start + 200)).toBe(false);
  expect(held).toMatchObject({ limit: 10, refusedUntil: 0, remaining: 10 });
  expect(nextQuestion(held, start + 200, false).settle).toEqual([{ lease: 9, used: [[0, 1]] }]);
});

test('never spends a lease that answers a question of the old limit', () => {
  const held = holdRate(1000, 60, start);
  const question = nextQuestion(held, start, false);
  rescale(held, 10, 60, start + 10);
  learn(held, question, grant({ granted: 101, remaining: 899, expiresIn: 8, lease: 9 }), start, start + 20);
  expect(spend(held, start + 30)).toBe(false);
  expect(held.remaining).toBe(10);
  expect(nextQuestion(held, start + 30, false).settle).toEqual([{ lease: 9, used: [] }]);
});

test('an exact question wants one call and gives leases of a former mode back', () => {
  const held = leased(3);
  expect(exactQuestion(held, start + 100)).toEqual({
    limit: 1000,
    timespan: 60,
    want: 1,
    settle: [{ lease: 9, used: [] }],
  });
  expect(spend(held, start + 100)).toBe(false);
});
