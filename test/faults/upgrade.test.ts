import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectRoot } from '../../admin/host/build.ts';
import { run } from '../checks.ts';
import { type Management, manage, request } from '../helpers/management.ts';
import { git, releases, whyNotAtHand } from '../helpers/releases.ts';
import { ownShare } from '../helpers/share.ts';
import { basic, createApp, createUser } from '../oauth/clients.ts';
import { remote, ServerProcess } from './server-process.ts';

// A former release and this version on one DATA_DIR: the newest release, with the full counts each of them, or the commit that
// POSTERN_RELEASE names. What it stored is served by this version; and its own tests pass on databases that this version
// migrated, for while one isolate runs the new code another still runs the old. (That its migrations are frozen:
// test/host/releases.test.ts.)

const full = process.env.POSTERN_FULL !== undefined;
const commits = releases.map(({ commit }) => commit);
const compared = process.env.POSTERN_RELEASE?.split(',') ?? (full ? ownShare(commits) : commits.slice(-1));

/** A release in a folder of its own, ready to run. */
function checkOut(commit: string, former: string): void {
  mkdirSync(former);
  execFileSync('tar', ['-x', '-C', former], { input: git('archive', commit) });
  if (hasPackagesOf(former)) {
    symlinkSync(join(projectRoot, 'node_modules'), join(former, 'node_modules'));
  } else {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: former, stdio: 'ignore' });
  }
}

/** Whether everything that it locks is installed here in the same version. */
function hasPackagesOf(root: string): boolean {
  const packagesOf = (root: string): Record<string, { version: string }> =>
    JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const present = packagesOf(projectRoot);
  return Object.entries(packagesOf(root)).every(
    ([path, { version }]) => path === '' || present[path]?.version === version,
  );
}

const named = ['operation', 'action', 'scope', 'rate', 'app', 'user', 'role', 'schema', 'connection', 'config'];

/** Ids and names of everything, as lists show them. */
async function inventory(admin: Management): Promise<Record<string, [number, string][]>> {
  const lists = named.map(async (kind): Promise<[string, [number, string][]]> => {
    const { entry } = await admin.must('GET', `/backend/${kind}?count=1024`);
    return [kind, entry.map(({ id, name }: { id: number; name: string }) => [Number(id), name])];
  });
  return Object.fromEntries(await Promise.all(lists));
}

/** Everything of the one is in the other, which may have more. */
function expectKept(before: Record<string, [number, string][]>, after: Record<string, [number, string][]>): void {
  for (const [kind, entries] of Object.entries(before)) {
    expect(after[kind], kind).toEqual(expect.arrayContaining(entries));
  }
}

describe.each(compared)('after %s', (release) => {
  const missing = whyNotAtHand(release);
  if (missing !== null) {
    it(`NOT compared with ${release}: ${missing}`, () => {
      console.warn(`The upgrade from ${release} was not tried: ${missing}.`);
      expect(() => git('archive', release)).toThrow();
    });
  } else {
    const folder = mkdtempSync(join(tmpdir(), 'postern-upgrade-'));
    const former = join(folder, 'former');
    beforeAll(() => checkOut(release, former), 300_000);
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it('what it stored is served, and its tokens are good', { timeout: 180_000 }, async () => {
      const server = await ServerProcess.at(folder);
      try {
        await server.start(former);
        const gateway = remote(server);
        let admin = await manage(gateway);
        for (const number of [1, 2, 3]) {
          await admin.publish(
            { name: `kept.op${number}`, httpPath: `/kept/${number}`, public: number > 1 },
            { number },
          );
        }
        const owner = await createUser(gateway, admin.token, 'owner');
        const app = await createApp(gateway, admin.token, owner.id, 'kept', ['authorization']);
        const ask = (text: string) =>
          request(gateway, 'POST', '/authorization/token', text, {
            headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...basic(app.key, app.secret) },
          });
        const tokens = (await ask('grant_type=client_credentials')).body;
        const bearer = { Authorization: `Bearer ${tokens.access_token}` };
        expect((await request(gateway, 'GET', '/kept/2')).body).toEqual({ number: 2 });
        const before = await inventory(admin);
        const newest = (await admin.must('GET', '/backend/revision')).entry[0].revision;

        await server.end('stop');
        await server.start();

        expect((await request(gateway, 'GET', '/kept/2')).body).toEqual({ number: 2 });
        expect((await request(gateway, 'GET', '/kept/1')).status).toBe(401);
        expectKept(before, await inventory(admin));
        const whoami = await request(gateway, 'GET', '/authorization/whoami', undefined, { headers: bearer });
        expect(whoami.status).toBe(200);
        const renewed = await ask(`grant_type=refresh_token&refresh_token=${tokens.refresh_token}`);
        expect(renewed.status, JSON.stringify(renewed.body)).toBe(200);
        // Changes and roll-backs go on from where it stopped.
        admin = await manage(gateway);
        await admin.publish({ name: 'kept.op4', httpPath: '/kept/4', public: true }, { number: 4 });
        expect((await request(gateway, 'GET', '/kept/4')).body).toEqual({ number: 4 });
        expect((await admin.must('GET', '/backend/revision')).entry[0].revision).toBeGreaterThan(newest);
        await admin.must('POST', `/backend/revision/${newest}/rollback`, {});
        expect((await request(gateway, 'GET', '/kept/4')).status).toBe(404);
        expectKept(before, await inventory(admin));
      } finally {
        await server.end('stop');
      }
    });

    if (full) {
      it('its own tests pass on databases that this version migrated', { timeout: 520_000 }, async () => {
        cpSync(join(projectRoot, 'd1-migrations'), join(former, 'd1-migrations'), { recursive: true });
        const rooms = ['api', 'actions', 'gateway', 'oauth', 'resources', 'schema', 'spec'].map(
          (room) => `test/${room}/`,
        );
        // It generates a migration from the release's tables: these say nothing of what ours put there since.
        const generating = ['--exclude', '**/new-entity.test.ts'];
        let output = '';
        // With the counts of `npm test`: the full ones would not fit into a part.
        const vitest = ['node_modules/.bin/node', 'node_modules/vitest/vitest.mjs', 'run'];
        const code = await run('env', ['-u', 'POSTERN_FULL', ...vitest, ...rooms, ...generating], {
          cwd: former,
          output: (chunk) => (output += chunk),
        });
        expect(code, output.slice(-20_000)).toBe(0);
      });
    }
  }
});
