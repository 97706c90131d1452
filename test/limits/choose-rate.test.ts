import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RateAllocation, RateRecord } from '../../worker/core/records.ts';
import { chooseRate } from '../../worker/gateway/choose-rate.ts';
import { aCall, aRate, type CallOptions } from './a-call.ts';

type Who = Omit<CallOptions, 'rates' | 'env'> & { planId?: number | null };

async function chosen(rates: RateRecord[], { planId = null, ...who }: Who): Promise<string | null> {
  const rate = await chooseRate(aCall({ rates, env: {}, ...who }), async () => planId);
  return rate?.record.name ?? null;
}

const named = (name: string, priority: number, ...allocation: RateAllocation[]) =>
  aRate({ id: priority + 100, name, priority, allocation });

describe('which rate counts', () => {
  const seeded = [named('Default', 0, {}), named('Default-Anonymous', 4, { authenticated: false })];

  test('the seeded rates: one for everybody, one of higher priority for who has no account', async () => {
    expect(await chosen(seeded, { userId: 1 })).toBe('Default');
    expect(await chosen(seeded, {})).toBe('Default-Anonymous');
  });

  test('every member of an allocation must match, null and absent ones match all', async () => {
    const rates = [named('One', 1, { operationId: 7, userId: 2, appId: 3, planId: null })];
    expect(await chosen(rates, { operationId: 7, userId: 2, appId: 3 })).toBe('One');
    expect(await chosen(rates, { operationId: 8, userId: 2, appId: 3 })).toBeNull();
    expect(await chosen(rates, { operationId: 7, userId: 1, appId: 3 })).toBeNull();
    expect(await chosen(rates, { operationId: 7, userId: 2, appId: 4 })).toBeNull();
    expect(await chosen(rates, { operationId: 7 })).toBeNull();
  });

  test('one allocation of several is enough; a rate without any applies to nothing', async () => {
    expect(await chosen([named('Two', 1, { userId: 5 }, { userId: 6 })], { userId: 6 })).toBe('Two');
    expect(await chosen([named('None', 1)], { userId: 6 })).toBeNull();
    expect(await chosen([], { userId: 6 })).toBeNull();
  });

  test('of equal priorities the older rate; inactive rates never', async () => {
    const old = aRate({ id: 3, name: 'Old', priority: 1 });
    const young = aRate({ id: 4, name: 'Young', priority: 1 });
    expect(await chosen([young, old], {})).toBe('Old');
    expect(await chosen([young, { ...old, status: 2 }], {})).toBe('Young');
  });

  test('the plan is looked up only when it can decide', async () => {
    const rates = [named('Default', 0, {}), named('Gold', 5, { planId: 9 }), named('Special', 8, { userId: 1 })];
    let asked = 0;
    const planOf = async () => {
      asked += 1;
      return 9;
    };
    const name = async (who: Who) => (await chooseRate(aCall({ rates, env: {}, ...who }), planOf))?.record.name;
    expect(await name({ userId: 1 })).toBe('Special');
    expect(await name({})).toBe('Default');
    expect(asked).toBe(0);
    expect(await name({ userId: 2 })).toBe('Gold');
    expect(asked).toBe(1);
    expect(await chosen(rates, { userId: 2, planId: 3 })).toBe('Default');
  });

  test('while the plan is not known, the most generous rate that any plan would get', async () => {
    const rates = [
      aRate({ id: 1, name: 'Default', rate_limit: 100, timespan: 'PT1M' }),
      aRate({ id: 2, name: 'Gold', priority: 5, rate_limit: 6_000, timespan: 'PT1H', allocation: [{ planId: 9 }] }),
      aRate({ id: 3, name: 'Free', priority: 6, rate_limit: 10, timespan: 'PT1M', allocation: [{ planId: 3 }] }),
      aRate({ id: 4, name: 'Other', priority: 6, rate_limit: 10_000, allocation: [{ planId: 4, operationId: 99 }] }),
    ];
    const unknown = async (some: RateRecord[]) =>
      (await chooseRate(aCall({ rates: some, env: {}, userId: 2 }), async () => undefined))?.record.name ?? null;
    expect(await unknown(rates)).toBe('Default');
    expect(await unknown([{ ...rates[0]!, rate_limit: 99 }, ...rates.slice(1)])).toBe('Gold');
    // Who has a plan of these, or none, is not without a limit.
    expect(await unknown(rates.slice(1))).toBe('Gold');
    expect(await unknown([rates[3]!])).toBeNull();
  });

  test('a name becomes a structured field string', async () => {
    const rate = await chooseRate(aCall({ rates: [named('a"b\\cé', 0, {})], env: {} }), async () => null);
    expect(rate?.item).toBe('"a\\"b\\\\c?"');
  });

  test('the index gives what a look at every rate gives', async () => {
    const some = fc.integer({ min: 1, max: 2 });
    const caller = fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 3, arbitrary: some });
    const id = fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: some });
    const allocation = fc.record({
      operationId: id,
      userId: id,
      planId: id,
      appId: id,
      authenticated: fc.constantFrom(null, null, true, false),
    });
    const rates = fc.uniqueArray(
      fc.record({ id: fc.nat(1000), priority: fc.nat(5), allocation: fc.array(allocation, { maxLength: 3 }) }),
      { selector: ({ id: key }) => key, maxLength: 12 },
    );
    const who = fc.record({ operationId: caller, userId: caller, planId: caller, appId: caller });
    let matched = 0;
    await fc.assert(
      fc.asyncProperty(rates, who, async (wanted, asked) => {
        const records = wanted.map((one) => aRate({ ...one, name: `rate-${one.id}` }));
        const authenticated = asked.userId !== null;
        const planId = authenticated ? asked.planId : null;
        const actual = { ...asked, planId, authenticated };
        const slow = records
          .toSorted((one, other) => other.priority - one.priority || one.id - other.id)
          .find((rate) =>
            rate.allocation.some((one) =>
              (Object.keys(one) as (keyof RateAllocation)[]).every(
                (key) => one[key] === null || one[key] === actual[key],
              ),
            ),
          );
        matched += slow === undefined ? 0 : 1;
        expect(await chosen(records, asked)).toBe(slow?.name ?? null);
      }),
      { numRuns: 500 },
    );
    expect(matched).toBeGreaterThan(250);
  });
});
