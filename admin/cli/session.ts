import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { Failure } from './failure.ts';

/** What `postern login` keeps for one gateway. Never the password. */
export interface Session {
  user: string;
  token: string;
  refreshToken: string | null;
  /** Seconds since the epoch. */
  expires: number;
}

interface Store {
  /** The gateway of the last login: the one that commands talk to when none is named. */
  current: string | null;
  gateways: Record<string, Session>;
}

/** The file with the sessions: `POSTERN_CONFIG`, else `postern/session.json` in the user's folder for settings. */
export function sessionFile(env: NodeJS.ProcessEnv = process.env): string {
  if (env.POSTERN_CONFIG) {
    return env.POSTERN_CONFIG;
  }
  const folder = env.XDG_CONFIG_HOME || (process.platform === 'win32' && env.APPDATA) || join(homedir(), '.config');
  return join(folder, 'postern', 'session.json');
}

/** The gateway of the last login; null before the first one. */
export function currentGateway(): string | null {
  return read().current;
}

export function findSession(url: string): Session | null {
  return read().gateways[url] ?? null;
}

/** Keeps a session and makes its gateway the current one. */
export function keepSession(url: string, session: Session, makeCurrent: boolean): void {
  const store = read();
  write({ current: makeCurrent ? url : store.current, gateways: { ...store.gateways, [url]: session } });
}

/** Forgets a session; the file goes with the last one. */
export function forgetSession(url: string): void {
  const store = read();
  const gateways = Object.fromEntries(Object.entries(store.gateways).filter(([key]) => key !== url));
  if (Object.keys(gateways).length === 0) {
    rmSync(sessionFile(), { force: true });
  } else {
    write({ current: store.current === url ? Object.keys(gateways)[0]! : store.current, gateways });
  }
}

function read(): Store {
  const file = sessionFile();
  if (!existsSync(file)) {
    return { current: null, gateways: {} };
  }
  try {
    const store = JSON.parse(readFileSync(file, 'utf8')) as Partial<Store>;
    return { current: store.current ?? null, gateways: store.gateways ?? {} };
  } catch (thrown) {
    throw new Failure('usage', `${file} cannot be read: ${(thrown as Error).message}. Delete it and log in again.`);
  }
}

/** By rename, so that no reader sees half a file; nobody but the user may read it. */
function write(store: Store): void {
  const file = sessionFile();
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(store, null, 2)}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, file);
}
