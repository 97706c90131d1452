import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Management, manage, request } from '../helpers/management.ts';

let gateway: Gateway;
let api: Management;

beforeAll(async () => {
  gateway = await startGateway();
  api = await manage(gateway);
}, 120_000);

afterAll(() => gateway?.stop());

const answerOf = async (path: string, headers: Record<string, string> = {}) =>
  (await request(gateway, 'GET', path, undefined, { headers })).body;
const respond = (name: string, text: string) =>
  api.must('PUT', `/backend/action/~${name}`, { config: { response: JSON.stringify({ text }) } });

describe('from experimental to stable', () => {
  beforeAll(async () => {
    await api.must('POST', '/backend/schema', { name: 'Promise', source: { type: 'object', properties: {} } });
    await api.publish(
      { name: 'promise.get', httpPath: '/promise', public: true, outgoing: 'schema://Promise' },
      { text: 'one' },
    );
  });

  it('pins action and schema to the commits of that moment', async () => {
    await api.must('PUT', '/backend/operation/~promise.get', { stability: 2 });
    const { action, outgoing } = await api.must('GET', '/backend/operation/~promise.get');
    const [commit] = (await api.must('GET', '/backend/action/~Static-promise-get/commit')).entry;
    expect(action).toBe(`action://Static-promise-get@${commit.commitHash}`);
    expect(outgoing).toMatch(/^schema:\/\/Promise@[0-9a-f]{40}$/);
    await respond('Static-promise-get', 'two');
    expect(await answerOf('/promise')).toEqual({ text: 'one' });
  });

  it('lets nothing but the stability change', async () => {
    await api.must('PUT', '/backend/operation/~promise.get', {
      description: 'changed',
      httpPath: '/other',
      stability: 2,
    });
    const found = await api.must('GET', '/backend/operation/~promise.get');
    expect(found).toMatchObject({ httpPath: '/promise', stability: 2 });
    expect(found.description).not.toBe('changed');
  });

  it('cannot be deleted while it is stable', async () => {
    const answer = await api.call('DELETE', '/backend/operation/~promise.get');
    expect(answer).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect((await request(gateway, 'GET', '/promise')).status).toBe(200);
  });

  it('follows its action again once it is experimental, and can be deleted', async () => {
    await api.must('PUT', '/backend/operation/~promise.get', { stability: 1 });
    expect(await answerOf('/promise')).toEqual({ text: 'two' });
    expect((await api.must('GET', '/backend/operation/~promise.get')).action).toBe('action://Static-promise-get');
    expect((await api.call('DELETE', '/backend/operation/~promise.get')).status).toBe(200);
  });

  it.each([0, 3])('a stability of %i pins as well, and may be deleted', async (stability) => {
    const name = `aging${stability}.get`;
    await api.publish({ name, httpPath: `/aging${stability}`, public: true }, { text: 'one' });
    await api.must('PUT', `/backend/operation/~${name}`, { stability });
    await respond(`Static-aging${stability}-get`, 'two');
    expect(await answerOf(`/aging${stability}`)).toEqual({ text: 'one' });
    expect((await api.call('DELETE', `/backend/operation/~${name}`)).status).toBe(200);
  });
});

