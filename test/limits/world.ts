import fc from 'fast-check';
import { admissionLag, emptyWindow, recovered, take, type WindowState } from '../../worker/lib/window.ts';

// One window of a Limiter object under everything that may happen to it: arrivals, leases used at any moment before they
// end, settlements in any order, crashes, changed limits and timespans.

export const epoch = 1_790_000_000_000;

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

export type Step =
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

export const step: fc.Arbitrary<Step> = fc.oneof(
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

export const limits = fc.oneof(
  fc.integer({ min: 1, max: 10 }),
  fc.integer({ min: 1, max: 300 }),
  fc.integer({ min: 1, max: 1_000_000_000 }),
);
export const timespans = fc.oneof(
  fc.integer({ min: 1, max: 5 }),
  fc.integer({ min: 1, max: 3600 }),
  fc.integer({ min: 1, max: 2_592_000 }),
);
/** Longest wait between steps, as a share of the timespan. */
export const paces = fc.constantFrom(0.001, 0.02, 0.2, 1.5);

export class World {
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
export function alone(one: Step): Step {
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
export function busiest(uses: [number, number][], span: number): number {
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
