import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startUpstream, type Upstream } from '../../examples/upstream.ts';
import { projectRoot } from './build.ts';
import type { DataDir } from './data-dir.ts';

const deployFile = 'examples/getting-started/.fusio.yml';

/**
 * Starts the server that the example calls. Its port stays the same from start to start, because the example's connection
 * names it; `moved` says that the former one was taken.
 */
export async function startExampleUpstream(data: DataDir, wanted?: number): Promise<Upstream & { moved: boolean }> {
  const former = Number(data.read('upstream-port') ?? 0);
  const port = wanted ?? former;
  const upstream = await startUpstream(port).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE' && wanted === undefined) {
      return startUpstream(0);
    }
    throw error;
  });
  data.write('upstream-port', String(upstream.port));
  return { ...upstream, moved: former !== 0 && former !== upstream.port };
}

/** The command that loads the example by hand; `UPSTREAM_URL` is what its file asks for. */
export function deployCommand(url: string, upstream: Upstream): string {
  return `UPSTREAM_URL=${upstream.url} npx postern deploy ${deployFile} --url ${url}`;
}

/** Loads the example through the command line, as a user would. Throws with what it said. */
export async function deployExample(url: string, upstream: Upstream, user: string, password: string): Promise<void> {
  const cli = join(projectRoot, 'admin/cli/postern.ts');
  if (!existsSync(cli) || !existsSync(join(projectRoot, deployFile))) {
    throw new Error('this checkout has no example');
  }
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', cli, 'deploy', deployFile], {
    cwd: projectRoot,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      UPSTREAM_URL: upstream.url,
      POSTERN_URL: url,
      POSTERN_USER: user,
      POSTERN_PASSWORD: password,
    },
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) {
    throw new Error(output.trim());
  }
}
