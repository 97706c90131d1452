import { vi } from 'vitest';
import type { ApiError } from '../../worker/core/errors.ts';
import type { LeaseRequest } from '../../worker/core/ports.ts';
import type { RateRecord } from '../../worker/core/records.ts';
import type { Env } from '../../worker/env.ts';
import { emptyWindow, recovered, take, type WindowState } from '../../worker/lib/window.ts';
import { aCall } from './a-call.ts';

// Several isolates with the real rate step and one Limiter object with the real arithmetic, on a fake clock: minutes of
// load in a second, every run the same for the same seed.

export interface FleetOptions {
  rate: RateRecord;
  isolates: number;
  seed: number;
  /** Longest one-way delay between an isolate and the object, milliseconds. */
  delay: number;
  /** Of a thousand questions, how many get lost on the way there, and how many answers on the way back. */
  losses?: number;
  /** Of a thousand questions, how many are followed by a crash of the object. */
  crashes?: number;
}

export interface FleetResult {
  /** Moments in which calls were let through, milliseconds. */
  admitted: number[];
  refused: { at: number; retryAfter: number }[];
  unavailable: number;
  asked: number;
  writes: number;
}

/** A small generator of numbers below one (mulberry32), so that a seed replays a run. */
export function randomness(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Sends a call to a random isolate at each of the moments (milliseconds from the start, ascending). */
export async function runFleet(options: FleetOptions, arrivals: readonly number[]): Promise<FleetResult> {
  vi.useFakeTimers({ now: 1_790_000_000_000 });
  try {
    const random = randomness(options.seed);
    const result: FleetResult = { admitted: [], refused: [], unavailable: 0, asked: 0, writes: 0 };
    const limiter = anObject(options, result, random);
    const env = { LIMITER: { getByName: () => limiter } } as unknown as Partial<Env>;
    const isolates: typeof import('../../worker/gateway/take-rate.ts')[] = [];
    for (let index = 0; index < options.isolates; index += 1) {
      vi.resetModules();
      isolates.push(await import('../../worker/gateway/take-rate.ts'));
    }
    const rates = [options.rate];
    const start = Date.now();
    const call = async ({ takeRate }: (typeof isolates)[number]) => {
      const one = aCall({ rates, env, userId: 1, report: () => {}, defer: (work) => void work.catch(() => {}) });
      try {
        await takeRate(one);
        result.admitted.push(Date.now());
      } catch (thrown) {
        // Every isolate has a class of its own.
        const error = thrown as ApiError;
        if (error.code === 'rate_limited') {
          result.refused.push({ at: Date.now(), retryAfter: Number(error.headers['Retry-After']) });
        } else if (error.code === 'unavailable') {
          result.unavailable += 1;
        } else {
          throw thrown;
        }
      }
    };
    const calls: Promise<void>[] = [];
    for (const moment of arrivals) {
      const wait = Math.floor(start + moment - Date.now());
      if (wait > 0) {
        await vi.advanceTimersByTimeAsync(wait);
      }
      calls.push(call(isolates[Math.floor(random() * isolates.length)]!));
    }
    await vi.advanceTimersByTimeAsync(6_000);
    await Promise.all(calls);
    return result;
  } finally {
    vi.useRealTimers();
  }
}

function anObject(options: FleetOptions, result: FleetResult, random: () => number) {
  const { delay, losses = 0, crashes = 0 } = options;
  const travel = () => new Promise((done) => setTimeout(done, Math.floor(random() * (delay + 1))));
  let state: WindowState | null = null;
  let stored: WindowState | null = null;
  let lease = 0;
  return {
    async take({ key: _key, ...question }: LeaseRequest) {
      const { timespan } = question;
      await travel();
      if (random() * 1000 < losses) {
        throw new Error('Network connection lost.');
      }
      const step = take(state ?? emptyWindow(timespan), question, Date.now(), ++lease);
      state = step.state;
      result.asked += 1;
      if (step.persist) {
        result.writes += 1;
        stored = step.state;
      }
      if (random() * 1000 < crashes) {
        state = recovered(stored ?? emptyWindow(timespan));
      }
      await travel();
      if (random() * 1000 < losses) {
        throw new Error('Network connection lost.');
      }
      return step.answer;
    },
  };
}

/** The most calls in any window of `span` milliseconds, both ends included. */
export function busiestWindow(moments: readonly number[], span: number): number {
  const sorted = moments.toSorted((one, other) => one - other);
  let first = 0;
  let most = 0;
  sorted.forEach((moment, index) => {
    while (sorted[first]! < moment - span) {
      first += 1;
    }
    most = Math.max(most, index - first + 1);
  });
  return most;
}

/** How many of the arrivals a sliding window without any approximation admits. */
export function ideal(arrivals: readonly number[], limit: number, timespan: number): number {
  const admitted: number[] = [];
  for (const moment of arrivals) {
    const oldest = admitted.at(-limit);
    if (oldest === undefined || moment - oldest > timespan * 1000) {
      admitted.push(moment);
    }
  }
  return admitted.length;
}
