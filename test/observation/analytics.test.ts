import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  hasAnalytics,
  NoAnalytics,
  sampledCount,
  sampledPoints,
} from '../../worker/api/backend/statistic-analytics.ts';
import type { Call } from '../../worker/core/call.ts';
import type { CallObservation } from '../../worker/core/observation.ts';
import { usagePoint } from '../../worker/gateway/usage-point.ts';
import { type AnalyticsStandIn, startAnalytics } from '../helpers/analytics-stand-in.ts';
import { aCall, noon } from './facts.ts';

// Analytics Engine keeps a sample: what is said of all calls must be near the truth, and say how near.

let analytics: AnalyticsStandIn;
const day = 86_400_000;
const range = { from: '2026-11-19T00:00:00.000Z', to: '2026-11-21T23:59:59.999Z' };
const all = { startIndex: 0, count: 6 };
const reported: unknown[] = [];

beforeAll(async () => {
  analytics = await startAnalytics();
});
afterAll(() => analytics.stop());
beforeEach(() => {
  analytics.clear();
  analytics.failure = null;
  reported.length = 0;
});

function caller(env: Record<string, string> = {}): Call {
  const settings = {
    CLOUDFLARE_ACCOUNT_ID: analytics.account,
    ANALYTICS_TOKEN: analytics.token,
    ANALYTICS_URL: analytics.url,
    ...env,
  };
  const egress = { fetch: (url: string, init: RequestInit) => fetch(url, init) };
  const report = (_place: string, thrown: unknown) => void reported.push(thrown);
  return { tenant: '', runtime: { env: settings, egress, report, now: () => noon } } as unknown as Call;
}

