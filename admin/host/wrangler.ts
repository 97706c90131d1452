import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { stringify } from 'smol-toml';
import { projectRoot } from './build.ts';

const scratch = join(projectRoot, '.dev');
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
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
    return urlIn(await targetsIn(report));
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
    // This process ends after its child, so that it can clean up. Wrangler calls an end by a signal a success.
    let told: NodeJS.Signals | null = null;
    const forward = (signal: NodeJS.Signals) => {
      told = signal;
      child.kill(signal);
    };
    for (const name of signals) {
      process.on(name, forward);
    }
    child.once('error', reject);
    child.once('close', (code, signal) => {
      for (const name of signals) {
        process.off(name, forward);
      }
      const end = told ?? signal ?? code;
      end === 0 ? resolve() : reject(new Error(`wrangler deploy ended with ${end}, see above.`));
    });
  });
}

/** Wrangler reports one JSON value a line; a deploy's targets are URLs, domains, routes and schedules. */
async function targetsIn(report: string): Promise<string[]> {
  const lines = (await readFile(report, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
  const entries = lines.map((line) => JSON.parse(line) as { type: string; targets?: string[] });
  const deployed = entries.find(({ type }) => type === 'deploy');
  if (deployed === undefined) {
    throw new Error('wrangler deploy ended without a word that it deployed, see above.');
  }
  return deployed.targets ?? [];
}

function urlIn(targets: string[]): string | null {
  const domain = targets.find((target) => target.includes(' (custom domain'))?.split(' ')[0];
  return domain === undefined ? (targets.find((target) => target.startsWith('https://')) ?? null) : `https://${domain}`;
}
