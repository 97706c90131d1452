import { expect, test } from 'vitest';
import { attempted } from '../../worker/lib/backoff.ts';
import { durationSeconds } from '../../worker/lib/duration.ts';

test.each([
  ['PT1S', 1],
  ['PT30S', 30],
  ['PT15M', 900],
  ['PT1H', 3_600],
  ['PT1H30M10S', 5_410],
  ['P1D', 86_400],
  ['P1W', 604_800],
  ['P1M', 30 * 86_400],
  ['P1Y', 365 * 86_400],
  ['P1Y2M3W4DT5H6M7S', ((365 + 60 + 21 + 4) * 24 + 5) * 3_600 + 367],
  ['PT0H90S', 90],
])('%s is %d seconds', (text, seconds) => {
  expect(durationSeconds(text)).toBe(seconds);
});

test.each([
  ['PT0.5S', /fraction/],
  ['PT0,5S', /fraction/],
  ['P0.5D', /fraction/],
  ['PT0S', /zero/],
  ['P0D', /zero/],
  ['', /not an ISO 8601 duration/],
  ['P', /not an ISO 8601 duration/],
  ['PT', /not an ISO 8601 duration/],
  ['P1DT', /not an ISO 8601 duration/],
  ['1H', /not an ISO 8601 duration/],
  ['P1H', /not an ISO 8601 duration/],
  ['PT1D', /not an ISO 8601 duration/],
  ['PT1S1M', /not an ISO 8601 duration/],
  ['-PT1H', /not an ISO 8601 duration/],
  ['PT-1H', /not an ISO 8601 duration/],
  ['pt1h', /not an ISO 8601 duration/],
  [' PT1H', /not an ISO 8601 duration/],
  ['PT1H\n', /not an ISO 8601 duration/],
  [`PT${'9'.repeat(40)}S`, /not an ISO 8601 duration/],
  ['3600', /not an ISO 8601 duration/],
])('%j is refused, and the message says why', (text, message) => {
  expect(() => durationSeconds(text)).toThrow(RangeError);
  expect(() => durationSeconds(text)).toThrow(message);
});

test('attempts are free at first, then wait twice as long each time, up to the longest delay, until all is forgotten', () => {
  const policy = { free: 3, first: 2, longest: 10, memory: 60 };
  let failures = { count: 0, last: 0 };
  let now = 1_790_000_000_000;
  const attempt = (): number => {
    const verdict = attempted(failures, policy, now);
    if (verdict.allowed) {
      failures = verdict.failures;
      return 0;
    }
    return verdict.retryAfter;
  };
  expect([attempt(), attempt(), attempt(), attempt()]).toEqual([0, 0, 0, 2]);
  const waits: number[] = [];
  for (let time = 0; time < 4; time += 1) {
    now += attempt() * 1000;
    expect(attempt()).toBe(0);
    waits.push(attempt());
  }
  expect(waits).toEqual([4, 8, 10, 10]);
  now += 9_001;
  expect(attempt()).toBe(1);
  now += 60_000;
  expect([attempt(), attempt(), attempt(), attempt()]).toEqual([0, 0, 0, 2]);
});
