import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Call } from '../../worker/core/call.ts';
import type { ApiError } from '../../worker/core/errors.ts';
import type { LeaseRequest } from '../../worker/core/ports.ts';
import type { Env } from '../../worker/env.ts';
import { emptyWindow, take, type WindowState } from '../../worker/lib/window.ts';
import { aCall, aRate, type CallOptions } from './a-call.ts';

// The step alone, in one isolate, with objects that do as they are told.

/** A number: answers after so many milliseconds. */
type Behaviour = 'answer' | 'throw' | 'hang' | number;

let takeRate: typeof import('../../worker/gateway/take-rate.ts')['takeRate'];
let windows: Map<string, WindowState>;
let asked: { object: string; key: string; want: number; ahead: boolean }[];
let deferred: number;
let behaviour: Behaviour;
let reports: string[];

const env = {
  LIMITER: {
    getByName: (object: string) => ({
      async take({ key, ...question }: LeaseRequest) {
        asked.push({ object, key, want: question.want, ahead: question.ahead === true });
        const now = Date.now();
        if (behaviour === 'throw') {
          throw new Error('Network connection lost.');
        }
        if (behaviour === 'hang') {
          await new Promise(() => {});
        }
        const place = `${object} ${key}`;
        const { state, answer } = take(
          windows.get(place) ?? emptyWindow(question.timespan),
          question,
          now,
          asked.length,
        );
        windows.set(place, state);
        if (typeof behaviour === 'number') {
          const wait = behaviour;
          await new Promise((done) => setTimeout(done, wait));
        }
        return answer;
      },
    }),
  },
} as unknown as Partial<Env>;

beforeEach(async () => {
  vi.useFakeTimers({ now: 1_790_000_000_000 });
  vi.resetModules();
  ({ takeRate } = await import('../../worker/gateway/take-rate.ts'));
  windows = new Map();
  asked = [];
  deferred = 0;
  reports = [];
  behaviour = 'answer';
});

afterEach(() => vi.useRealTimers());

interface Result {
  call: Call;
  /** 200, or the status of the error. */
  status: number;
  code: string | null;
  retryAfter: string | null;
}

async function send(options: Omit<CallOptions, 'env'>): Promise<Result> {
  const report = (place: string, thrown: unknown) => void reports.push(`${place}: ${(thrown as Error).message}`);
  const defer = () => void (deferred += 1);
  const call = aCall({ env, report, defer, ...options });
  const taken = (async () => takeRate(call))().then(
    () => ({ status: 200, code: null, retryAfter: null }),
    (thrown: ApiError) => ({
      status: thrown.status,
      code: thrown.code,
      retryAfter: thrown.headers['Retry-After'] ?? null,
    }),
  );
  await vi.advanceTimersByTimeAsync(behaviour === 'answer' || behaviour === 'throw' ? 0 : 300);
  return { call, ...(await taken) };
}

async function statuses(times: number, options: Omit<CallOptions, 'env'>): Promise<number[]> {
  const all: number[] = [];
  for (let time = 0; time < times; time += 1) {
    all.push((await send(options)).status);
  }
  return all;
}

