import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { privateSpellings } from '../helpers/address-spellings.ts';
import { canaryScanner } from '../helpers/canaries.ts';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Management, manage, request } from '../helpers/management.ts';

let gateway: Gateway;
let admin: Management;
let recorder: Server;
let folder: string;
const reached: string[] = [];
const seen: Record<string, unknown>[] = [];

beforeAll(async () => {
  recorder = createServer((incoming, response) => {
    reached.push(incoming.url ?? '');
    seen.push(incoming.headers);
    response.end('reached');
  });
  await new Promise<void>((resolve) => recorder.listen(0, '127.0.0.1', resolve));
  folder = await mkdtemp(join(tmpdir(), 'postern-guards-'));
});
afterAll(async () => {
  recorder?.close();
  await gateway?.stop();
  await rm(folder, { recursive: true, force: true });
});

const port = () => (recorder.address() as AddressInfo).port;

const full = process.env.POSTERN_FULL !== undefined;

describe('the egress guard, over HTTP', () => {
  afterAll(() => gateway.stop());

  it('lets no spelling of a private address reach anything', { timeout: full ? 500_000 : 120_000 }, async () => {
    gateway = await startGateway({ vars: { EGRESS_ALLOW: '' } });
    admin = await manage(gateway);
    const urls = spelled(full ? Number.POSITIVE_INFINITY : 200);
    const changes = urls.flatMap((url, index) => [
      {
        resource: 'action',
        verb: 'put',
        data: { name: `Spelling-${index}`, class: 'Fusio.Adapter.Http.Action.HttpProcessor', config: { url } },
      },
      {
        resource: 'operation',
        verb: 'put',
        data: {
          name: `spelling.n${index}`,
          httpMethod: 'GET',
          httpPath: `/spelling/${index}`,
          public: true,
          action: `Spelling-${index}`,
          scopes: [],
        },
      },
    ]);
    for (let start = 0; start < changes.length; start += 1_000) {
      await admin.must('POST', '/backend/deploy', { changes: changes.slice(start, start + 1_000) });
    }
    const answered: string[] = [];
    let next = 0;
    const caller = async () => {
      while (next < urls.length) {
        const index = next++;
        const { status, body } = await request(gateway, 'GET', `/spelling/${index}`);
        if (status !== 502 && status !== 503) {
          answered.push(`${urls[index]} answered ${status} ${JSON.stringify(body).slice(0, 200)}`);
        }
      }
    };
    await Promise.all(Array.from({ length: 8 }, caller));
    expect(answered).toEqual([]);
    expect(reached).toEqual([]);
  });
});

/** Every n-th of the spellings, each on the recorder's port where it names none, so that a hole would be seen. */
function spelled(most: number): string[] {
  const all = privateSpellings().filter((url) => /^https?:/i.test(url));
  const step = Math.max(1, Math.floor(all.length / most));
  return all
    .filter((_url, index) => index % step === 0)
    .map((url) => url.replace(/^(https?:\/\/(?:\[[^\]]*\]|[^/:@]*))(\/|$)/i, `$1:${port()}$2`));
}

