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
  const owner = readOwner(path);
  if (owner !== null && !isAlive(owner)) {
    rmSync(path, { force: true });
  }
  try {
    const file = openSync(path, 'wx', 0o600);
    writeSync(file, `${process.pid} ${bornAt(process.pid)}`);
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

/** The process that holds the lock; null when it is free, when its holder is gone, or has not yet written who it is. */
export function lockOwner(path: string): number | null {
  const owner = readOwner(path);
  return owner !== null && isAlive(owner) ? owner.pid : null;
}

interface Owner {
  pid: number;
  /** When the process started, in the system's own counting: a process id alone may have gone to somebody else. */
  born: string;
}

function readOwner(path: string): Owner | null {
  try {
    const [pid, born] = readFileSync(path, 'utf8').split(' ');
    return Number(pid) > 0 ? { pid: Number(pid), born: born ?? '' } : null;
  } catch {
    return null;
  }
}

function isAlive({ pid, born }: Owner): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return bornAt(pid) === born;
}

/** Linux says when a process started (proc(5), stat, field 22); elsewhere this is the empty text. */
function bornAt(pid: number): string {
  try {
    // The second field, the name in parentheses, may hold spaces.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
