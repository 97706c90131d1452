import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  admissionLag,
  blockSize,
  emptyWindow,
  leaseSpan,
  recovered,
  sliceWidth,
  spentAt,
  take,
  type WindowState,
} from '../../worker/lib/window.ts';

// One window of a Limiter object under everything that may happen to it: arrivals, leases used at any moment before they
// end, settlements in any order, crashes, changed limits and timespans.

const runs = process.env.POSTERN_FULL ? 6_000 : 600;
const epoch = 1_790_000_000_000;

interface Grant {
  id: number;
  granted: number;
  left: number;
  until: number;
  /** [moment, calls] of its uses. */
  used: [number, number][];
  /** Longest delay of a use, milliseconds: that of the rate as it was when the lease was granted. */
  lag: number;
  settled: boolean;
}

type Step =
  | { kind: 'wait'; share: number }
  | { kind: 'ask'; want: number; ahead: boolean; settle: number[] }
  | { kind: 'use'; lease: number; calls: number; lag: number }
  /** Asks until it is refused, at most so many times. */
  | { kind: 'drain'; want: number; times: number }
  /** Waits for the very millisecond in which capacity is said to return. */
  | { kind: 'awaitReset' }
  /** Waits for the last millisecond of the newest lease and uses it up, as late as allowed. */
  | { kind: 'useLast'; settle: boolean }
  | { kind: 'settleAll' }
  | { kind: 'crash' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('ask' as const),
      want: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 2_000_000 })),
      ahead: fc.boolean(),
      settle: fc.array(fc.nat(20), { maxLength: 3 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('use' as const),
      lease: fc.nat(20),
      calls: fc.integer({ min: 1, max: 40 }),
      lag: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('drain' as const),
      want: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 2_000_000 })),
      times: fc.integer({ min: 1, max: 40 }),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ kind: 'awaitReset' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('useLast' as const), settle: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'settleAll' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
);

const limits = fc.oneof(
  fc.integer({ min: 1, max: 10 }),
  fc.integer({ min: 1, max: 300 }),
  fc.integer({ min: 1, max: 1_000_000_000 }),
);
const timespans = fc.oneof(
  fc.integer({ min: 1, max: 5 }),
  fc.integer({ min: 1, max: 3600 }),
  fc.integer({ min: 1, max: 2_592_000 }),
);
/** Longest wait between steps, as a share of the timespan. */
const paces = fc.constantFrom(0.001, 0.02, 0.2, 1.5);

class World {
  now = epoch;
  state: WindowState;
  stored: WindowState;
  grants: Grant[] = [];
  /** [moment, calls], the calls that were used at it. */
  uses: [number, number][] = [];
  crashed = false;
  limit: number;
  timespan: number;
  #ids = 1;

  constructor(limit: number, timespan: number) {
    this.limit = limit;
    this.timespan = timespan;
    this.state = emptyWindow(timespan);
    this.stored = emptyWindow(timespan);
  }