describe('secrets of connections', () => {
  const canaries = {
    password: 'canary-password-7f3a',
    authorization: 'canary-authorization-91bc',
    header: 'canary-header-55de',
    token: 'canary-app-token-aa01',
    visible: 'no-secret-at-all-30f2',
  };

  it('appear in no answer, log, export or file, leave for their own upstream only, and still work', {
    timeout: 60_000,
  }, async () => {
    gateway = await startGateway({ persist: folder, faults: true });
    const scanner = canaryScanner(canaries);
    scanner.watch(gateway);
    admin = await manage(gateway);
    const base = `http://127.0.0.1:${port()}`;
    await admin.must('POST', '/backend/connection', {
      name: 'Secretive',
      class: 'Fusio.Adapter.Http.Connection.Http',
      config: { url: base, username: 'user', password: canaries.password },
    });
    await admin.must('POST', '/backend/connection', {
      name: 'Bearer',
      class: 'Fusio.Adapter.Http.Connection.Http',
      config: {
        url: base,
        authorization: `Bearer ${canaries.authorization}`,
        headers: { 'X-Api-Key': canaries.header, 'X-Plain': canaries.visible },
      },
    });
    for (const name of ['Secretive', 'Bearer']) {
      await admin.must('POST', '/backend/action', {
        name: `Call-${name}`,
        class: 'Fusio.Adapter.Http.Action.HttpProcessor',
        config: { connection: name, url: `/called/${name}` },
      });
      await admin.must('POST', '/backend/operation', {
        name: `call.${name}`,
        httpMethod: 'GET',
        httpPath: `/call/${name}`,
        public: true,
        action: `Call-${name}`,
        scopes: [],
      });
      const headers = { Authorization: `Bearer ${canaries.token}` };
      expect((await request(gateway, 'GET', `/call/${name}`, undefined, { headers })).status).toBe(200);
    }
    expect(seen.at(-2)!.authorization).toBe(`Basic ${btoa(`user:${canaries.password}`)}`);
    expect(seen.at(-1)!.authorization).toBe(`Bearer ${canaries.authorization}`);
    expect(seen.at(-1)!['x-api-key']).toBe(canaries.header);

    // What comes back masked keeps its value, alone or with other changes.
    const shown = await admin.must('GET', '/backend/connection/~Bearer');
    expect(shown.config).toEqual({
      url: base,
      authorization: '********',
      headers: { 'X-Api-Key': '********', 'X-Plain': canaries.visible },
    });
    await admin.must('PUT', '/backend/connection/~Bearer', { ...shown, config: { ...shown.config, timeout: 5 } });
    await request(gateway, 'GET', '/call/Bearer');
    expect(seen.at(-1)!['x-api-key']).toBe(canaries.header);

    for (const path of [
      'connection',
      'connection/~Secretive',
      'connection/~Bearer',
      'deploy',
      'revision',
      'revision/3',
      'log',
      'action',
      'connection/list',
    ]) {
      await admin.call('GET', `/backend/${path}`);
    }
    const revisions = (await admin.must('GET', '/backend/revision')).entry;
    await admin.must('GET', `/backend/revision/1/compare/${revisions[0].revision}`);
    await admin.must('POST', '/backend/revision/1/rollback', { plan: true });
    await expect
      .poll(() => gateway.LOGS.prepare("SELECT count(*) AS count FROM log WHERE path LIKE '/call/%'").first('count'))
      .toBe(3);
    await scanner.scanGateway(gateway, { egress: true });
    await gateway.stop();
    await scanner.scanFiles(folder);

    const places = Map.groupBy(scanner.sightings(), ({ canary }) => canary);
    const seenIn = (canary: string) => (places.get(canary) ?? []).map(({ place }) => place);
    expect(seenIn('token')).toEqual([]);
    expect(seenIn('password')).toEqual([`egress GET ${base}/called/Secretive`]);
    expect(seenIn('authorization')).toEqual([`egress GET ${base}/called/Bearer`]);
    expect(seenIn('header')).toEqual([`egress GET ${base}/called/Bearer`]);
    // The scanner does see what is there.
    for (const place of [
      /^answer GET \/backend\/connection\/~Bearer$/,
      /^DB connection$/,
      /^CONTENT /,
      /^egress /,
      /^file /,
    ]) {
      expect(seenIn('visible')).toContainEqual(expect.stringMatching(place));
    }
  });

  it.each([
    ['in JSON', JSON.stringify({ of: 'a "quoted" secret' })],
    ['in a URL', `https://example.com/?of=${encodeURIComponent('a "quoted" secret')}`],
    ['in a form', new URLSearchParams({ of: 'a "quoted" secret' }).toString()],
    ['in hexadecimal digits', Buffer.from('x a "quoted" secret').toString('hex').toUpperCase()],
    ['in base64', btoa('a "quoted" secret')],
    ['in base64 behind a name', `Basic ${btoa('u:a "quoted" secret')}`],
    ['in base64 between others', Buffer.from('u:v:a "quoted" secret, and on').toString('base64url')],
  ])('are seen %s', (_, text) => {
    const scanner = canaryScanner({ one: 'a "quoted" secret', other: 'another secret' });
    expect(scanner.scan('here', text)).toEqual([{ canary: 'one', place: 'here' }]);
    expect(scanner.sightings()).toEqual([{ canary: 'one', place: 'here' }]);
  });
});