/** A small generator of numbers from 0 to 1, the same each time. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function keep(call: Partial<CallObservation>, interval = 1): void {
  const fact = aCall({ at: noon, ...call });
  analytics.add(usagePoint(fact)!, fact.at, interval);
}

describe('what was not sampled', () => {
  beforeEach(() => {
    keep({ operationId: 11, duration: 10, points: 2 });
    keep({ operationId: 11, duration: 30, points: 0, status: 500 });
    keep({ operationId: 12, duration: 5, points: 0, status: 404, userId: null, appId: null, method: 'DELETE' });
    keep({ operationId: 12, duration: 7, points: 0, at: noon - day, userId: 6 });
    keep({ operationId: 12, at: noon - 4 * day });
    keep({ operationId: -9, categoryId: 2 });
    keep({ operationId: 11, tenant: 'acme' });
  });

  test.each([
    [
      'count',
      undefined,
      [
        ['2026-11-20', '', 1],
        ['2026-11-21', '', 3],
      ],
    ],
    [
      'count',
      'operation_id',
      [
        ['2026-11-21', 11, 2],
        ['2026-11-20', 12, 1],
        ['2026-11-21', 12, 1],
      ],
    ],
    [
      'errors',
      'operation_id',
      [
        ['2026-11-21', 11, 1],
        ['2026-11-20', 12, 0],
        ['2026-11-21', 12, 1],
      ],
    ],
    [
      'average',
      'operation_id',
      [
        ['2026-11-21', 11, 20],
        ['2026-11-20', 12, 7],
        ['2026-11-21', 12, 5],
      ],
    ],
    [
      'count',
      'user_id',
      [
        ['2026-11-21', 5, 2],
        ['2026-11-21', 0, 1],
        ['2026-11-20', 6, 1],
      ],
    ],
    [
      'points',
      undefined,
      [
        ['2026-11-20', '', 0],
        ['2026-11-21', '', 2],
      ],
    ],
  ] as const)('%s by %s is exact', async (value, by, expected) => {
    const points = await sampledPoints(caller(), { by, value }, {}, range, all);
    expect(points.map(({ day, key, value }) => [day, key, value])).toEqual(expected);
    expect(points.every(({ error }) => error === 0)).toBe(true);
  });

  test.each([
    [{}, 4],
    [{ operationId: 12 }, 2],
    [{ method: 'delete' }, 1],
    [{ userId: 6 }, 1],
    [{ appId: 2 }, 3],
    [{ categoryId: 2 }, 1],
    [{ categoryId: 0 }, 5],
  ])('%j names %i calls', async (query, count) => {
    expect(await sampledCount(caller(), query, range)).toEqual({ value: count, error: 0 });
  });

  test('series come by rank, some at a time', async () => {
    const page = { startIndex: 1, count: 1 };
    const points = await sampledPoints(caller(), { by: 'user_id', value: 'count' }, {}, range, page);
    expect(points.map(({ key }) => key)).toEqual([0]);
  });
});

describe('what was sampled', () => {
  test('has the error of the formulas', async () => {
    const kept = [1, 1, 4, 10].map((interval, index) => ({
      interval,
      duration: 10 * (index + 1),
      status: index % 2 ? 500 : 200,
    }));
    for (const { interval, ...call } of kept) {
      keep(call, interval);
    }
    const sum = (of: (one: (typeof kept)[number]) => number) => kept.reduce((total, one) => total + of(one), 0);
    const calls = sum(({ interval }) => interval);
    expect(await sampledCount(caller(), {}, range)).toEqual({
      value: 16,
      error: 1.96 * Math.sqrt(4 * 3 + 10 * 9),
    });
    const [errors] = await sampledPoints(caller(), { value: 'errors' }, {}, range, all);
    expect(errors).toMatchObject({ value: 11, error: 1.96 * Math.sqrt(10 * 9) });
    const [average] = await sampledPoints(caller(), { value: 'average' }, {}, range, all);
    const mean = sum(({ interval, duration }) => interval * duration) / calls;
    const variance = sum(({ interval, duration }) => interval * (interval - 1) * (duration - mean) ** 2) / calls ** 2;
    expect(average!.value).toBeCloseTo(mean, 9);
    expect(average!.error).toBeCloseTo(1.96 * Math.sqrt(variance), 9);
  });

  test('is within it about as often as promised', async () => {
    const next = random(7);
    const samples = 200;
    const inside = { count: 0, average: 0 };
    for (let sample = 0; sample < samples; sample++) {
      analytics.clear();
      // 600 calls, of which a twentieth is slow; kept with different probabilities.
      const truth = { calls: 0, duration: 0 };
      for (let number = 0; number < 600; number++) {
        const duration = number % 20 === 0 ? 400 : 10 + (number % 7);
        truth.calls += 1;
        truth.duration += duration;
        const interval = number % 3 === 0 ? 2 : 8;
        if (next() < 1 / interval) {
          keep({ duration }, interval);
        }
      }
      const count = await sampledCount(caller(), {}, range);
      inside.count += Math.abs(count.value - truth.calls) <= count.error ? 1 : 0;
      const [average] = await sampledPoints(caller(), { value: 'average' }, {}, range, all);
      inside.average += Math.abs(average!.value - truth.duration / truth.calls) <= average!.error ? 1 : 0;
    }
    // The mean of so few slow calls is skewed, its interval a little too narrow.
    expect(inside.count / samples).toBeGreaterThan(0.91);
    expect(inside.average / samples).toBeGreaterThan(0.85);
    expect(inside.count / samples).toBeLessThan(0.995);
  });
});

describe('no answer', () => {
  const refused = (call: Call, query = {}, dates = range) =>
    sampledCount(call, query, dates).catch((thrown: Error) => thrown);

  test.each([
    ['a filter that points do not know', { path: '/x' }, range, 'knows nothing of path'],
    [
      'a range before the points that are kept',
      {},
      { from: '2026-08-01T00:00:00.000Z', to: range.to },
      'keeps points for three months',
    ],
    ['a text that cannot be quoted', { method: `x' OR '1'='1` }, range, 'cannot be asked for such a text'],
  ])('for %s, and nobody is asked', async (_what, query, dates, message) => {
    const before = analytics.queries.length;
    const thrown = await refused(caller(), query, dates);
    expect(thrown).toBeInstanceOf(NoAnalytics);
    expect((thrown as Error).message).toBe(message);
    expect(analytics.queries).toHaveLength(before);
  });

  test.each([
    [{ status: 429, text: 'Too many requests' }, 'answered 429: Too many requests'],
    [{ status: 500, text: '' }, 'answered 500: '],
    [{ status: 200, text: 'not JSON' }, 'did not answer'],
    [{ status: 200, text: '{"data":"none"}' }, 'gave no rows'],
    [{ status: 200, text: '{"data":[{"calls":"many"}]}' }, 'gave no calls'],
  ])('%j is no answer', async (failure, message) => {
    analytics.failure = failure;
    const thrown = await refused(caller());
    expect(thrown).toBeInstanceOf(NoAnalytics);
    expect((thrown as Error).message).toBe(message);
  });

  test('of a foreign token, of no server, without settings; the token is told to nobody', async () => {
    const foreign = (await refused(caller({ ANALYTICS_TOKEN: 'foreign' }))) as Error;
    expect(foreign.message).toMatch(/^answered 403/);
    expect(await refused(caller({ ANALYTICS_URL: 'http://127.0.0.1:1' }))).toMatchObject({ message: 'did not answer' });
    expect(JSON.stringify(reported.map(String))).not.toContain('foreign');
    const bare = caller({ ANALYTICS_TOKEN: '' });
    expect(hasAnalytics(bare.runtime.env)).toBe(false);
    expect(await refused(bare)).toBeInstanceOf(NoAnalytics);
  });
});
