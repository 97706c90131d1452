import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { lockOwner, tryLock, unlock } from './lock.ts';

// DATA_DIR holds all state of one local instance, and nothing of it is elsewhere:
//   secret-key      32 random bytes, base64: whoever has it and the databases has everything
//   state/          databases, KV, Durable Objects
//   upstream-port   where the examples' upstream listens
//   example-loaded  the example was deployed once, and is the user's since then
//   lock, tmp/      of the running process

export interface DataDir {
  path: string;
  secretKey: string;
  /** Processes of an earlier run, killed halfway, that were ended. */
  orphans: number[];
  /** The text of a small file in here; null when there is none. */
  read(name: string): string | null;
  write(name: string, text: string): void;
  close(): void;
}

/** What marks the runtime's process as this DATA_DIR's, in its environment. */
const mark = 'POSTERN_DATA_DIR';

/**
 * Takes possession of an instance's state, absolute path `path`: makes it if need be, ends what a killed run left behind.
 * Throws when another process serves it, after waiting some seconds for that one to end.
 */
export async function openDataDir(path: string): Promise<DataDir> {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const lock = join(path, 'lock');
  for (const patience = Date.now() + 4_000; !tryLock(lock); ) {
    if (Date.now() > patience) {
      throw new Error(
        `${path} is in use by process ${lockOwner(lock)}. Stop that one, or give this one a DATA_DIR of its own.`,
      );
    }
    await pause(100);
  }
  process.once('exit', () => unlock(lock));
  const orphans = await endOrphans(path);
  const temporary = join(path, 'tmp');
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary);
  // Both are inherited by the runtime: its mark, and where its scratch files go.
  process.env[mark] = path;
  process.env.TMPDIR = temporary;

  const read = (name: string) => (existsSync(join(path, name)) ? readFileSync(join(path, name), 'utf8') : null);
  const write = (name: string, text: string) => writeFileSync(join(path, name), text, { mode: 0o600 });
  let secretKey = read('secret-key')?.trim();
  if (secretKey === undefined) {
    secretKey = randomBytes(32).toString('base64');
    write('secret-key', `${secretKey}\n`);
  }
  return {
    path,
    secretKey,
    orphans,
    read,
    write,
    close: () => {
      rmSync(temporary, { recursive: true, force: true });
      unlock(lock);
    },
  };
}

/** Ends runtimes that serve this DATA_DIR although their parent is gone; nobody else can have any, as we hold the lock. */
async function endOrphans(path: string): Promise<number[]> {
  const orphans = runtimesOf(path);
  for (const pid of orphans) {
    process.kill(pid, 'SIGKILL');
  }
  for (let left = orphans; left.length > 0; left = left.filter((pid) => runtimesOf(path).includes(pid))) {
    await pause(20);
  }
  return orphans;
}

/** Process ids of the runtimes (workerd) that bear this DATA_DIR's mark. */
export function runtimesOf(path: string): number[] {
  return process.platform === 'linux' ? fromProc(path) : fromPs(path);
}

function fromProc(path: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] ?? '';
        return (
          basename(command) === 'workerd' &&
          readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`${mark}=${path}`)
        );
      } catch {
        // Gone meanwhile, or somebody else's.
        return false;
      }
    })
    .map(Number);
}

/** `ps eww` of BSD and macOS shows the environment behind the command. */
function fromPs(path: string): number[] {
  try {
    return execFileSync('ps', ['-axeww', '-o', 'pid=,command='], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => /^\s*\d+ \S*workerd /.test(line) && ` ${line} `.includes(` ${mark}=${path} `))
      .map((line) => Number.parseInt(line, 10));
  } catch {
    return [];
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
