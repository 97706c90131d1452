import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Management, manage, request } from '../helpers/management.ts';

let gateway: Gateway;
let admin: Management;
const isolates = [0, 1, 2, 3];
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

beforeAll(async () => {
  gateway = await startGateway({ isolates: isolates.length });
  admin = await manage(gateway);
});
afterAll(() => gateway.stop());

describe('a change of the configuration', () => {
  it('holds in every isolate that gets a request a second within 3 seconds, in the writing one at once', async () => {
    await admin.publish({ name: 'change.get', httpPath: '/change', public: true });
    const ask = async (isolate: number) => (await request(gateway, 'GET', '/change', undefined, { isolate })).status;
    for (let second = 0; second < 3; second++) {
      await Promise.all(isolates.map(ask));
      await wait(1000);
    }
    expect(await Promise.all(isolates.map(ask))).toEqual([200, 200, 200, 200]);
    await admin.must('PUT', '/backend/operation/~change.get', { active: false });
    expect(await ask(0)).toBe(410);
    for (let second = 0; second < 2; second++) {
      await Promise.all(isolates.map(ask));
      await wait(1000);
    }
    expect(await Promise.all(isolates.map(ask))).toEqual([410, 410, 410, 410]);
  });

  it('is read by whoever names its revision, in any isolate', async () => {
    await admin.publish({ name: 'own.writes', httpPath: '/own-writes', public: true });
    const written = await request(gateway, 'GET', '/own-writes');
    const revision = written.headers.get('x-config-revision')!;
    for (const isolate of isolates) {
      const read = await request(gateway, 'GET', '/own-writes', undefined, {
        isolate,
        headers: { 'X-Config-Revision': revision },
      });
      expect(read.status).toBe(200);
      expect(Number(read.headers.get('x-config-revision'))).toBeGreaterThanOrEqual(Number(revision));
    }
  });

  it('is applied whole or not at all', async () => {
    const before = await admin.must('GET', '/backend/revision');
    const broken = await admin.call('POST', '/backend/deploy', {
      changes: [
        {
          resource: 'action',
          verb: 'put',
          data: {
            name: 'Half-Done',
            class: 'Fusio.Adapter.Util.Action.UtilStaticResponse',
            config: { response: '{}' },
          },
        },
        {
          resource: 'operation',
          verb: 'put',
          data: { name: 'half.done', httpMethod: 'GET', httpPath: 'no-slash', action: 'Half-Done' },
        },
      ],
    });
    expect(broken.status).toBe(400);
    expect(broken.body.errors[0].pointer).toBe('/changes/1/data/httpPath');
    expect((await admin.call('GET', '/backend/action/~Half-Done')).status).toBe(404);
    expect((await admin.must('GET', '/backend/revision')).totalResults).toBe(before.totalResults);
  });

  it('shows a plan that changes nothing', async () => {
    const plan = await admin.must('POST', '/backend/deploy', {
      plan: true,
      changes: [{ resource: 'scope', verb: 'put', data: { name: 'planned', description: 'Only planned' } }],
    });
    expect(plan.results).toMatchObject([{ resource: 'scope', verb: 'create', name: 'planned' }]);
    expect((await admin.call('GET', '/backend/scope/~planned')).status).toBe(404);
  });
});

describe('a roll back', () => {
  it('restores the former behaviour at once, and a later edit keeps it', async () => {
    await admin.publish({ name: 'roll.back', httpPath: '/roll-back', public: true }, { version: 1 });
    const { revision } = (await admin.must('GET', '/backend/revision')).entry[0];
    await admin.must('PUT', '/backend/action/~Static-roll-back', { config: { response: '{"version":2}' } });
    await admin.must('DELETE', '/backend/operation/~own.writes');
    expect((await request(gateway, 'GET', '/roll-back')).body).toEqual({ version: 2 });

    const plan = await admin.must('POST', `/backend/revision/${revision}/rollback`, { plan: true });
    expect(plan.results.map((result: any) => [result.verb, result.name]).sort()).toEqual([
      ['create', 'own.writes'],
      ['update', 'Static-roll-back'],
    ]);
    await admin.must('POST', `/backend/revision/${revision}/rollback`, {});
    expect((await request(gateway, 'GET', '/roll-back')).body).toEqual({ version: 1 });
    expect((await request(gateway, 'GET', '/own-writes')).status).toBe(200);

    await admin.must('PUT', '/backend/operation/~own.writes', { description: 'A later edit' });
    expect((await request(gateway, 'GET', '/roll-back')).body).toEqual({ version: 1 });
    const commits = await admin.must('GET', '/backend/action/~Static-roll-back/commit');
    expect(commits.totalResults).toBe(3);
  });

  it('compares two revisions', async () => {
    const [newest, before] = (await admin.must('GET', '/backend/revision')).entry;
    const compared = await admin.must('GET', `/backend/revision/${before.revision}/compare/${newest.revision}`);
    expect(compared.differences).toMatchObject([
      {
        resource: 'operation',
        verb: 'update',
        name: 'own.writes',
        difference: { description: [null, 'A later edit'] },
      },
    ]);
    expect((await admin.call('POST', '/backend/revision/99999/rollback', {})).status).toBe(404);
  });
});

describe('versions', () => {
  it('keeps what a tag named: exactly by Api-Version, the highest of a major by Accept', async () => {
    await admin.publish({ name: 'versioned.get', httpPath: '/versioned', public: true }, { version: 'one' });
    await admin.must('POST', '/backend/specification/tag', { version: '1.0.0' });
    await admin.must('PUT', '/backend/action/~Static-versioned-get', { config: { response: '{"version":"two"}' } });
    await admin.must('POST', '/backend/specification/tag', { version: '1.2.0' });
    await admin.must('PUT', '/backend/action/~Static-versioned-get', { config: { response: '{"version":"current"}' } });
    const version = async (headers: Record<string, string>) =>
      (await request(gateway, 'GET', '/versioned', undefined, { headers })).body.version;
    expect(await version({})).toBe('current');
    expect(await version({ 'Api-Version': '1.0.0' })).toBe('one');
    expect(await version({ 'Api-Version': '1.2.0' })).toBe('two');
    expect(await version({ Accept: 'application/vnd.acme.v1+json' })).toBe('two');
    expect(await version({ 'Api-Version': '9.9.9' })).toBe('current');
  });
});
