import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { projectRoot } from '../../admin/host/build.ts';

const run = promisify(execFile);
const parts = [
  ...['worker', 'durable-objects', 'd1-migrations', 'admin/host', 'test/helpers', 'test/faults/worker'],
  ...['package.json', 'package-lock.json', 'tsconfig.json', 'wrangler.toml', 'drizzle.config.ts'],
];
let scratch: string;
const migrations = () => readdirSync(join(scratch, 'd1-migrations/db')).filter((name) => name.endsWith('.sql'));

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'new-entity-'));
  for (const part of parts) {
    cpSync(join(projectRoot, part), join(scratch, part), { recursive: true });
  }
  symlinkSync(join(projectRoot, 'node_modules'), join(scratch, 'node_modules'));
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The registry with one entity more: what is imported, and its name in the list. */
function register(): void {
  const registry = join(scratch, 'worker/resources/index.ts');
  const written = readFileSync(registry, 'utf8');
  writeFileSync(
    registry,
    `import { orchard } from './orchard.ts';\n${written.replace('    webhook,\n', '$&    orchard,\n')}`,
  );
}

/** What a client does with the new entity, in a process of its own, as the checkout is another one. */
const client = `
import { startGateway } from './test/helpers/gateway.ts';
import { manage } from './test/helpers/management.ts';
await using gateway = await startGateway({ fresh: true });
const api = await manage(gateway);
const answers = [];
const call = async (...args) => answers.push(await api.call(...args));
await call('POST', '/backend/orchard', { name: 'North', trees: 12 });
await call('POST', '/backend/orchard', { name: 'North' });
await call('POST', '/backend/orchard', { name: 'South', trees: -1 });
await call('GET', '/backend/orchard?search=ort&sortBy=trees');
await call('PUT', '/backend/orchard/~North', { trees: 13 });
await call('GET', '/backend/orchard/1');
await call('DELETE', '/backend/orchard/1');
await call('GET', '/backend/orchard/1');
await call('GET', '/backend/audit?event=orchard.');
await call('POST', '/consumer/token', { name: 'trees', scopes: ['backend.orchard'], expire: new Date(Date.now() + 864e5) });
process.stdout.write('\\n' + JSON.stringify(answers.map(({ status, body }) => ({ status, body }))));
`;

it('is one file and its name in the registry, from the table to HTTP', async () => {
  const example = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(projectRoot, 'ARCHITECTURE.md'), 'utf8'))![1]!;
  const before = migrations();
  writeFileSync(join(scratch, 'worker/resources/orchard.ts'), example);
  register();

  const kit = join(scratch, 'node_modules/drizzle-kit/bin.cjs');
  await run(process.execPath, [kit, 'generate', '--config', 'drizzle.config.ts'], { cwd: scratch });
  const added = migrations().filter((name) => !before.includes(name));
  expect(added).toHaveLength(1);
  const sql = readFileSync(join(scratch, 'd1-migrations/db', added[0]!), 'utf8');
  expect(sql.match(/(CREATE|ALTER|DROP) \w+ (INDEX )?`\w+`/g)).toEqual([
    'CREATE TABLE `orchard`',
    'CREATE UNIQUE INDEX `orchard_name`',
  ]);

  writeFileSync(join(scratch, 'client.ts'), client);
  const { stdout } = await run(process.execPath, ['client.ts'], { cwd: scratch });
  const answers = JSON.parse(stdout.slice(stdout.lastIndexOf('\n')));
  expect(answers).toMatchObject([
    { status: 201, body: { message: 'Orchard successfully created', id: '1' } },
    { status: 400, body: { message: 'Orchard already exists' } },
    { status: 400, body: { errors: [{ pointer: '/body/trees' }] } },
    { status: 200, body: { totalResults: 1, entry: [{ id: 1, status: 1, name: 'North', trees: 12 }] } },
    { status: 200, body: { message: 'Orchard successfully updated', id: '1' } },
    { status: 200, body: { id: 1, name: 'North', trees: 13 } },
    { status: 200, body: { message: 'Orchard successfully deleted', id: '1' } },
    { status: 410, body: { message: 'Orchard was deleted' } },
    { status: 200, body: { totalResults: 3 } },
    { status: 201, body: { scope: expect.stringContaining('backend.orchard') } },
  ]);
}, 120_000);
