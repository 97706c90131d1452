import { describe, expect, test } from 'vitest';
import { blockSize, emptyWindow, spentAt, take } from '../../worker/lib/window.ts';
import { busiest, epoch, World } from './world.ts';

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
