import { main } from '../../admin/cli/main.ts';
import type { Ran } from './postern.ts';

/**
 * Runs a command line in this process, which saves the start of one of its own; `env` is laid over the environment. One at
 * a time: it takes what the process prints.
 */
export async function inProcess(args: string[], env: Record<string, string>): Promise<Ran> {
  const before = { env: process.env, out: process.stdout.write, err: process.stderr.write };
  let out = '';
  let err = '';
  process.env = { PATH: before.env.PATH, HOME: '/nonexistent', NO_COLOR: '1', ...env };
  process.stdout.write = ((text: string) => (out += text) !== '') as typeof process.stdout.write;
  process.stderr.write = ((text: string) => (err += text) !== '') as typeof process.stderr.write;
  try {
    const code = await main(args);
    const plain = (text: string) => text.replace(/\x1b\[\d+m/g, '');
    return { code, out: plain(out), err: plain(err), json: () => JSON.parse(out) };
  } finally {
    process.env = before.env;
    process.stdout.write = before.out;
    process.stderr.write = before.err;
  }
}
