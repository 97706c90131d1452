import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { deployParts, madeUpApi } from '../helpers/made-up-api.ts';
import { type Management, manage, request } from '../helpers/management.ts';
import { expectWhole, look, pairAt, randomFrom, swapAt } from './whole.ts';
import type { Fault } from './worker/plan.ts';

// KV that does not know what was written, a shared head that is over, a database that lags: an isolate may be behind, but it
// never goes back and never shows half of a change.

const rounds = process.env.POSTERN_FULL === undefined ? 30 : 600;
/** Repeats a run: POSTERN_SEED=… */
const seed = Number(process.env.POSTERN_SEED ?? Math.floor(Math.random() * 2 ** 31));
const random = randomFrom(seed);
const isolates = 3;

let gateway: Gateway;
let admin: Management;

const staleKv: Fault = { binding: 'CONTENT', mode: 'stale' };
const staleHead: Fault = { binding: 'caches', mode: 'stale' };
/** Content as a replica would give it; rows of accounts are asked of the primary. */
const staleDatabase: Fault = { binding: 'DB', subject: 'FROM content', mode: 'stale' };

beforeAll(async () => {
  gateway = await startGateway({ faults: true, isolates });
  admin = await manage(gateway);
  await deployParts(gateway, admin, madeUpApi(100));
});
afterAll(() => gateway?.stop());
afterEach(() => gateway.faults.set());

let version = 0;
const publish = async (): Promise<number> => {
  version += 1;
  const { revision } = await admin.must('POST', '/backend/deploy', {
    changes: [...pairAt(version), ...swapAt(version)],
  });
  return revision;
};

describe(`stale reads of the configuration (seed ${seed})`, () => {
  it('a cold isolate that KV knows nothing for has it from the database', async () => {
    const revision = await publish();
    await gateway.faults.set(staleKv, staleHead);
    expect(await look(gateway, random, 2)).toEqual({ revision, version });
    const { calls, happened } = await gateway.faults.state(2);
    expect(happened[0]).toBeGreaterThan(0);
    expect(calls.some(({ binding, subject }) => binding === 'DB' && subject.includes('FROM content'))).toBe(true);
  });

  it('a shared head that is over is not gone back to, and does not hide what its caller has seen', async () => {
    // The isolate has asked for the head that it will be given again.
    await gateway.clock(5_000);
    const before = await publish();
    await look(gateway, random, 1, before);
    await gateway.clock(10_000);
    const { revision: shared } = await look(gateway, random, 1);
    expect(shared).toBe(before);
    await gateway.faults.set(staleHead);
    const after = await publish();
    expect((await look(gateway, random, 1, after)).revision).toBe(after);
    await gateway.clock(20_000);
    expect((await look(gateway, random, 1)).revision).toBe(after);
    expect((await gateway.faults.state(1)).happened[0]).toBeGreaterThan(0);
    // What is over is not adopted either: the isolate comes to the newest one by the publisher.
    const last = await publish();
    await gateway.clock(30_000);
    expect((await look(gateway, random, 1)).revision).toBe(last);
    await gateway.clock(0);
  });

  it('a check that was overtaken while it loaded changes nothing', async () => {
    const overtaken = await publish();
    await gateway.faults.setIn(1, { binding: 'CONTENT', method: 'get', mode: 'delay', delay: 3_000, nth: 1 });
    const slow = request(gateway, 'GET', '/pair', undefined, {
      isolate: 1,
      headers: { 'X-Config-Revision': String(overtaken) },
    });
    await expect.poll(async () => (await gateway.faults.state(1)).happened[0], { timeout: 5_000 }).toBe(1);
    const newer = await publish();
    expect((await look(gateway, random, 1, newer)).revision).toBe(newer);
    // What the store did not give in its time, the database has.
    await slow;
    await gateway.faults.setIn(1, { binding: 'PUBLISHER', mode: 'throw' }, { binding: 'caches', mode: 'throw' });
    expect((await look(gateway, random, 1)).revision).toBe(newer);
  });

  it(`${rounds} changes with stale reads at random: never a lower revision, never half`, {
    timeout: 300_000,
  }, async () => {
    const last = new Array<number>(isolates).fill(0);
    let stale = 0;
    for (let round = 0; round < rounds; round += 1) {
      const chosen = [staleKv, staleHead, staleDatabase]
        .filter(() => random() < 0.5)
        .map((fault) => (random() < 0.3 ? { ...fault, nth: 1 + Math.floor(random() * 5), times: 3 } : fault));
      await gateway.faults.set(...chosen);
      const newest = await publish();
      for (let glance = 0; glance < 3; glance += 1) {
        const isolate = Math.floor(random() * isolates);
        const least = random() < 0.5 ? newest : 0;
        const seen = await look(gateway, random, isolate, least);
        const where = `round ${round}, isolate ${isolate}, ${JSON.stringify(chosen)}`;
        expect(seen.revision, where).toBeGreaterThanOrEqual(Math.max(least, last[isolate]!));
        last[isolate] = seen.revision;
      }
      for (let isolate = 0; isolate < isolates; isolate += 1) {
        const { happened } = await gateway.faults.state(isolate);
        stale += happened.reduce((sum, count) => sum + count, 0);
      }
    }
    expect(stale).toBeGreaterThan(rounds);
    await gateway.faults.set();
    await expectWhole(gateway);
  });
});
