import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import {
  admissionLag,
  blockSize,
  leaseSpan,
  recovered,
  sliceWidth,
  spentAt,
  take,
  type WindowState,
} from '../../worker/lib/window.ts';
import { alone, busiest, limits, paces, step, timespans, World } from '../limits/world.ts';

// What always holds of a window, whatever happens to it (test/limits/world.ts).

const runs = process.env.POSTERN_FULL ? 6_000 : 600;

vi.setConfig({ testTimeout: 300_000 });

describe('a window', () => {
  test('is never over its limit, whatever is asked, used, settled and lost in crashes', () => {
    fc.assert(
      fc.property(
        limits,
        timespans,
        paces,
        fc.array(step, { minLength: 10, maxLength: 150 }),
        (limit, timespan, pace, steps) => {
          const world = new World(limit, timespan);
          world.run(steps, pace);
          expect(busiest(world.uses, timespan * 1000)).toBeLessThanOrEqual(limit);
        },
      ),
      { numRuns: runs },
    );
  });

  test('refuses no sooner than stated: used calls of late and unsettled leases make up the limit', () => {
    let refusals = 0;
    fc.assert(
      fc.property(
        limits,
        timespans,
        paces,
        fc.boolean(),

        fc.array(step, { minLength: 10, maxLength: 150 }),
        (limit, timespan, pace, exact, steps) => {
          const world = new World(limit, timespan);
          const late = admissionLag(timespan) + sliceWidth(timespan);
          for (const one of steps.filter(({ kind }) => kind !== 'crash')) {
            world.run([exact ? alone(one) : one], pace);
            const probe = world.probe();
            if (probe.granted > 0) {
              continue;
            }
            refusals += 1;
            const span = exact ? 0 : leaseSpan(timespan);
            const since = world.now - timespan * 1000 - late - span;
            const used = world.uses.reduce((sum, [moment, calls]) => sum + (moment >= since ? calls : 0), 0);
            const unused = world.grants.reduce(
              (sum, { settled, left, until }) =>
                sum + (!settled && until + timespan * 1000 + late > world.now ? left : 0),
              0,
            );
            expect(used + unused).toBeGreaterThanOrEqual(limit);
            expect(probe.resetIn * 1000).toBeLessThanOrEqual(timespan * 1000 + late + span);
          }
        },
      ),
      { numRuns: runs },
    );
    expect(refusals).toBeGreaterThan(100);
  });

  test('keeps its word: after `resetIn` one call fits, a moment before none does', () => {
    fc.assert(
      fc.property(
        limits,
        timespans,
        paces,
        fc.constantFrom(1, 1, 0.5, 0.1),

        fc.array(step, { minLength: 10, maxLength: 80 }),
        (limit, timespan, pace, share, steps) => {
          const world = new World(limit, timespan);
          world.run(steps, pace, () => {
            const lowered = Math.max(1, Math.floor(limit * share));
            const ask = (now: number) => take(world.state, { limit: lowered, timespan, want: 1 }, now, 0).answer;
            const answer = ask(world.now);
            if (answer.granted === 0) {
              expect(ask(world.now + Math.round(answer.resetIn * 1000)).granted).toBe(1);
              expect(ask(world.now + Math.round(answer.resetIn * 1000) - 1).granted).toBe(0);
              expect(answer.askAgainIn).toBeLessThanOrEqual(answer.resetIn);
            }
          });
        },
      ),
      { numRuns: runs / 2 },
    );
  });

  test('stores at least what it counts, so that a crash forfeits no more than a block and what was settled', () => {
    fc.assert(
      fc.property(
        limits,
        timespans,
        paces,
        fc.array(step, { minLength: 10, maxLength: 80 }),
        (limit, timespan, pace, steps) => {
          const world = new World(limit, timespan);
          world.run(steps, pace, () => {
            const crashed = recovered(world.stored);
            const from = (state: WindowState, since: number) =>
              state.slices.reduce((sum, [end, calls]) => sum + (end >= since ? calls : 0), 0);
            for (const [end] of world.state.slices) {
              expect(from(crashed, end)).toBeGreaterThanOrEqual(from(world.state, end));
            }
            expect(spentAt(world.stored)).toBeGreaterThanOrEqual(spentAt(world.state));
            expect(world.state.reserve.calls).toBeLessThanOrEqual(blockSize(limit));
            expect(from(crashed, 0)).toBeLessThanOrEqual(limit);
          });
        },
      ),
      { numRuns: runs / 2 },
    );
  });

  test('is spent when it says so, not a moment sooner', () => {
    fc.assert(
      fc.property(
        limits,
        timespans,
        paces,
        fc.array(step, { minLength: 5, maxLength: 40 }),
        (limit, timespan, pace, steps) => {
          const world = new World(limit, timespan);
          world.run(steps, pace);
          const quiet = { ...world.state, reserve: { calls: 0, end: 0 } };
          const left = (now: number) => {
            const { granted, remaining } = take(quiet, { limit, timespan, want: 1 }, now, 0).answer;
            return granted + remaining;
          };
          fc.pre(quiet.slices.length > 0 && spentAt(quiet) > world.now);
          expect(left(spentAt(quiet))).toBe(limit);
          expect(left(spentAt(quiet) - 1)).toBeLessThan(limit);
        },
      ),
      { numRuns: runs / 4 },
    );
  });

  test('obeys a changed limit at once, and is over neither the old nor the new one by more than the change', () => {
    fc.assert(
      fc.property(
        limits,
        limits,
        timespans,
        paces,
        fc.array(step, { minLength: 5, maxLength: 60 }),
        (one, other, timespan, pace, steps) => {
          const world = new World(one, timespan);
          world.run(steps, pace);
          const changed = world.now;
          world.limit = other;
          const counted = world.state.slices.reduce((sum, [, calls]) => sum + calls, 0);
          const answer = world.ask(1, false);
          if (counted < other) {
            expect(answer.granted).toBe(1);
          }
          world.run(steps, pace);
          expect(busiest(world.uses, timespan * 1000)).toBeLessThanOrEqual(Math.max(one, other));
          // Leases of the old limit end within a span; from then on the new limit holds alone.
          const settledBy = changed + leaseSpan(timespan) + admissionLag(timespan);
          expect(
            busiest(
              world.uses.filter(([moment]) => moment > settledBy),
              timespan * 1000,
            ),
          ).toBeLessThanOrEqual(other);
        },
      ),
      { numRuns: runs / 2 },
    );
  });

  test('survives a changed timespan, also while isolates with the old and the new one take turns', () => {
    fc.assert(
      fc.property(
        limits,
        timespans,
        timespans,
        paces,
        fc.array(fc.tuple(step, fc.boolean()), { minLength: 10, maxLength: 100 }),
        (limit, one, other, pace, steps) => {
          const world = new World(limit, one);
          for (const [what, turn] of steps) {
            world.timespan = turn ? one : other;
            world.run([what], pace);
            expect(spentAt(world.stored)).toBeGreaterThanOrEqual(spentAt(world.state));
          }
          expect(busiest(world.uses, Math.min(one, other) * 1000)).toBeLessThanOrEqual(limit);
          // Nothing is counted for longer than a call granted now by the longer timespan would be.
          const longest = Math.max(one, other);
          const bound =
            world.now + longest * 1000 + leaseSpan(longest) + admissionLag(longest) + 3 * sliceWidth(longest);
          expect(spentAt({ ...world.state, reserve: { calls: 0, end: 0 } })).toBeLessThanOrEqual(bound);
        },
      ),
      { numRuns: runs / 2 },
    );
  });
});
