import { createHash, randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuiltWorker, projectRoot } from '../../admin/host/build.ts';
import { withLock } from '../../admin/host/lock.ts';
import { readMigrations } from '../../admin/host/migrations.ts';
import { readPlatformConfig, startHost } from '../../admin/host/miniflare.ts';

/** State of one gateway's own. */
export interface PreparedState {
  folder: string;
  /** What its secrets are sealed with. */
  secretKey: string;
  /** What completing it gave: an access token of the administrator. */
  token: string;
}

/** Brings an instance that was just seeded into the state that all begin with, and gives a token for it. */
type Complete = (url: string, secretKey: string) => Promise<string>;

const kept = join(projectRoot, '.dev', 'prepared');

/** State is made anew after so long, milliseconds: what it holds has dates. */
const lifetime = 30 * 60_000;

/**
 * A copy of migrated, seeded and completed state. It is made once for a build and its migrations, by whoever comes first: each
 * gateway would take two seconds for it.
 */
export async function prepareState(worker: BuiltWorker, complete: Complete): Promise<PreparedState> {
  const original = join(kept, await keyOf(worker));
  const folder = await mkdtemp(join(tmpdir(), 'postern-state-'));
  return withLock(`${original}.lock`, async () => {
    if ((await age(join(original, 'secret-key'))) > lifetime) {
      await make(worker, original, complete);
    }
    await cp(join(original, 'state'), folder, { recursive: true });
    const [secretKey, token] = await Promise.all(
      ['secret-key', 'token'].map((name) => readFile(join(original, name), 'utf8')),
    );
    return { folder, secretKey: secretKey!, token: token! };
  });
}

async function keyOf(worker: BuiltWorker): Promise<string> {
  // What is kept beside the state is a part of the key as well.
  const hash = createHash('sha256').update('secret-key, token').update(worker.hash);
  for (const { migrations_dir } of readPlatformConfig().d1_databases ?? []) {
    hash.update(JSON.stringify(migrations_dir === undefined ? [] : await readMigrations(migrations_dir)));
  }
  return hash.digest('hex').slice(0, 32);
}

async function make(worker: BuiltWorker, original: string, complete: Complete): Promise<void> {
  const draft = `${original}.draft`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  const secretKey = randomBytes(32).toString('base64');
  const host = await startHost({ worker, secretKey, persist: join(draft, 'state') });
  try {
    await writeFile(join(draft, 'token'), await complete(host.urls[0]!, secretKey));
  } finally {
    await host.stop();
  }
  // What was cached is of that run.
  await rm(join(draft, 'state', 'cache'), { recursive: true, force: true });
  await writeFile(join(draft, 'secret-key'), secretKey);
  await rm(original, { recursive: true, force: true });
  await rename(draft, original);
  await forgetOld();
}

async function forgetOld(): Promise<void> {
  for (const name of await readdir(kept)) {
    if ((await age(join(kept, name))) > 24 * 3_600_000) {
      await rm(join(kept, name), { recursive: true, force: true });
    }
  }
}

/** Milliseconds since it was last written; infinitely many when there is none. */
async function age(path: string): Promise<number> {
  const known = await stat(path).catch(() => null);
  return known === null ? Number.POSITIVE_INFINITY : Date.now() - known.mtimeMs;
}
