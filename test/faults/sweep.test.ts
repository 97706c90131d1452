import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { deployParts, madeUpApi } from '../helpers/made-up-api.ts';
import { type Management, manage, request } from '../helpers/management.ts';
import { allOrNone, answersWell } from './invariants.ts';
import { sweep } from './sweep.ts';
import { expectWhole, look, pairAt, swapAt } from './whole.ts';

// Every call of a binding that a change of the configuration makes fails in turn.

let gateway: Gateway;
let admin: Management;
let version = 0;

beforeAll(async () => {
  gateway = await startGateway({ faults: true });
  admin = await manage(gateway);
  await deployParts(gateway, admin, madeUpApi(20));
  await publish();
});
afterAll(() => gateway?.stop());

const at = (to: number) => ({ changes: [...pairAt(to), ...swapAt(to)] });

async function publish(): Promise<number> {
  version += 1;
  return (await admin.must('POST', '/backend/deploy', at(version))).revision;
}

/** The revision that a caller can ask for; without that, an isolate may be some seconds behind what it was not told. */
async function newest(): Promise<number> {
  return (await gateway.DB.prepare('SELECT max(number) AS number FROM revision').first<number>('number'))!;
}

/** What an isolate that has the newest revision serves. */
async function served(): Promise<number> {
  return (await look(gateway, () => 0.25, 0, await newest())).version;
}

describe('whatever call fails', { timeout: 530_000 }, () => {
  it('publishing is whole or not at all, and goes on afterwards', async () => {
    const swept = await sweep({
      gateway,
      prepare: async () => (version += 1),
      run: (to) => admin.call('POST', '/backend/deploy', at(to)),
      check: async (to, answer, failed) => {
        answersWell(answer, failed);
        expect(answer.status === 200 ? [to] : [to - 1, to]).toContain(await served());
        // Once more: it changes nothing where it was made.
        await admin.must('POST', '/backend/deploy', at(to));
        expect(await served()).toBe(to);
      },
    });
    expect(swept.some(({ call }) => call.binding === 'DB' && call.from === 'Publisher')).toBe(true);
    expect(swept.some(({ call }) => call.binding === 'CONTENT')).toBe(true);
    await expectWhole(gateway);
  });

  it('creating is whole or not at all, and never twice', async () => {
    let serial = 0;
    const swept = await sweep({
      gateway,
      prepare: async () => `swept-${++serial}`,
      run: (name) => admin.call('POST', '/backend/scope', { name }),
      check: async (name, answer, failed) => {
        // Of a message that came twice the second one finds the name taken.
        const taken = failed?.mode === 'twice' && answer.body.code === 'already_exists';
        if (!taken) {
          answersWell(answer, failed);
        }
        const { entry } = await admin.must('GET', `/backend/scope?search=${name}`);
        const names = entry.map((scope: { name: string }) => scope.name).filter((one: string) => one === name);
        expect(names.length).toBeLessThanOrEqual(1);
        if (answer.status === 201 || taken) {
          expect(names).toEqual([name]);
        }
        // Once more: now it is created, or said to exist.
        const again = await admin.call('POST', '/backend/scope', { name });
        expect([again.status, again.body.code]).toEqual(
          names.length === 0 ? [201, undefined] : [400, 'already_exists'],
        );
      },
    });
    expect(swept.some(({ call }) => call.binding === 'PUBLISHER' || call.binding === 'DB')).toBe(true);
  });

  it('rolling back is whole or not at all', async () => {
    const swept = await sweep({
      gateway,
      prepare: async () => {
        const revision = await publish();
        await publish();
        return { revision, to: version - 1, from: version };
      },
      run: ({ revision }) => admin.call('POST', `/backend/revision/${revision}/rollback`, {}),
      check: async ({ revision, to, from }, answer, failed) => {
        answersWell(answer, failed);
        expect(answer.status === 200 ? [to] : [from, to]).toContain(await served());
        await admin.must('POST', `/backend/revision/${revision}/rollback`, {});
        expect(await served()).toBe(to);
      },
    });
    expect(swept.length).toBeGreaterThan(3);
    await expectWhole(gateway);
  });

  it('an import is all there or not at all', async () => {
    let serial = 0;
    const generator = '/backend/generator/Fusio.Impl.Provider.Generator.OpenAPI';
    const names = ['one', 'two', 'three', 'four'];
    const swept = await sweep({
      gateway,
      prepare: async () => `/import${++serial}`,
      run: (path) => {
        const paths = Object.fromEntries(names.map((name) => [`/${name}`, { get: { operationId: name } }]));
        const spec = JSON.stringify({ openapi: '3.0.0', servers: [{ url: 'http://127.0.0.1:9' }], paths });
        return admin.call('POST', generator, { path, public: true, scopes: [`of${serial}`], config: { spec } });
      },
      check: async (path, answer, failed) => {
        const taken = failed?.mode === 'twice' && answer.body.errors?.[0]?.rule === 'unique';
        if (!taken) {
          answersWell(answer, failed);
        }
        const found = await Promise.all(
          names.map((name) => admin.call('GET', `/backend/operation/~${path.slice(1)}.${name}`)),
        );
        const headers = { 'X-Config-Revision': String(await newest()) };
        const routes = await Promise.all(
          names.map((name) => request(gateway, 'OPTIONS', `${path}/${name}`, undefined, { headers })),
        );
        const there = allOrNone([
          ...found.map(({ status }) => status === 200),
          ...routes.map(({ status }) => status !== 404),
        ]);
        expect(answer.status === 201 || taken ? [true] : [true, false]).toContain(there);
      },
    });
    expect(swept.length).toBeGreaterThan(3);
    await expectWhole(gateway);
  });

  it.each([
    'DB',
    'LOGS',
    'CONTENT',
    'PUBLISHER',
    'caches',
    'USAGE',
  ])('calls are answered while all of %s fails', async (binding) => {
    await gateway.faults.set();
    const name = `calm.${binding.toLowerCase()}`;
    await admin.publish({ name, httpPath: `/calm/${binding}`, public: true });
    expect((await request(gateway, 'GET', `/calm/${binding}`)).status).toBe(200);
    await gateway.faults.set({ binding, mode: 'throw' });
    // Past the age at which an isolate has to ask for the head again.
    await gateway.clock(60_000);
    const answers = [];
    for (let count = 0; count < 3; count += 1) {
      answers.push(await request(gateway, 'GET', `/calm/${binding}`));
    }
    await gateway.faults.set();
    await gateway.clock(0);
    expect(answers.map(({ status, body }) => [status, body])).toEqual(Array(3).fill([200, { ok: true }]));
  });
});
