import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Management, manage, request } from '../helpers/management.ts';

// The n-th call of a publish fails, for every n, before or after it took effect: the configuration is always a whole one,
// old or new, and what was answered with 2xx is there.

let gateway: Gateway;
let admin: Management;
let serial = 0;

beforeAll(async () => {
  gateway = await startGateway({ faults: true });
  admin = await manage(gateway);
});
afterAll(() => gateway.stop());

/** Publishes an action and its operation together; tells what the caller was told. */
async function publishPair(name: string): Promise<number> {
  const answer = await admin.call('POST', '/backend/deploy', {
    changes: [
      {
        resource: 'action',
        verb: 'put',
        data: {
          name: `Pair-${name}`,
          class: 'Fusio.Adapter.Util.Action.UtilStaticResponse',
          config: { response: `"${name}"` },
        },
      },
      {
        resource: 'operation',
        verb: 'put',
        data: {
          name: `pair.${name}`,
          httpMethod: 'GET',
          httpPath: `/pair/${name}`,
          public: true,
          scopes: [`pair_${name}`],
          action: `Pair-${name}`,
        },
      },
    ],
  });
  return answer.status;
}

async function newestRevision(): Promise<number> {
  return (await gateway.DB.prepare('SELECT max(number) AS number FROM revision').first<number>('number'))!;
}

async function expectWhole(name: string, told: number): Promise<void> {
  const rows = async (table: string, key: string) =>
    gateway.DB.prepare(`SELECT count(*) AS count FROM "${table}" WHERE name = ? AND status = 1`)
      .bind(key)
      .first<number>('count');
  const found = [
    await rows('action', `Pair-${name}`),
    await rows('operation', `pair.${name}`),
    await rows('scope', `pair_${name}`),
  ];
  expect(new Set(found).size, `rows of ${name}: ${found}`).toBe(1);
  const there = found[0] === 1;
  if (told < 300) {
    expect(there, `${name} was promised`).toBe(true);
  }
  const served = await request(gateway, 'GET', `/pair/${name}`, undefined, {
    headers: { 'X-Config-Revision': String(await newestRevision()) },
  });
  expect(served.status, `serving ${name}`).toBe(there ? 200 : 404);
  if (there) {
    expect(served.body).toBe(name);
  }
  const audited = await gateway.DB.prepare(
    "SELECT count(*) AS count FROM audit WHERE message = 'Created operation pair.' || ?",
  )
    .bind(name)
    .first('count');
  expect(audited).toBe(found[0]);
}

describe('a publish', () => {
  for (const binding of ['DB', 'CONTENT', 'PUBLISHER'] as const) {
    for (const mode of ['throw', 'lose'] as const) {
      it(`is whole whichever call of ${binding} fails (${mode})`, async () => {
        const ours = binding === 'PUBLISHER' ? { method: 'commit' } : { from: 'Publisher' };
        // A publish that nothing disturbs tells how many calls there are to fail.
        await gateway.faults.set({ binding, mode, nth: 1_000_000, ...ours });
        expect(await publishPair(`calm${serial++}`)).toBe(200);
        const book = (await gateway.faults.state()).calls;
        const calls = book.filter(
          (call) => call.binding === binding && (call.from === 'Publisher' || call.method === 'commit'),
        ).length;
        expect(calls).toBeGreaterThan(0);
        for (let nth = 1; nth <= calls; nth++) {
          const name = `n${serial++}`;
          await gateway.faults.set({ binding, mode, nth, ...ours });
          const told = await publishPair(name);
          const { happened } = await gateway.faults.state();
          await gateway.faults.set();
          expect(happened, `call ${nth} of ${calls}`).toEqual([1]);
          expect([200, 503], `call ${nth} of ${calls}: ${told}`).toContain(told);
          await expectWhole(name, told);
        }
        const after = `after${serial++}`;
        expect(await publishPair(after)).toBe(200);
        await expectWhole(after, 200);
      });
    }
  }

  it('survives a crash of the object at any moment', async () => {
    for (let round = 0; round < 5; round++) {
      const name = `crash${serial++}`;
      const told = publishPair(name);
      await new Promise((resolve) => setTimeout(resolve, round * 8));
      await gateway.abort('PUBLISHER', 'publisher:');
      await expectWhole(name, await told);
    }
  });
});

describe('without the database', () => {
  it('serves calls from the last known good and refuses changes with 503', async () => {
    const name = `down${serial++}`;
    await publishPair(name);
    await gateway.faults.set({ binding: 'DB', mode: 'throw' });
    const served = await request(gateway, 'GET', `/pair/${name}`);
    const changed = await publishPair('refused');
    await gateway.faults.set();
    expect(served.status).toBe(200);
    expect(changed).toBe(503);
    expect((await request(gateway, 'GET', '/pair/refused')).status).toBe(404);
  });
});

describe('a publisher that hangs', () => {
  it('is given up within eight seconds, however much a change may need', { timeout: 30_000 }, async () => {
    await gateway.faults.set({ binding: 'PUBLISHER', mode: 'hang' });
    const started = Date.now();
    const told = await Promise.all([
      admin.call('PUT', '/backend/scope/~backend', { description: 'While it hangs' }),
      admin.call('POST', '/backend/revision/1/rollback', {}),
    ]);
    const took = Date.now() - started;
    await gateway.faults.set();
    for (const { status, headers } of told) {
      expect(status).toBe(503);
      expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    }
    // Before, a change waited 15 seconds and a rollback 90.
    expect(took).toBeLessThan(14_000);
  });
});
