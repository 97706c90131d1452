import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { stringify } from 'smol-toml';
import { projectRoot } from './build.ts';

const scratch = join(projectRoot, '.dev');
/** No deploy takes that long: what is older was left by one that was killed. */
const anHour = 3_600_000;

/**
 * Builds and uploads the worker with the pinned wrangler, showing what that says. `config` is a whole wrangler.toml with
 * paths relative to the checkout; `secrets` become the worker's in the same step. Gives the base URL that the worker
 * answers at; null when wrangler names none. Throws when wrangler fails; the worker may be up all the same.
 */
export async function wranglerDeploy(
  config: Record<string, unknown>,
  secrets: Record<string, string> | null,
): Promise<string | null> {
  await mkdir(scratch, { recursive: true });
  await removeLeftovers();
  const folder = await mkdtemp(join(scratch, 'deploy-'));
  const configFile = configFor(basename(folder));
  const secretsFile = join(folder, 'secrets.json');
  const report = join(folder, 'report.ndjson');
  const args = ['deploy', '--config', configFile];
  try {
    await writeFile(configFile, stringify(config));
    if (secrets !== null) {
      await writeFile(secretsFile, JSON.stringify(secrets), { mode: 0o600 });
      args.push('--secrets-file', secretsFile);
    }
    await run(args, { WRANGLER_OUTPUT_FILE_PATH: report });
    return urlIn(await readFile(report, 'utf8').catch(() => ''));
  } finally {
    await rm(folder, { recursive: true, force: true });
    await rm(configFile, { force: true });
  }
}

/** Beside wrangler.toml, because its paths are relative to where it stands; named so that two deploys do not share one. */
function configFor(name: string): string {
  return join(projectRoot, `.wrangler.${name}.toml`);
}

async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(scratch)) {
    const folder = join(scratch, name);
    if (name.startsWith('deploy-') && Date.now() - (await stat(folder)).mtimeMs > anHour) {
      await rm(folder, { recursive: true, force: true });
      await rm(configFor(name), { force: true });
    }
  }
}

function run(args: string[], env: Record<string, string>): Promise<void> {
  const {
    // Wrangler would take these before our token, or another section of the configuration.
    CLOUDFLARE_API_KEY,
    CF_API_KEY,
    CLOUDFLARE_EMAIL,
    CF_EMAIL,
    CLOUDFLARE_ENV,
    ...inherited
  } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(projectRoot, 'node_modules/wrangler/bin/wrangler.js'), ...args], {
      cwd: projectRoot,
      env: {
        ...inherited,
        CI: 'true',
        WRANGLER_SEND_METRICS: 'false',
        WRANGLER_SEND_ERROR_REPORTS: 'false',
        WRANGLER_WRITE_LOGS: 'false',
        WRANGLER_HIDE_BANNER: 'true',
        ...env,
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    // This process ends after its child, so that it can clean up.
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    const forward = (signal: NodeJS.Signals) => child.kill(signal);
    for (const signal of signals) {
      process.on(signal, forward);
    }
    child.once('error', reject);
    child.once('close', (code, signal) => {
      for (const name of signals) {
        process.off(name, forward);
      }
      code === 0 ? resolve() : reject(new Error(`wrangler deploy ended with ${signal ?? code}, see above.`));
    });
  });
}

/** Wrangler reports one JSON value a line; a deploy's targets are URLs, domains, routes and schedules. */
function urlIn(report: string): string | null {
  const lines = report.split('\n').filter((line) => line !== '');
  const targets = lines.flatMap((line) => (JSON.parse(line) as { targets?: string[] }).targets ?? []);
  const domain = targets.find((target) => target.includes(' (custom domain'))?.split(' ')[0];
  return domain === undefined ? (targets.find((target) => target.startsWith('https://')) ?? null) : `https://${domain}`;
}
