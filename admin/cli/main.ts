import { stripVTControlCharacters } from 'node:util';
import { type CommandDef, defineCommand, renderUsage, runCommand } from 'citty';
import pc from 'picocolors';
import packageJson from '../../package.json' with { type: 'json' };
import { registry } from './entity/registry.ts';
import { exitCodes, Failure } from './failure.ts';
import { createOutput } from './output.ts';

const commands: Record<string, () => Promise<CommandDef<any>>> = {
  setup: () => import('./commands/setup.ts').then((module) => module.setup),
  login: () => import('./commands/login.ts').then((module) => module.login),
  logout: () => import('./commands/logout.ts').then((module) => module.logout),
  whoami: () => import('./commands/whoami.ts').then((module) => module.whoami),
  deploy: () => import('./commands/deploy.ts').then((module) => module.deploy),
  export: () => import('./commands/export.ts').then((module) => module.exportCommand),
  revisions: () => import('./commands/revisions.ts').then((module) => module.revisions),
  rollback: () => import('./commands/rollback.ts').then((module) => module.rollback),
  replay: () => import('./commands/replay.ts').then((module) => module.replay),
  logs: () => import('./commands/logs.ts').then((module) => module.logs),
  backup: () => import('./commands/backup.ts').then((module) => module.backup),
  check: () => import('./commands/check.ts').then((module) => module.check),
  clean: () => import('./commands/clean.ts').then((module) => module.clean),
  migrate: () => import('./commands/migrate.ts').then((module) => module.migrateCommand),
  generate: () => import('./commands/generate.ts').then((module) => module.generate),
  import: () => import('./commands/import.ts').then((module) => module.importCommand),
};

function rootOf(args: readonly string[]): CommandDef<any> {
  return defineCommand({
    meta: {
      name: 'postern',
      version: packageJson.version,
      description: 'Manages the configuration of a Postern gateway',
    },
    subCommands: {
      ...commands,
      ...entityCommands(args),
      tenant: () => import('./commands/tenant.ts').then((module) => module.tenant),
      token: () => import('./commands/token.ts').then((module) => module.token),
    },
  });
}

const environment = `${pc.underline(pc.bold('ENVIRONMENT'))}

  POSTERN_URL                     Gateway
  POSTERN_USER, POSTERN_PASSWORD  Who calls (user and password, or app key and secret), without a login
  POSTERN_CONFIG                  File that keeps logins (else postern/session.json in the folder for settings)
  NO_COLOR                        No colours

${pc.underline(pc.bold('EXIT CODES'))}

  0  Done. A plan that shows differences is done, too
  1  The gateway refused: what was asked is not valid there
  2  The command line or a file is wrong
  3  Not logged in, or not allowed
  4  The gateway cannot be reached, or failed
`;

/** Runs a command line and gives its exit code; what it prints goes to the standard output and error of the process. */
export async function main(args: string[]): Promise<number> {
  try {
    if (args.length === 0 || args.includes('--help') || args.includes('-h')) {
      const text = `${(await usage(args)).trimEnd()}\n\n${environment}`;
      process.stdout.write(pc.isColorSupported ? text : stripVTControlCharacters(text));
      return exitCodes.ok;
    }
    if (args.length === 1 && (args[0] === '--version' || args[0] === '-v')) {
      process.stdout.write(`${packageJson.version}\n`);
      return exitCodes.ok;
    }
    await runCommand(rootOf(args), { rawArgs: args });
    return exitCodes.ok;
  } catch (thrown) {
    const failure = toFailure(thrown);
    if (failure === null) {
      console.error(thrown);
      return exitCodes.refused;
    }
    createOutput(args.includes('--json')).fail(failure);
    return failure.exit;
  }
}

/** A command for each entity of the management API. */
function entityCommands(words: readonly string[]): typeof commands {
  return Object.fromEntries(
    Object.keys(registry.entities).map((noun) => [
      noun,
      () => import('./entity/command.ts').then((module) => module.entityCommand(noun, words)),
    ]),
  );
}

/** Mistakes of the command line that citty finds have codes of their own. */
function toFailure(thrown: unknown): Failure | null {
  if (thrown instanceof Failure) {
    return thrown;
  }
  return thrown instanceof Error && thrown.name === 'CLIError'
    ? new Failure('usage', `${stripVTControlCharacters(thrown.message)}; see --help`)
    : null;
}

/** The usage of the innermost command that the arguments name. */
async function usage(args: string[]): Promise<string> {
  let command: CommandDef<any> = rootOf(args);
  let parent: CommandDef<any> | undefined;
  const path: string[] = [];
  for (const name of args) {
    const children = (await resolve(command.subCommands)) as typeof commands | undefined;
    if (children === undefined || !Object.hasOwn(children, name)) {
      break;
    }
    path.push(name);
    parent = { meta: { name: ['postern', ...path.slice(0, -1)].join(' ') } };
    command = await children[name]!();
  }
  return renderUsage(command, parent);
}

async function resolve(value: unknown): Promise<unknown> {
  return typeof value === 'function' ? value() : value;
}
