import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { privateSpellings } from '../helpers/address-spellings.ts';
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
  const canaries = ['canary-password-7f3a', 'canary-authorization-91bc', 'canary-header-55de', 'canary-app-token-aa01'];

  it('appear in no answer, log, export or file, and still work', async () => {
    gateway = await startGateway({ persist: folder });
    admin = await manage(gateway);
    const base = `http://127.0.0.1:${port()}`;
    await admin.must('POST', '/backend/connection', {
      name: 'Secretive',
      class: 'Fusio.Adapter.Http.Connection.Http',
      config: { url: base, username: 'user', password: canaries[0] },
    });
    await admin.must('POST', '/backend/connection', {
      name: 'Bearer',
      class: 'Fusio.Adapter.Http.Connection.Http',
      config: {
        url: base,
        authorization: `Bearer ${canaries[1]}`,
        headers: { 'X-Api-Key': canaries[2], 'X-Plain': 'visible' },
      },
    });
    for (const name of ['Secretive', 'Bearer']) {
      await admin.must('POST', '/backend/action', {
        name: `Call-${name}`,
        class: 'Fusio.Adapter.Http.Action.HttpProcessor',
        config: { connection: name, url: '/called' },
      });
      await admin.must('POST', '/backend/operation', {
        name: `call.${name}`,
        httpMethod: 'GET',
        httpPath: `/call/${name}`,
        public: true,
        action: `Call-${name}`,
        scopes: [],
      });
      expect(
        (
          await request(gateway, 'GET', `/call/${name}`, undefined, {
            headers: { Authorization: `Bearer ${canaries[3]}` },
          })
        ).status,
      ).toBe(200);
    }
    expect(seen.at(-2)!.authorization).toBe(`Basic ${btoa(`user:${canaries[0]}`)}`);
    expect(seen.at(-1)!.authorization).toBe(`Bearer ${canaries[1]}`);
    expect(seen.at(-1)!['x-api-key']).toBe(canaries[2]);

    // What comes back masked keeps its value, alone or with other changes.
    const shown = await admin.must('GET', '/backend/connection/~Bearer');
    expect(shown.config).toEqual({
      url: base,
      authorization: '********',
      headers: { 'X-Api-Key': '********', 'X-Plain': 'visible' },
    });
    await admin.must('PUT', '/backend/connection/~Bearer', { ...shown, config: { ...shown.config, timeout: 5 } });
    await request(gateway, 'GET', '/call/Bearer');
    expect(seen.at(-1)!['x-api-key']).toBe(canaries[2]);

    const answers: string[] = [];
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
      answers.push(JSON.stringify((await admin.call('GET', `/backend/${path}`)).body));
    }
    const revisions = (await admin.must('GET', '/backend/revision')).entry;
    answers.push(JSON.stringify(await admin.must('GET', `/backend/revision/1/compare/${revisions[0].revision}`)));
    answers.push(JSON.stringify(await admin.must('POST', `/backend/revision/1/rollback`, { plan: true })));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    answers.push(gateway.console.join('\n'));
    await gateway.stop();
    for (const file of await filesBelow(folder)) {
      answers.push((await readFile(file)).toString('latin1'));
    }
    for (const canary of canaries) {
      expect(answers.filter((text) => text.includes(canary)).length, canary).toBe(0);
    }
    expect(answers.some((text) => text.includes('visible'))).toBe(true);
  });
});

async function filesBelow(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
