import { type ArgsDef, type CommandDef, defineCommand, type ParsedArgs } from 'citty';
import { type Client, type Identity, openClient } from './client.ts';
import { Failure } from './failure.ts';
import { createOutput, type Output } from './output.ts';

/** What every command that talks to a gateway takes. */
export const connectionArgs = {
  url: {
    type: 'string',
    alias: 'server',
    description: 'Gateway (else POSTERN_URL, else the one of the last login)',
    valueHint: 'URL',
  },
  user: { type: 'string', description: 'User name or app key, instead of a login (POSTERN_USER)', valueHint: 'NAME' },
  password: { type: 'string', description: 'Password or app secret; better in POSTERN_PASSWORD', valueHint: 'TEXT' },
  json: { type: 'boolean', description: 'Print one JSON value for programs' },
} as const satisfies ArgsDef;

export interface Context<Args extends ArgsDef> {
  args: ParsedArgs<Args & typeof connectionArgs>;
  /** What stands behind the options. */
  positionals: string[];
  output: Output;
  identity: Identity;
  /** Opens the management API of the gateway. */
  client(): Promise<Client>;
  /** All values of an option that may come several times, each a list with commas. */
  values(name: string): string[];
}

export interface CommandSpec<Args extends ArgsDef> {
  name: string;
  description: string;
  args?: Args;
  run(context: Context<Args>): Promise<void>;
}

/** A command with the options that all have. What is not known is refused: a misspelt `--plan` must not apply anything. */
export function command<const Args extends ArgsDef = Record<never, never>>(spec: CommandSpec<Args>): CommandDef<any> {
  const { alias: _, ...url } = connectionArgs.url;
  // A command may mean another server by this word.
  const where = 'server' in (spec.args ?? {}) ? { url } : {};
  const args: ArgsDef = { ...spec.args, ...connectionArgs, ...where };
  return defineCommand({
    meta: { name: spec.name, description: spec.description },
    args,
    async run({ args: parsed, rawArgs }) {
      checkArguments(rawArgs, args, parsed._.length);
      const values = parsed as ParsedArgs<Args & typeof connectionArgs>;
      const identity: Identity = {
        url: text(parsed.url) ?? ('url' in where ? undefined : text(parsed.server)),
        user: text(parsed.user),
        password: text(parsed.password),
      };
      await spec.run({
        args: values,
        positionals: parsed._,
        output: createOutput(parsed.json === true),
        identity,
        client: () => openClient(identity),
        values: (name) => collect(rawArgs, name),
      });
    },
  });
}

function checkArguments(rawArgs: string[], args: ArgsDef, positionals: number): void {
  const names = new Map(
    Object.entries(args).flatMap(([name, arg]) => [
      [name, arg] as const,
      ...aliases(arg).map((alias) => [alias, arg] as const),
    ]),
  );
  for (let index = 0; index < rawArgs.length && rawArgs[index] !== '--'; index++) {
    const match = /^--?([^=]+)(=)?/.exec(rawArgs[index]!);
    if (match === null || rawArgs[index] === '-') {
      continue;
    }
    const name = match[1]!;
    const arg = names.get(name) ?? names.get(name.replace(/^no-/, ''));
    if (arg === undefined || arg.type === 'positional') {
      throw new Failure('usage', `There is no option ${rawArgs[index]!.split('=')[0]}; see --help`);
    }
    if (arg.type === 'boolean') {
      continue;
    }
    if (match[2] === undefined) {
      index++;
      if (rawArgs[index] === undefined || /^--/.test(rawArgs[index]!)) {
        throw new Failure('usage', `The option --${name} needs a value`);
      }
    }
  }
  const allowed = Object.values(args).filter((arg) => arg.type === 'positional').length;
  if (positionals > allowed) {
    throw new Failure('usage', `There are more arguments than the command takes; see --help`);
  }
}

function aliases(arg: ArgsDef[string]): string[] {
  const given = 'alias' in arg ? arg.alias : undefined;
  return given === undefined ? [] : Array.isArray(given) ? given : [given];
}

function collect(rawArgs: string[], name: string): string[] {
  const values: string[] = [];
  for (const [index, raw] of rawArgs.entries()) {
    if (raw === `--${name}` && rawArgs[index + 1] !== undefined) {
      values.push(rawArgs[index + 1]!);
    } else if (raw.startsWith(`--${name}=`)) {
      values.push(raw.slice(name.length + 3));
    }
  }
  return values
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '');
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
