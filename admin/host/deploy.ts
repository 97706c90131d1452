import { createHmac, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { type Account, type Kind, kinds, openAccount } from './account.ts';
import { buildWorker, kilobytes, projectRoot } from './build.ts';
import { applyMigrations, MigrationFailure, readMigrations } from './migrations.ts';
import { wranglerDeploy } from './wrangler.ts';

// `npm run deploy`: creates what is missing on the account, applies migrations, deploys. Safe to repeat, also after a failure
// halfway: what exists is found by its name, migrations are tracked in their database, a secret that exists is left alone.
// `--dry-run` reads the account, if it may, builds the worker and changes nothing.

/** The parts of wrangler.toml that name things of the account. */
interface Config {
  name: string;
  d1_databases?: { binding: string; database_name: string; database_id: string; migrations_dir?: string }[];
  kv_namespaces?: { binding: string; id: string }[];
  queues?: { producers?: { queue: string }[]; consumers?: { queue: string; dead_letter_queue?: string }[] };
  [key: string]: unknown;
}

/** What a deploy finds, and what it would make. */
interface Plan {
  resources: { kind: Kind; name: string; id: string | null }[];
  worker: boolean;
  secret: boolean;
}

/** The worker's root secret; kept on the platform, where nobody can read it again. */
const secretName = 'SECRET_KEY';

await main(process.argv.slice(2)).catch((thrown) => {
  // A TypeError is a defect, whose stack somebody will want.
  console.error(`\n${thrown instanceof TypeError ? thrown.stack : (thrown as Error).message}`);
  process.exitCode = 1;
});

async function main(args: string[]): Promise<void> {
  // A misspelt --dry-run must not deploy.
  const unknown = args.filter((arg) => arg !== '--dry-run');
  if (unknown.length > 0) {
    throw new Error(`There is no option ${unknown.join(' ')}. Usage: npm run deploy [-- --dry-run]`);
  }
  const config = parse(await readFile(join(projectRoot, 'wrangler.toml'), 'utf8')) as unknown as Config;
  const missing = ['CLOUDFLARE_API_TOKEN', 'CLOUDFLARE_ACCOUNT_ID'].filter((name) => !process.env[name]?.trim());
  if (args.includes('--dry-run')) {
    const account = missing.length === 0 ? openFromEnvironment() : null;
    say(account ? 'On the account:' : `Without ${missing.join(' and ')} nothing is looked up. On an empty account:`);
    show(config, await makePlan(config, account));
    const { gzip } = await buildWorker();
    say(`The worker builds: ${kilobytes(gzip)} gzipped. Nothing was changed.`);
    return;
  }
  if (missing.length > 0) {
    throw new Error(
      `Set ${missing.join(' and ')}: a token that may edit Workers Scripts, Workers KV Storage, Queues and D1, and the account's id.\n` +
        'npm run deploy -- --dry-run shows the plan without them.',
    );
  }
  await deploy(config, openFromEnvironment());
}

function openFromEnvironment(): Account {
  const read = (name: string) => process.env[name]?.trim() ?? '';
  const [token, id] = [read('CLOUDFLARE_API_TOKEN'), read('CLOUDFLARE_ACCOUNT_ID')];
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new Error('CLOUDFLARE_API_TOKEN has a space or another character in it that no token has.');
  }
  if (!/^[0-9a-f]{32}$/i.test(id)) {
    throw new Error(
      'CLOUDFLARE_ACCOUNT_ID is not an account id: 32 hexadecimal digits, as in the URL of the dashboard.',
    );
  }
  const baseUrl = read('CLOUDFLARE_API_BASE_URL') || 'https://api.cloudflare.com/client/v4';
  return openAccount({ id, token, baseUrl: baseUrl.replace(/\/+$/, '') });
}

async function deploy(config: Config, account: Account): Promise<void> {
  const given = process.env[secretName]?.trim() || null;
  if (given !== null && !/^[A-Za-z0-9+/]{43}=$/.test(given)) {
    throw new Error(`${secretName} must be 32 bytes in base64, as openssl rand -base64 32 prints them.`);
  }
  const plan = await makePlan(config, account);
  say('On the account:');
  show(config, plan);
  for (const resource of plan.resources) {
    if (resource.id === null) {
      resource.id = (await account.create(resource.kind, resource.name)).id;
      say(`Created ${kinds[resource.kind].title} ${resource.name}`);
    }
  }
  await migrate(config, plan, account);
  await deployWorker(config, plan, account, given);
}

/** Without an account: the plan for an empty one. */
async function makePlan(config: Config, account: Account | null): Promise<Plan> {
  const wanted = [
    ...(config.d1_databases ?? []).map((entry) => ({ kind: 'database' as const, name: entry.database_name })),
    ...(config.kv_namespaces ?? []).map((entry) => ({
      kind: 'namespace' as const,
      name: namespaceName(config, entry),
    })),
    ...queueNames(config).map((name) => ({ kind: 'queue' as const, name })),
  ];
  const used = [...new Set(wanted.map(({ kind }) => kind))];
  const [secrets, ...lists] = await Promise.all([
    account?.secrets(config.name) ?? null,
    ...used.map((kind) => account?.list(kind) ?? []),
  ]);
  return {
    resources: wanted.map(({ kind, name }) => {
      const found = lists[used.indexOf(kind)]!.find((item) => item.name === name);
      return { kind, name, id: found?.id ?? null };
    }),
    worker: secrets !== null,
    secret: secrets?.includes(secretName) ?? false,
  };
}

/** wrangler.toml has no names for namespaces. */
function namespaceName(config: Config, { binding }: { binding: string }): string {
  return `${config.name}-${binding.toLowerCase()}`;
}

