import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Runs `work` while no other process of this machine holds the lock file `path`; waits for its turn. A file whose
 * process is gone counts for nothing, so a `kill -9` blocks nobody.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  while (!tryLock(path)) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  try {
    return await work();
  } finally {
    unlock(path);
  }
}

/** Takes the lock for this process, if it is free. */
export function tryLock(path: string): boolean {
  mkdirSync(dirname(path), { recursive: true });
  const owner = lockOwner(path);
  if (owner !== null && !isAlive(owner)) {
    rmSync(path, { force: true });
  }
  try {
    const file = openSync(path, 'wx', 0o600);
    writeSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      return false;
    }
    throw error;
  }
}

/** Gives back a lock that this process holds. */
export function unlock(path: string): void {
  if (lockOwner(path) === process.pid) {
    rmSync(path, { force: true });
  }
}

/** The process that holds the lock; null when it is free, or when its holder has not yet written who it is. */
export function lockOwner(path: string): number | null {
  try {
    return Number(readFileSync(path, 'utf8')) || null;
  } catch {
    return null;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