describe.each(['exact', 'leased'] as const)('a rate of mode %s', (mode) => {
  const rates = [aRate({ name: 'Default', rate_limit: 4, mode })];

  test('tells what is left on every answer, before and after the call', async () => {
    const told: string[] = [];
    for (let time = 0; time < 5; time += 1) {
      const { call, status } = await send({ rates, userId: 1 });
      const { headers } = call;
      expect(headers.get('RateLimit-Policy')).toBe('"Default";q=4;w=60');
      expect(headers.get('RateLimit-Limit')).toBe('4');
      told.push(`${status} ${headers.get('RateLimit-Remaining')} ${headers.get('RateLimit')}`);
    }
    expect(told).toEqual([
      '200 4 "Default";r=3;t=61',
      '200 3 "Default";r=2;t=61',
      '200 2 "Default";r=1;t=61',
      '200 1 "Default";r=0;t=61',
      '429 0 "Default";r=0;t=61',
    ]);
  });

  test('sets the quota of the call', async () => {
    const { call } = await send({ rates, userId: 1 });
    expect(call.quota).toEqual({ name: 'Default', limit: 4, remaining: 3, reset: 61, window: 60 });
  });

  test('refuses with a true Retry-After, and remembers the refusal until it ends', async () => {
    await statuses(4, { rates, userId: 1 });
    const first = await send({ rates, userId: 1 });
    expect(first).toMatchObject({ status: 429, code: 'rate_limited', retryAfter: '61' });
    const before = asked.length;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await send({ rates, userId: 1 })).toMatchObject({ status: 429, retryAfter: '31' });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await send({ rates, userId: 1 })).toMatchObject({ status: 429, retryAfter: '1' });
    expect(asked.length).toBe(before);
    await vi.advanceTimersByTimeAsync(1_000);
    expect((await send({ rates, userId: 1 })).status).toBe(200);
  });

  test('counts per user, per app without a user, and per address without either', async () => {
    expect(await statuses(5, { rates, userId: 1 })).toEqual([200, 200, 200, 200, 429]);
    expect((await send({ rates, userId: 2 })).status).toBe(200);
    expect((await send({ rates, userId: null, appId: 1 })).status).toBe(200);
    expect((await send({ rates, userId: 1, appId: 1 })).status).toBe(429);
    expect(await statuses(5, { rates, ip: '192.0.2.1' })).toEqual([200, 200, 200, 200, 429]);
    expect((await send({ rates, ip: '192.0.2.2' })).status).toBe(200);
  });

  test('an IPv6 caller is its /64', async () => {
    expect(await statuses(4, { rates, ip: '2001:db8:1:2::1' })).toEqual([200, 200, 200, 200]);
    expect((await send({ rates, ip: '2001:db8:1:2:ffff::9' })).status).toBe(429);
    expect((await send({ rates, ip: '2001:db8:1:3::1' })).status).toBe(200);
  });

  test('counts all operations that it applies to together, and every rate for itself', async () => {
    const other = aRate({ id: 2, name: 'Other', priority: 9, rate_limit: 1, mode, allocation: [{ operationId: 8 }] });
    const both = [other, ...rates];
    expect((await send({ rates: both, userId: 1, operationId: 8 })).status).toBe(200);
    expect((await send({ rates: both, userId: 1, operationId: 8 })).status).toBe(429);
    expect(await statuses(2, { rates: both, userId: 1, operationId: 5 })).toEqual([200, 200]);
    expect(await statuses(3, { rates: both, userId: 1, operationId: 6 })).toEqual([200, 200, 429]);
  });

  test('a changed limit holds at once, in both directions', async () => {
    await statuses(5, { rates, userId: 1 });
    expect((await send({ rates: [aRate({ rate_limit: 6, mode })], userId: 1 })).status).toBe(200);
    expect((await send({ rates: [aRate({ rate_limit: 3, mode })], userId: 1 })).status).toBe(429);
  });

  test('a limit of zero admits nothing', async () => {
    expect(await send({ rates: [aRate({ rate_limit: 0, mode })], userId: 1 })).toMatchObject({
      status: 429,
      retryAfter: '60',
    });
  });

  test('closed: an object that fails refuses with 503, and the next call asks again', async () => {
    behaviour = 'throw';
    expect(await send({ rates, userId: 1 })).toMatchObject({ status: 503, code: 'unavailable', retryAfter: '1' });
    expect(reports).toEqual(['limiter.take: Network connection lost.']);
    behaviour = 'answer';
    expect((await send({ rates, userId: 1 })).status).toBe(200);
  });

  test('closed: an object that hangs refuses with 503 within its time', async () => {
    behaviour = 'hang';
    const start = Date.now();
    expect(await send({ rates, userId: 1 })).toMatchObject({ status: 503, code: 'unavailable' });
    expect(Date.now() - start).toBeLessThanOrEqual(300);
    expect(reports).toEqual(['limiter.take: No answer within 250 ms']);
  });

  const open = [aRate({ rate_limit: 4, mode, on_error: 'open' })];

  test('open: while the object fails, the isolate admits the limit by its own count', async () => {
    behaviour = 'throw';
    expect(await statuses(6, { rates: open, userId: 1 })).toEqual([200, 200, 200, 200, 429, 429]);
    expect(reports.length).toBe(6);
    behaviour = 'answer';
    expect((await send({ rates: open, userId: 1 })).status).toBe(200);
  });

  test('open: after a time-out calls do not wait for the object again for a second', async () => {
    behaviour = 'hang';
    expect((await send({ rates: open, userId: 1 })).status).toBe(200);
    const start = Date.now();
    expect(await statuses(2, { rates: open, userId: 1 })).toEqual([200, 200]);
    expect(asked.length).toBe(1);
    await vi.advanceTimersByTimeAsync(1_000 - (Date.now() - start));
    await send({ rates: open, userId: 1 });
    expect(asked.length).toBe(2);
  });
});