function queueNames({ queues }: Config): string[] {
  const consumed = (queues?.consumers ?? []).flatMap((one) => [one.queue, one.dead_letter_queue ?? one.queue]);
  return [...new Set([...(queues?.producers ?? []).map(({ queue }) => queue), ...consumed])];
}

function show(config: Config, plan: Plan): void {
  const line = (sign: string, what: string, name: string) => say(`  ${sign} ${what.padEnd(13)} ${name}`);
  for (const { kind, name, id } of plan.resources) {
    line(id === null ? '+' : '=', kinds[kind].title, name);
  }
  line(plan.secret ? '=' : '+', 'Secret', secretName);
  line(plan.worker ? '~' : '+', 'Worker', `${config.name}, after the migrations`);
  say('  (+ is made, = is there and stays, ~ is replaced)\n');
}

async function migrate(config: Config, plan: Plan, account: Account): Promise<void> {
  for (const { database_name, migrations_dir } of config.d1_databases ?? []) {
    const migrations = migrations_dir === undefined ? [] : await readMigrations(migrations_dir);
    if (migrations.length > 0) {
      const database = account.openDatabase(idOf(plan, 'database', database_name));
      // Once more when it fails: another deploy may have applied it in between, and then nothing is missing any more.
      const applied = await applyMigrations(database, migrations)
        .catch(() => applyMigrations(database, migrations))
        .catch((thrown) => {
          throw tookTooLong(thrown)
            ? new Error(`${thrown.message}\n${byImport(database_name, migrations_dir!, thrown)}`)
            : thrown;
        });
      say(`Migrated ${database_name}: ${applied.length === 0 ? 'nothing new' : applied.join(', ')}`);
    }
  }
}

/** D1 ends a statement after 30 seconds; one that makes an index of millions of rows may need more. */
function tookTooLong(thrown: unknown): thrown is MigrationFailure {
  return thrown instanceof MigrationFailure && /time.?out|timed out|exceeded/i.test(thrown.message);
}

/** What has no such limit: D1's import of a file. */
function byImport(database: string, folder: string, { migration }: MigrationFailure): string {
  // From a folder without the configuration, which has no ids of the account.
  const execute = `npx wrangler --cwd / d1 execute ${database} --remote`;
  return `The table may be too large for a request. Import the migration, which takes its time, note it, and deploy again:

  ${execute} --file "$PWD/${folder}/${migration}"
  ${execute} --command "INSERT INTO d1_migrations (name) VALUES ('${migration}')"
`;
}

function idOf(plan: Plan, kind: Kind, name: string): string {
  return plan.resources.find((one) => one.kind === kind && one.name === name)!.id!;
}

/** Uploads the worker, with its root secret in the same step when it has none, so that it never runs without. */
async function deployWorker(config: Config, plan: Plan, account: Account, given: string | null): Promise<void> {
  const filled = fill(config, plan, account);
  // Asked again: a deploy beside this one may have set it meanwhile.
  if ((await account.secrets(config.name))?.includes(secretName)) {
    const url = await wranglerDeploy(filled, null);
    say(`\nDeployed${url === null ? '' : ` to ${url}`}. The root secret was left as it is.`);
    if (given !== null) {
      showSetup(given, url);
    }
    return;
  }
  const key = given ?? randomBytes(32).toString('base64');
  if (given === null) {
    await refuseForeignData(config, plan, account);
    // Before the upload, whatever happens to this process during it: the platform shows a secret to nobody.
    say(`
The root secret. Keep it in your vault: what is sealed with it (credentials of connections, app secrets) opens with
nothing else, and it is shown only now.

  ${secretName}=${key}
`);
  }
  try {
    const url = await wranglerDeploy(filled, { [secretName]: key });
    say(`\nDeployed${url === null ? '' : ` to ${url}`}.`);
    showSetup(key, url);
  } catch (thrown) {
    const names = await account.secrets(config.name).catch(() => undefined);
    if (names?.includes(secretName)) {
      say('\nThe worker and its root secret are on the account all the same.');
      showSetup(key, null);
    } else if (given === null && names !== undefined) {
      say('\nThe root secret above was not set and is of no use; the next run makes another.');
    }
    throw thrown;
  }
}

/** A new root secret would open nothing of what an earlier worker left: no password, no credentials of connections. */
async function refuseForeignData(config: Config, plan: Plan, account: Account): Promise<void> {
  const { database_name } = config.d1_databases!.find(({ binding }) => binding === 'DB')!;
  const database = account.openDatabase(idOf(plan, 'database', database_name));
  const { results } = await database.prepare('SELECT id FROM user LIMIT 1').all();
  if (results.length > 0) {
    throw new Error(
      `The database ${database_name} has accounts that were made under another root secret, which the worker has not got.\n` +
        `Run this again with that secret in the variable ${secretName}. (To begin anew, delete the databases.)`,
    );
  }
}

/** wrangler.toml with the account's ids in place of the placeholders. */
function fill(config: Config, plan: Plan, account: Account): Config {
  return {
    ...config,
    account_id: account.id,
    d1_databases: config.d1_databases?.map((entry) => ({
      ...entry,
      database_id: idOf(plan, 'database', entry.database_name),
    })),
    kv_namespaces: config.kv_namespaces?.map((entry) => ({
      ...entry,
      id: idOf(plan, 'namespace', namespaceName(config, entry)),
    })),
  };
}

function showSetup(key: string, url: string | null): void {
  const token = createHmac('sha256', Buffer.from(key, 'base64')).update('postern:setup').digest('hex');
  say(`
Make the first administrator with this command; it asks for a password and works once:

  npx postern setup --url ${url ?? 'https://YOUR-WORKER-URL'} --name admin --email you@example.com --token ${token}`);
}

function say(text: string): void {
  console.log(text);
}
