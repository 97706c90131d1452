import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from '../../admin/host/build.ts';

/** What a run of the command line left. */
export interface Ran {
  code: number | null;
  out: string;
  /** The standard error. */
  err: string;
  /** The one JSON value that `--json` prints. */
  json(): any;
}

/** Starts `postern` as a process of its own; nothing of the tester's environment reaches it. */
export function startPostern(args: string[], env: Record<string, string>, cwd: string = projectRoot): ChildProcess {
  return spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(projectRoot, 'admin/cli/postern.ts'), ...args],
    {
      cwd,
      env: { PATH: process.env.PATH, HOME: '/nonexistent', NO_COLOR: '1', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  );
}

/** Runs it to its end. */
export async function postern(
  args: string[],
  env: Record<string, string>,
  options: { cwd?: string; input?: string } = {},
): Promise<Ran> {
  const child = startPostern(args, env, options.cwd);
  child.stdin!.end(options.input ?? '');
  let out = '';
  let err = '';
  child.stdout!.setEncoding('utf8').on('data', (text) => (out += text));
  child.stderr!.setEncoding('utf8').on('data', (text) => (err += text));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, out, err, json: () => JSON.parse(out) };
}
