import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectRoot } from '../../admin/host/build.ts';
import { releases } from '../helpers/releases.ts';

// Databases exist that were migrated by what was released: another text under the same name would never reach them.

const folder = join(projectRoot, 'd1-migrations');

it.each(releases)('the migrations of $version are byte for byte what was released', ({ migrations }) => {
  expect(Object.keys(migrations).length).toBeGreaterThan(0);
  const now = Object.keys(migrations).map((path) => [
    path,
    createHash('sha256')
      .update(readFileSync(join(folder, path)))
      .digest('hex'),
  ]);
  expect(Object.fromEntries(now)).toEqual(migrations);
});

it('what came later is numbered later', () => {
  const released = Object.keys(releases.at(-1)!.migrations);
  const later = globSync('*/*.sql', { cwd: folder }).filter((path) => !released.includes(path));
  for (const path of later) {
    const [database, name] = path.split('/');
    const before = released.filter((one) => one.startsWith(`${database}/`)).map((one) => one.split('/')[1]!);
    expect(
      before.filter((one) => one >= name!),
      path,
    ).toEqual([]);
  }
});

it('every release is told of, the newest first', () => {
  const headings = readFileSync(join(projectRoot, 'CHANGELOG.md'), 'utf8').match(/^## .*$/gm);
  const told = releases.map(({ version }) => `## ${version}`).reverse();
  expect(headings).toEqual(['## Unreleased', ...told]);
});
