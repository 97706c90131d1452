import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { admissionLag } from '../../worker/lib/window.ts';
import { aRate } from '../limits/a-call.ts';
import { busiestWindow, ideal, randomness, runFleet } from '../limits/fleet.ts';

// The real rate step in several isolates against the real arithmetic, on a fake clock (test/limits/fleet.ts).

const full = process.env.POSTERN_FULL !== undefined;

vi.setConfig({ testTimeout: 600_000 });

/** Arrivals over `spans` timespans: evenly spread at random, or in bursts. */
function arrivalsOf(count: number, length: number, burst: number, seed: number): number[] {
  const random = randomness(seed);
  const moments = Array.from({ length: Math.ceil(count / burst) }, () => Math.floor(random() * length));
  return moments
    .flatMap((moment) => new Array<number>(burst).fill(moment))
    .slice(0, count)
    .sort((one, other) => one - other);
}

describe('a rate over several isolates', () => {
  test('is never over its limit in any window, in either mode, with lost messages and a crashing object', async () => {
    let refused = 0;
    let unavailable = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          limit: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 10, max: 400 })),
          timespan: fc.integer({ min: 1, max: 30 }),
          mode: fc.constantFrom('leased' as const, 'exact' as const),
          isolates: fc.integer({ min: 1, max: 5 }),
          load: fc.constantFrom(0.5, 1, 2, 8),
          burst: fc.constantFrom(1, 5, 40),
          delay: fc.double({ min: 0, max: 1, noNaN: true }),
          losses: fc.constantFrom(0, 0, 20, 200),
          crashes: fc.constantFrom(0, 0, 5, 50),
          seed: fc.integer(),
        }),
        async ({ limit, timespan, mode, isolates, load, burst, delay, losses, crashes, seed }) => {
          const count = Math.min(1_500, Math.ceil(limit * load * 3));
          const arrivals = arrivalsOf(count, timespan * 3000, burst, seed);
          const rate = aRate({ rate_limit: limit, timespan: `PT${timespan}S`, mode });
          const travel = Math.floor(delay * admissionLag(timespan));
          const result = await runFleet({ rate, isolates, seed, delay: travel, losses, crashes }, arrivals);
          refused += result.refused.length;
          unavailable += result.unavailable;
          expect(busiestWindow(result.admitted, timespan * 1000)).toBeLessThanOrEqual(limit);
          expect(result.admitted.length + result.refused.length + result.unavailable).toBe(count);
          expect(result.refused.every(({ retryAfter }) => retryAfter >= 1 && retryAfter <= 2 * timespan)).toBe(true);
        },
      ),
      { numRuns: full ? 800 : 60 },
    );
    expect(refused).toBeGreaterThan(100);
    expect(unavailable).toBeGreaterThan(10);
  });

  const limits = full ? [5, 100, 2_000, 10_000] : [5, 100, 1_000];
  const loads = [0.9, 1, 1.1, 10];
  const cases: { limit: number; load: number }[] = limits.flatMap((limit) => loads.map((load) => ({ limit, load })));

  test.for(
    cases,
  )('leased to four isolates, limit $limit, load $load: refuses at most 5 % more than an exact window', async ({
    limit,
    load,
  }) => {
    const timespan = 60;
    const arrivals = arrivalsOf(Math.floor(limit * load * 3), timespan * 3000, 1, limit);
    const rate = aRate({ rate_limit: limit, timespan: `PT${timespan}S`, mode: 'leased' });
    const { admitted } = await runFleet({ rate, isolates: 4, seed: 1, delay: 20 }, arrivals);
    expect(busiestWindow(admitted, timespan * 1000)).toBeLessThanOrEqual(limit);
    const early = ideal(arrivals, limit, timespan) - admitted.length;
    expect(early / arrivals.length).toBeLessThanOrEqual(0.05);
  });

  test('asks the object for at most 20 in 1,000 calls far from the limit, and writes less often than it asks', async () => {
    for (const [limit, timespan, seconds] of [
      [10_000, 'PT1M', 30],
      [3_600, 'PT1H', 30],
      [1_000_000, 'P1D', 600],
    ] as const) {
      const rate = aRate({ rate_limit: limit, timespan, mode: 'leased' });
      const arrivals = arrivalsOf(1_000, seconds * 1000, 1, limit);
      const { admitted, asked, writes } = await runFleet({ rate, isolates: 4, seed: 1, delay: 20 }, arrivals);
      expect(admitted.length).toBe(1_000);
      expect(asked, `${limit} in ${timespan}`).toBeLessThanOrEqual(20);
      expect(writes).toBeLessThanOrEqual(asked);
    }
  });

  test('bursts share questions: 200 calls at once in one isolate ask less than 20 times', async () => {
    const rate = aRate({ rate_limit: 100_000, timespan: 'PT1H', mode: 'leased' });
    const { admitted, asked } = await runFleet(
      { rate, isolates: 1, seed: 1, delay: 20 },
      new Array<number>(200).fill(0),
    );
    expect(admitted.length).toBe(200);
    expect(asked).toBeLessThan(20);
  });
});
