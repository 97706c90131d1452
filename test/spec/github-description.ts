import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../admin/host/build.ts';
import { withLock } from '../../admin/host/lock.ts';

const folder = join(projectRoot, 'test', 'conformance');
const file = join(folder, 'node_modules', '@octokit', 'openapi', 'generated', 'api.github.com.json');

/**
 * Path of GitHub's own description of its REST API (OpenAPI 3.0, 13 MB, 1,223 operations), the importer's judge. It is
 * installed on demand from test/conformance/package-lock.json, apart from the root install because of its size.
 */
export async function githubDescriptionFile(): Promise<string> {
  if (!existsSync(file)) {
    await withLock(join(projectRoot, '.dev', 'conformance.lock'), async () => {
      if (!existsSync(file)) {
        await promisify(execFile)('npm', ['ci', '--prefix', folder, '--ignore-scripts'], { cwd: folder });
      }
    });
  }
  return file;
}

/** The same, parsed. */
export async function githubDescription(): Promise<any> {
  return JSON.parse(await readFile(await githubDescriptionFile(), 'utf8'));
}
