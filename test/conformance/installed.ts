import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { projectRoot } from '../../admin/host/build.ts';
import { withLock } from '../../admin/host/lock.ts';

const folder = join(projectRoot, 'test', 'conformance');

/**
 * Path of a file of the outside truth that tests judge by, such as `fusio-sdk/dist/index.js`. The packages are installed on demand
 * from test/conformance/package-lock.json, apart from the root install because of their size.
 */
export async function installedFile(file: string): Promise<string> {
  const path = join(folder, 'node_modules', file);
  if (!existsSync(path)) {
    await withLock(join(projectRoot, '.dev', 'conformance.lock'), async () => {
      if (!existsSync(path)) {
        await promisify(execFile)('npm', ['ci', '--prefix', folder, '--ignore-scripts'], { cwd: folder });
      }
    });
  }
  return path;
}

/** A module of it. */
export async function installedModule<T = any>(file: string): Promise<T> {
  return import(/* @vite-ignore */ pathToFileURL(await installedFile(file)).href);
}