describe('versions', () => {
  it('a tag keeps what operations do under a number that a header asks for', async () => {
    await api.publish({ name: 'versioned.get', httpPath: '/versioned', public: true }, { text: 'one' });
    await api.must('POST', '/backend/specification/tag', { version: '1.0.0' });
    await respond('Static-versioned-get', 'two');
    await api.must('POST', '/backend/specification/tag', { version: '1.1.0' });
    await respond('Static-versioned-get', 'three');
    expect(await answerOf('/versioned')).toEqual({ text: 'three' });
    expect(await answerOf('/versioned', { 'Api-Version': '1.0.0' })).toEqual({ text: 'one' });
    expect(await answerOf('/versioned', { 'Api-Version': '1.1.0' })).toEqual({ text: 'two' });
    expect(await answerOf('/versioned', { 'Api-Version': '9.9.9' })).toEqual({ text: 'three' });
    expect(await answerOf('/versioned', { Accept: 'application/vnd.acme.v1.0+json' })).toEqual({ text: 'one' });
    const document = await answerOf('/system/generator/spec-openapi?version=1.0.0');
    expect(document.info.version).toBe('1.0.0');
    expect(document.paths).toHaveProperty(['/versioned', 'get', 'operationId'], 'versioned.get');
  });

  it('a version is three numbers', async () => {
    expect((await api.call('POST', '/backend/specification/tag', { version: 'next' })).status).toBe(400);
    expect((await request(gateway, 'GET', '/system/generator/spec-openapi?version=next')).status).toBe(400);
  });

  it('is given by what it refers to as well, which must exist; the others stay', async () => {
    const path = '/backend/operation/~versioned.get';
    const given = (versions: object) => api.call('PUT', path, { versions });
    const action = 'action://Static-versioned-get';
    for (const [versions, pointer] of [
      [{ next: { action } }, '/versions/next'],
      [{ '2.0.0': { action: 'action://Nobody' } }, '/versions/2.0.0/action'],
      [{ '2.0.0': { action: `${action}@${'0'.repeat(40)}` } }, '/versions/2.0.0/action'],
      [{ '2.0.0': { action, outgoing: 'schema://Nothing' } }, '/versions/2.0.0/outgoing'],
    ] as const) {
      const refused = await given(versions);
      expect([refused.status, refused.body.errors[0].pointer], pointer).toEqual([400, pointer]);
    }
    expect((await given({ '2.0.0': { action } })).status).toBe(200);
    await respond('Static-versioned-get', 'four');
    const answers = ['1.0.0', '1.1.0', '2.0.0'].map((version) => answerOf('/versioned', { 'Api-Version': version }));
    expect(await Promise.all(answers)).toEqual([{ text: 'one' }, { text: 'two' }, { text: 'three' }]);
    expect(await answerOf('/versioned', { 'Api-Version': '9.9.9' })).toEqual({ text: 'four' });
  });
});

describe('the history of an action and of a schema', () => {
  it('shows where two commits of an action differ, and brings one back', async () => {
    await api.publish({ name: 'history.get', httpPath: '/history', public: true }, { text: 'one' });
    const path = '/backend/action/~Static-history-get';
    await respond('Static-history-get', 'two');
    await api.must('PUT', path, { config: { response: '{"text":"three"}', statusCode: 202 } });
    const { entry, totalResults } = await api.must('GET', `${path}/commit`);
    expect(totalResults).toBe(3);
    const [third, second, first] = entry.map(({ commitHash }: { commitHash: string }) => commitHash);
    expect(new Set([first, second, third]).size).toBe(3);
    const comparison = await api.must('GET', `${path}/commit/${second}/compare/${third}`);
    expect(comparison).toEqual({
      from: second,
      to: third,
      differences: expect.arrayContaining([
        { pointer: '/response', before: '{"text":"two"}', after: '{"text":"three"}' },
        { pointer: '/statusCode', after: 202 },
      ]),
    });
    expect((await api.must('GET', `${path}/commit/${first}/compare/${first}`)).differences).toEqual([]);
    const { config, user } = await api.must('GET', `${path}/commit/${first}`);
    expect([config.response, user.name]).toEqual(['{"text":"one"}', 'admin']);
    expect(await api.must('POST', `${path}/commit/${first}/restore`)).toMatchObject({
      success: true,
      message: 'Action successfully restored',
    });
    expect(await answerOf('/history')).toEqual({ text: 'one' });
    const after = await api.must('GET', `${path}/commit`);
    expect(after.totalResults).toBe(4);
    expect(after.entry[0].config).toEqual(config);
    expect(after.entry[0].commitHash).not.toBe(first);
  });

  it('does the same for a schema, with its rules', async () => {
    const source = (type: string) => ({ type: 'object', properties: { a: { type } } });
    await api.must('POST', '/backend/schema', { name: 'History', source: source('string') });
    await api.must('PUT', '/backend/schema/~History', { source: source('integer') });
    const path = '/backend/schema/~History';
    const [second, first] = (await api.must('GET', `${path}/commit`)).entry.map((commit: any) => commit.commitHash);
    const { differences } = await api.must('GET', `${path}/commit/${first}/compare/${second}`);
    expect(differences).toEqual([{ pointer: '/properties/a/type', before: 'string', after: 'integer' }]);
    await api.must('POST', `${path}/commit/${first}/restore`);
    expect((await api.must('GET', path)).source).toEqual(source('string'));
  });

  it('knows only commits of the object itself', async () => {
    const [{ commitHash }] = (await api.must('GET', '/backend/schema/~History/commit')).entry;
    const other = `/backend/schema/~Message/commit/${commitHash}`;
    expect((await api.call('GET', other)).status).toBe(404);
    expect((await api.call('POST', `${other}/restore`)).status).toBe(404);
    expect((await api.call('GET', `/backend/schema/~History/commit/${'0'.repeat(40)}`)).status).toBe(404);
  });
});
