import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startGateway } from '../helpers/gateway.ts';
import { floor, misses } from './misses.ts';

const folder = join(import.meta.dirname, '../../../shared/fusio-replay');
const python = spawnSync('python3', ['-c', 'import sys; assert sys.version_info >= (3, 11)']).status === 0;
const missing = !existsSync(join(folder, 'replay.py'))
  ? 'the recorded requests are not beside the checkout'
  : python
    ? null
    : 'there is no Python 3.11';

interface Verdict {
  file: string;
  test: string;
  step: number;
  verdict: string;
  details: string[];
}

it(missing === null ? 'answers recorded requests as Fusio does' : `is not replayed: ${missing}`, async (context) => {
  context.skip(missing !== null, missing ?? '');
  await using gateway = await startGateway();
  const { name, password } = await gateway.setup();
  const verdicts = await replay(gateway.url, name, password);
  const failed = verdicts.filter(({ verdict }) => !/^pass|^skipped$/.test(verdict));
  const unknown = failed.filter((verdict) => reasonOf(verdict) === undefined);
  expect(unknown.map(({ file, test, step, details }) => `${file} ${test} ${step}: ${details.join('; ')}`)).toEqual([]);
  expect(verdicts.filter(({ verdict }) => verdict.startsWith('pass')).length).toBeGreaterThanOrEqual(floor);
}, 280_000);

/** A miss is named by its group, `Controller/SqlTable`, or by one of its tests, `Controller/SqlTable get`. */
function reasonOf({ file, test }: Verdict): string | undefined {
  return misses[`${file} ${test}`] ?? misses[file];
}

async function replay(base: string, user: string, password: string): Promise<Verdict[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'replay-'));
  try {
    const out = join(scratch, 'verdicts.json');
    const args = ['replay.py', '--base', base, '--user', user, '--password', password, '--json', out];
    const child = spawn('python3', args, {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    });
    let errors = '';
    child.stderr.on('data', (chunk) => (errors += chunk));
    const code = await new Promise((exit) => child.on('close', exit));
    expect(code, errors).toBe(0);
    return JSON.parse(readFileSync(out, 'utf8'));
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
