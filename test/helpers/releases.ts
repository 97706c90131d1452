import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../admin/host/build.ts';

/** What landed as a release (`d1-migrations/released.json`). */
export interface Release {
  version: string;
  commit: string;
  /** SHA-256 of each of its migration files, by the path below `d1-migrations/`. */
  migrations: Record<string, string>;
}

/** All releases, the newest last. */
export const releases: readonly Release[] = JSON.parse(
  readFileSync(join(projectRoot, 'd1-migrations/released.json'), 'utf8'),
);

/** What git prints for a command in the checkout; throws where there is no git, or it refuses. */
export function git(...args: string[]): Buffer {
  return execFileSync('git', args, { cwd: projectRoot, maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] });
}

/** Why a commit cannot be looked at, in words; null when it can. */
export function whyNotAtHand(commit: string): string | null {
  if (succeeds('cat-file', '-e', `${commit}^{commit}`)) {
    return null;
  }
  if (!succeeds('rev-parse', '--git-dir')) {
    return 'this is no git checkout';
  }
  return git('rev-parse', '--is-shallow-repository').toString().trim() === 'true'
    ? 'the history of this clone is cut off; get it with `git fetch --unshallow`'
    : null;
}

function succeeds(...args: string[]): boolean {
  try {
    git(...args);
    return true;
  } catch {
    return false;
  }
}
