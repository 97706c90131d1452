import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { deployParts, madeUpApi } from '../helpers/made-up-api.ts';
import { type Management, manage } from '../helpers/management.ts';
import { expectWhole, look, pairAt, randomFrom, swapAt } from './whole.ts';
import type { Fault } from './worker/plan.ts';

// Publishes that fail anywhere: what callers see is the old revision or the new one, and what is stored is exactly what the newest
// one is made of.

const faultRounds = process.env.POSTERN_FULL === undefined ? 40 : 1_000;
/** Repeats a run: POSTERN_SEED=… */
const seed = Number(process.env.POSTERN_SEED ?? Math.floor(Math.random() * 2 ** 31));
const random = randomFrom(seed);
const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;

let gateway: Gateway;
let admin: Management;

beforeAll(async () => {
  gateway = await startGateway({ faults: true, isolates: 3 });
  admin = await manage(gateway);
  await deployParts(gateway, admin, madeUpApi(200));
}, 120_000);
afterAll(() => gateway.stop());

describe(`publishes with a random fault (seed ${seed})`, () => {
  it(`${faultRounds} of them leave the live revision whole`, { timeout: 540_000 }, async () => {
    let version = 10_000;
    await admin.must('POST', '/backend/deploy', { changes: [...pairAt(version), ...swapAt(version)] });
    let outcomes = { ok: 0, refused: 0 };
    for (let round = 0; round < faultRounds; round++) {
      const before = version;
      const next = before + 1;
      const fault: Fault = {
        ...pick([
          { binding: 'DB', from: 'Publisher' },
          { binding: 'CONTENT', from: 'Publisher' },
          { binding: 'CONTENT' },
          { binding: 'PUBLISHER', method: 'commit' },
          { binding: 'caches' },
        ]),
        mode: pick(['throw', 'lose', 'twice'] as const),
        nth: 1 + Math.floor(random() * 6),
      };
      // A commit is no read: nobody makes it twice.
      fault.mode = fault.binding === 'PUBLISHER' && fault.mode === 'twice' ? 'lose' : fault.mode;
      // Nor is a batch, which D1 itself applies once.
      fault.mode = fault.binding === 'DB' && fault.mode === 'twice' ? 'lose' : fault.mode;
      const where = `round ${round}, ${JSON.stringify(fault)}`;
      await gateway.faults.set(fault);
      const crash = random() < 0.1 ? gateway.abort('PUBLISHER', 'publisher:') : null;
      const answer = await admin.call('POST', '/backend/deploy', { changes: [...pairAt(next), ...swapAt(next)] });
      await crash;
      await gateway.faults.set();
      expect([200, 503], `${where}: ${JSON.stringify(answer.body)}`).toContain(answer.status);
      const newest = await gateway.DB.prepare('SELECT max(number) AS number FROM revision').first<number>('number');
      for (const isolate of round % 10 === 0 ? [0, 1, 2] : [pick([0, 1, 2])]) {
        const seen = await look(gateway, random, isolate, newest!);
        expect(answer.status === 200 ? [next] : [before, next], where).toContain(seen.version);
        version = seen.version;
      }
      outcomes = {
        ok: outcomes.ok + Number(answer.status === 200),
        refused: outcomes.refused + Number(answer.status !== 200),
      };
      if (round % 10 === 9) {
        await expectWhole(gateway);
      }
    }
    await expectWhole(gateway);
    expect(outcomes.ok).toBeGreaterThan(0);
    expect(outcomes.refused).toBeGreaterThan(0);
  });
});