  ask(want: number, ahead: boolean, settle: Grant[] = []) {
    const told = settle.filter((grant) => !grant.settled);
    for (const grant of told) {
      grant.settled = true;
    }
    const question = {
      limit: this.limit,
      timespan: this.timespan,
      want,
      ahead,
      settle: told.map(({ id, used }) => ({
        lease: id,
        used: used.map(([moment, calls]): [number, number] => [this.now - moment, calls]),
      })),
    };
    const { state, answer, persist } = take(this.state, question, this.now, this.#ids++);
    this.state = state;
    if (persist) {
      this.stored = structuredClone(state);
    }
    const own = ahead ? 0 : Math.min(1, answer.granted);
    if (own > 0) {
      // Every third call is let through as late as allowed.
      this.uses.push([this.now + (this.#ids % 3 === 0 ? admissionLag(this.timespan) : 0), 1]);
    }
    if (answer.granted > own) {
      const until = this.now + answer.expiresIn * 1000;
      this.grants.push({
        id: answer.lease,
        granted: answer.granted - own,
        left: answer.granted - own,
        until,
        used: [],
        lag: admissionLag(this.timespan),
        settled: false,
      });
    }
    return answer;
  }

  /** The latest leases first; uses happen up to `lag` after the decision. */
  use(which: number, calls: number, lag: number) {
    const grant = this.grants.at(-1 - (which % Math.max(1, this.grants.length)));
    if (grant === undefined || grant.settled || this.now >= grant.until) {
      return;
    }
    const used = Math.min(grant.left, calls > 30 ? grant.left : calls);
    grant.left -= used;
    grant.used.push([this.now, used]);
    const moment = this.now + Math.floor(lag * grant.lag);
    this.uses.push([moment, used]);
  }

  probe(limit = this.limit) {
    return take(this.state, { limit, timespan: this.timespan, want: 1 }, this.now, 0).answer;
  }

  crash() {
    this.state = recovered(JSON.parse(JSON.stringify({ ...this.stored, leases: [] })));
    this.stored = structuredClone(this.state);
    this.crashed = true;
  }

  run(steps: Step[], pace: number, after: () => void = () => {}) {
    for (const one of steps) {
      switch (one.kind) {
        case 'wait':
          this.now += Math.floor(one.share * pace * this.timespan * 1000);
          break;
        case 'ask':
          this.ask(
            one.want,
            one.ahead,
            one.settle.map((index) => this.grants[index]).filter((grant) => grant !== undefined),
          );
          break;
        case 'use':
          this.use(one.lease, one.calls, one.lag);
          break;
        case 'drain':
          for (let time = 0; time < one.times && this.ask(one.want, false).granted > 0; time += 1) {}
          break;
        case 'awaitReset':
          this.now += Math.round(this.probe().resetIn * 1000);
          break;
        case 'useLast': {
          const lease = this.grants.at(-1);
          if (lease !== undefined && lease.until > this.now) {
            this.now = Math.ceil(lease.until) - 1;
            this.use(0, 40, 1);
            if (one.settle) {
              this.ask(1, true, [lease]);
            }
          }
          break;
        }
        case 'settleAll':
          this.ask(1, true, this.grants);
          break;
        case 'crash':
          this.crash();
          break;
      }
      after();
    }
  }
}

/** The same step at an exact rate, which asks for one call at a time. */
function alone(one: Step): Step {
  switch (one.kind) {
    case 'ask':
      return { ...one, want: 1, ahead: false };
    case 'drain':
      return { ...one, want: 1 };
    case 'settleAll':
      return { kind: 'wait', share: 0 };
    default:
      return one;
  }
}

/** The most calls used in any window of `span` milliseconds, both ends included. */
function busiest(uses: [number, number][], span: number): number {
  const sorted = uses.toSorted((one, other) => one[0] - other[0]);
  let most = 0;
  let sum = 0;
  let first = 0;
  for (const [moment, calls] of sorted) {
    sum += calls;
    while (sorted[first]![0] < moment - span) {
      sum -= sorted[first]![1];
      first += 1;
    }
    most = Math.max(most, sum);
  }
  return most;
}

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

describe('a window, by example', () => {
  const exact = { limit: 5, timespan: 60, want: 1 };

  test('admits exactly its limit, then refuses until the first call has left', () => {
    const world = new World(5, 60);
    expect(Array.from({ length: 7 }, () => world.ask(1, false).granted)).toEqual([1, 1, 1, 1, 1, 0, 0]);
    const { resetIn } = world.ask(1, false);
    expect(resetIn).toBeGreaterThan(60);
    expect(resetIn).toBeLessThanOrEqual(61.1);
  });

  test('grants a lease out of plenty and single calls near the limit', () => {
    const state = emptyWindow(3600);
    const first = take(state, { limit: 1000, timespan: 3600, want: 101 }, epoch, 7);
    expect(first.answer).toMatchObject({ granted: 1 + 100, lease: 7, remaining: 899 });
    expect(first.answer.expiresIn).toBeCloseTo(119.88, 2);
    const near = new World(20, 3600);
    const grants = Array.from({ length: 25 }, () => near.ask(100, false).granted);
    expect(grants[0]).toBeGreaterThan(1);
    expect(grants.indexOf(1)).toBeLessThan(grants.indexOf(0));
    expect(grants.reduce((sum, granted) => sum + granted, 0)).toBe(20);
  });

  test('writes once per block, not once per call', () => {
    const world = new World(6400, 60);
    let writes = 0;
    let state = world.state;
    for (let call = 0; call < 1010; call += 1) {
      const next = take(state, { limit: 6400, timespan: 60, want: 1 }, epoch, 0);
      state = next.state;
      writes += next.persist ? 1 : 0;
    }
    expect(blockSize(6400)).toBe(100);
    expect(writes).toBe(10);
  });

  test('writes a changed timespan once, since what is stored has to be kept for longer', () => {
    const world = new World(6400, 60);
    world.ask(1, false);
    const first = take(world.state, { limit: 6400, timespan: 3600, want: 1 }, epoch, 0);
    const second = take(first.state, { limit: 6400, timespan: 3600, want: 1 }, epoch, 0);
    expect([first.persist, second.persist]).toEqual([true, false]);
    const refused = take(world.state, { limit: 1, timespan: 3600, want: 1 }, epoch, 0);
    const again = take(refused.state, { limit: 1, timespan: 3600, want: 1 }, epoch, 0);
    expect([refused, again].map(({ answer, persist }) => [answer.granted, persist])).toEqual([
      [0, true],
      [0, false],
    ]);
    expect(spentAt(first.state)).toBeGreaterThan(epoch + 3_600_000);
  });

  test('lets a refused asker come back within a second while leases are out, for they may be settled', () => {
    const world = new World(100, 3600);
    world.ask(50, false);
    world.run([{ kind: 'drain', want: 1, times: 100 }], 0);
    expect(world.probe()).toMatchObject({ granted: 0, askAgainIn: 1 });
    world.ask(1, false, world.grants.splice(0));
    world.run([{ kind: 'drain', want: 1, times: 100 }], 0);
    const { granted, askAgainIn, resetIn } = world.probe();
    expect(granted).toBe(0);
    expect(askAgainIn).toBe(resetIn);
    expect(resetIn).toBeGreaterThan(3600);
  });

  test('writes nothing for a refusal', () => {
    const world = new World(1, 60);
    world.ask(1, false);
    expect(take(world.state, { ...exact, limit: 1 }, epoch, 0)).toMatchObject({
      persist: false,
      answer: { granted: 0 },
    });
  });

  test('takes unused calls of a settled lease back, once', () => {
    const world = new World(1000, 3600);
    world.ask(101, false);
    const [lease] = world.grants;
    const settle = [
      {
        lease: lease!.id,
        used: [
          [0, 30],
          [0, 10],
        ] as const,
      },
    ];
    const first = take(world.state, { limit: 1000, timespan: 3600, want: 1, settle }, epoch, 0);
    expect(first).toMatchObject({ returned: 60, answer: { remaining: 1000 - 101 + 60 - 1 } });
    const again = take(first.state, { limit: 1000, timespan: 3600, want: 1, settle }, epoch, 0);
    expect(again).toMatchObject({ returned: 0, answer: { remaining: 1000 - 101 + 60 - 2 } });
  });

  test('counts settled calls from a moment after the settlement, as calls are let through a moment after the decision', () => {
    const world = new World(1000, 60);
    world.now = epoch + 950; // 50 ms before a slice ends
    world.ask(101, false);
    world.use(0, 40, 1);
    world.ask(1, true, world.grants.splice(0));
    world.now = epoch + 2000;
    world.run(
      [{ kind: 'drain', want: 1, times: 1000 }, { kind: 'awaitReset' }, { kind: 'drain', want: 1, times: 1000 }],
      0,
    );
    expect(busiest(world.uses, 60_000)).toBeGreaterThan(990);
    expect(busiest(world.uses, 60_000)).toBeLessThanOrEqual(1000);
  });

  test('believes no settlement of more than was leased', () => {
    const world = new World(1000, 3600);
    world.ask(101, false);
    const used = [
      [0, 300],
      [0, 300],
    ] as const;
    const settle = [{ lease: world.grants[0]!.id, used }];
    const { answer, returned } = take(world.state, { limit: 1000, timespan: 3600, want: 1, settle }, epoch, 0);
    expect(returned).toBe(0);
    expect(answer.remaining).toBe(1000 - 101 - 1);
  });

  test('ignores the settlement of a lease that is not counted any more', () => {
    const world = new World(1000, 60);
    world.ask(101, false);
    world.now += 80_000;
    world.ask(1, false);
    const settle = [{ lease: world.grants[0]!.id, used: [] }];
    const { answer, returned } = take(world.state, { limit: 1000, timespan: 60, want: 1, settle }, world.now, 0);
    expect(answer.remaining).toBe(998);
    expect(returned).toBe(0);
  });

  test('refuses everything at a limit of zero, for the timespan', () => {
    const { answer, persist } = take(emptyWindow(60), { limit: 0, timespan: 60, want: 1 }, epoch, 0);
    expect(answer).toMatchObject({ granted: 0, remaining: 0, resetIn: 60 });
    expect(persist).toBe(false);
  });
});
