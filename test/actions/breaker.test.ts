import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  abandon,
  admit,
  type BreakerState,
  breakers,
  closed,
  fail,
  isSuspect,
  succeed,
} from '../../worker/lib/breaker.ts';

const failTimes = (count: number, now = 0) =>
  Array.from({ length: count }).reduce<BreakerState>((state) => fail(state, now), closed);

describe('a circuit breaker', () => {
  it('opens at the fifth failure in a row, not before', () => {
    expect(admit(failTimes(4), 0).admitted).toBe(true);
    expect(admit(failTimes(5), 0)).toMatchObject({ admitted: false, retryAfter: 10 });
  });

  it('forgets failures at a success', () => {
    expect(admit(fail(succeed(failTimes(4)), 0), 0).admitted).toBe(true);
  });

  it('tells how long to wait, rounded up', () => {
    expect(admit(failTimes(5, 1_000), 10_001)).toMatchObject({ admitted: false, retryAfter: 1 });
  });

  it('lets exactly one probe through after the cooldown', () => {
    const probe = admit(failTimes(5), 10_000);
    expect(probe.admitted).toBe(true);
    expect(admit(probe.state, 10_000)).toMatchObject({ admitted: false, retryAfter: 30 });
  });

  it('closes when the probe succeeds and opens anew when it fails', () => {
    const { state } = admit(failTimes(5), 10_000);
    expect(succeed(state)).toBe(closed);
    const again = fail(state, 12_000);
    expect(admit(again, 21_999).admitted).toBe(false);
    expect(admit(again, 22_000).admitted).toBe(true);
  });

  it('gives the place of a probe that says nothing to the next', () => {
    const { state } = admit(failTimes(5), 10_000);
    expect(admit(abandon(state), 10_001).admitted).toBe(true);
    expect(admit(state, 39_999).admitted).toBe(false);
    expect(admit(state, 40_000).admitted).toBe(true);
  });

  it('is not kept open longer by stragglers', () => {
    const late = fail(failTimes(5), 9_000);
    expect(admit(late, 10_000).admitted).toBe(true);
  });

  it('suspects a target for a cooldown after each failure', () => {
    expect(isSuspect(closed, 0)).toBe(false);
    expect(isSuspect(fail(closed, 5), 10_004)).toBe(true);
    expect(isSuspect(fail(closed, 5), 10_005)).toBe(false);
  });

  it('never lets two calls through while half-open, whatever happens', () => {
    const event = fc.record({ wait: fc.nat(15_000), what: fc.constantFrom('ask', 'fail', 'abandon') });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        let state = failTimes(5);
        let now = 0;
        let probes = 0;
        for (const { wait, what } of events) {
          now += wait;
          if (what === 'ask') {
            const admission = admit(state, now);
            // A second one only after the first is given up as lost.
            const patient = state.probing !== null && now >= state.probing + 30_000;
            probes = admission.admitted ? (patient ? 1 : probes + 1) : probes;
            state = admission.state;
          } else if (probes > 0) {
            state = what === 'fail' ? fail(state, now) : abandon(state);
            probes = 0;
          }
          expect(probes).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('keeps targets apart and healthy ones not at all', () => {
    breakers.reset();
    for (let count = 0; count < 5; count++) {
      breakers.fail('a', 0);
    }
    expect(breakers.admit('a', 1).admitted).toBe(false);
    expect(breakers.admit('b', 1).admitted).toBe(true);
    expect(breakers.isSuspect('a', 1)).toBe(true);
    breakers.succeed('a');
    expect(breakers.admit('a', 1).admitted).toBe(true);
    expect(breakers.isSuspect('a', 1)).toBe(false);
  });
});
