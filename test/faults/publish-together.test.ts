import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { manage } from '../helpers/management.ts';
import { tokensOf } from '../oauth/clients.ts';

// Writers that come at once: they share a revision, what they wrote is loaded once, and a slow machine refuses none of them.

let gateway: Gateway;
let token: string;
let serial = 0;

beforeAll(async () => {
  gateway = await startGateway({ faults: true, isolates: 2 });
  token = (await manage(gateway)).token;
  // An isolate may be some seconds behind the rate that was raised, unless it is told what is expected of it.
  const headers = { 'X-Config-Revision': String(await newestRevision()) };
  await Promise.all([0, 1].map((isolate) => gateway.fetch('/system/health', { isolate, headers })));
});
afterAll(() => gateway.stop());

/** What a new scope is answered with; -503 where nothing was changed for certain. */
async function change(text: string, isolate = 0, bearer = token): Promise<number> {
  const response = await gateway.fetch('/backend/scope', {
    method: 'POST',
    headers: { Authorization: `Bearer ${bearer}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: `together_${serial++}`, description: text }),
    isolate,
  });
  const { message } = (await response.json()) as { message: string };
  return response.status === 503 && message.includes('nothing was changed') ? -503 : response.status;
}

function newestRevision(): Promise<number> {
  return gateway.DB.prepare('SELECT max(number) AS number FROM revision').first<number>('number') as Promise<number>;
}

/** Makes a change whose batch is held up, and runs `meanwhile` when it is under way. */
async function whileOneIsHeldUp<T>(delay: number, meanwhile: () => Promise<T>): Promise<[number, T]> {
  await gateway.faults.set({ binding: 'DB', method: 'batch', from: 'Publisher', mode: 'delay', delay, nth: 1 });
  const held = change('held up');
  while ((await gateway.faults.state()).happened[0] === 0) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return Promise.all([held, meanwhile()]);
}

describe('changes at once', () => {
  it('share a revision, read no content from KV to write it, and their isolate loads it once', {
    timeout: 30_000,
  }, async () => {
    const before = await newestRevision();
    const [held, told] = await whileOneIsHeldUp(1_000, () =>
      Promise.all(Array.from({ length: 20 }, () => change('together', 1))),
    );
    expect([held, ...told]).toEqual(Array(21).fill(201));
    expect((await newestRevision()) - before).toBe(2);
    const { calls } = await gateway.faults.state(0);
    expect(
      calls.filter(({ binding, method, from }) => `${from} ${binding}.${method}` === 'Publisher CONTENT.get'),
    ).toEqual([]);
    // Manifest, branches, leaves: three rounds, for the twenty of them together.
    expect((await gateway.faults.state(1)).counts['CONTENT.get']).toBeLessThanOrEqual(6);
  });

  it('of others come between, and those of one caller still share a revision', { timeout: 30_000 }, async () => {
    const other = (await tokensOf(gateway, await gateway.setup(), 'backend')).access_token;
    const before = await newestRevision();
    const [, told] = await whileOneIsHeldUp(1_000, () =>
      Promise.all(Array.from({ length: 8 }, (_, at) => change('between', 0, at % 2 === 0 ? token : other))),
    );
    expect(told).toEqual(Array(8).fill(201));
    expect((await newestRevision()) - before).toBe(3);
  });

  it('are made after a wait of ten seconds, and refused with a plain answer after twenty', {
    timeout: 30_000,
  }, async () => {
    for (const [wait, answer] of [
      [10_000, 201],
      [21_000, -503],
    ] as const) {
      const [held, told] = await whileOneIsHeldUp(1_200, async () => {
        const waiting = Promise.all([change('waits'), change('waits', 1)]);
        await new Promise((resolve) => setTimeout(resolve, 400));
        await gateway.clock(wait);
        return waiting;
      });
      await gateway.clock(0);
      expect(held).toBe(201);
      expect(told).toEqual([answer, answer]);
    }
  });
});