test('no rate, no headers and no question', async () => {
  const { call, status } = await send({ rates: [], userId: 1 });
  expect(status).toBe(200);
  expect([...call.headers]).toEqual([]);
  expect(call.quota).toBeNull();
  expect(asked).toEqual([]);
});

test('users have objects of their own, anonymous callers share 64 per rate with a window each', async () => {
  const rates = [aRate({ id: 3, rate_limit: 1000, mode: 'exact' })];
  await send({ rates, userId: 12 });
  for (let host = 0; host < 250; host += 1) {
    await send({ rates, ip: `198.51.100.${host}` });
  }
  const [own, ...others] = asked;
  expect(own).toMatchObject({ object: '3/u12/', key: '' });
  expect(new Set(others.map(({ key }) => key)).size).toBe(250);
  const shards = new Set(others.map(({ object }) => object));
  expect(shards.size).toBeGreaterThan(40);
  expect([...shards].every((name) => /^3\/s([0-9]|[1-5][0-9]|6[0-3])\/$/.test(name))).toBe(true);
});

test('an exact rate asks for one call each time, a leased one rarely', async () => {
  await statuses(100, { rates: [aRate({ rate_limit: 100_000, mode: 'exact' })], userId: 1 });
  expect(asked.map(({ want }) => want)).toEqual(new Array(100).fill(1));
  asked = [];
  await statuses(100, { rates: [aRate({ id: 2, rate_limit: 100_000 })], userId: 1 });
  expect(asked.length).toBe(1);
});

test('a lease is refilled ahead of need: nobody waits for the next one', async () => {
  const rates = [aRate({ rate_limit: 10_240 })];
  await statuses(31, { rates, userId: 1 });
  expect(asked.map(({ ahead }) => ahead)).toEqual([false, true]);
  behaviour = 'throw';
  expect(await statuses(60, { rates, userId: 1 })).toEqual(new Array(60).fill(200));
  expect(reports).toEqual([]);
});

test('an answer that is late for its call serves the next ones', async () => {
  const rates = [aRate({ rate_limit: 100_000, on_error: 'open' })];
  behaviour = 400;
  expect((await send({ rates, userId: 1 })).status).toBe(200);
  expect(reports).toEqual(['limiter.take: No answer within 250 ms']);
  // The answer needs a request that lives until it comes.
  expect(deferred).toBe(1);
  await vi.advanceTimersByTimeAsync(200);
  const { call } = await send({ rates, userId: 1 });
  expect(asked.length).toBe(1);
  expect(call.headers.get('RateLimit-Remaining')).toBe('99999');
});

test('the reset parameter never promises more than the rate', async () => {
  const rates = [aRate({ rate_limit: 100, mode: 'exact' })];
  await send({ rates, userId: 1 });
  await vi.advanceTimersByTimeAsync(59_000);
  const { call } = await send({ rates, userId: 1 });
  expect(call.headers.get('RateLimit')).toBe('"Default";r=98;t=59');
});

test('a rate whose timespan never was valid says so instead of letting everything pass', async () => {
  const rates = [aRate({ timespan: 'soon' })];
  expect(await send({ rates, userId: 1 })).toMatchObject({ status: 503, code: 'not_configured' });
});

test('calls at once wait for one question, each finding its lease by itself', async () => {
  const rates = [aRate({ rate_limit: 10_000 })];
  behaviour = 100;
  const calls = Array.from({ length: 30 }, () => takeRate(aCall({ rates, env, userId: 1 })));
  await vi.advanceTimersByTimeAsync(200);
  await Promise.all(calls);
  expect(asked.length).toBe(1);
});
