import { type ArgsDef, type CommandDef, defineCommand } from 'citty';
import { type Client, type Identity, openClient } from '../client.ts';
import { connectionArgs } from '../command.ts';
import { Failure } from '../failure.ts';
import { createOutput, type Output } from '../output.ts';
import { type Arguments, findName, type Option, readArguments } from './arguments.ts';

/** What a verb of an entity works with. */
export interface VerbContext {
  /** The one that the command line names; empty where the verb takes none. */
  key: string;
  /** Value of an option of the verb's own; true for a switch. */
  own(name: string): string | true | undefined;
  /** The other options: members or filters. */
  options: Option[];
  output: Output;
  client(): Promise<Client>;
}

export interface VerbSpec {
  name: string;
  description: string;
  /** What `KEY` is; undefined: the verb takes none. */
  key?: string;
  /** Options of the verb's own. */
  args: ArgsDef;
  /** Options that members or filters make; they win over connection options of the same name. */
  more: ArgsDef;
  /** Whether an option of the second kind stands alone. */
  isSwitch(name: string): boolean;
  run(context: VerbContext): Promise<void>;
}

/** A verb as a command: its options are read by hand, because those of members can go deeper than they are declared. */
export function verb(spec: VerbSpec): CommandDef<any> {
  const own: ArgsDef = { ...spec.args, ...connectionOf(spec.more) };
  const key: ArgsDef =
    spec.key === undefined ? {} : { key: { type: 'positional', required: false, description: spec.key } };
  const names = new Map(
    Object.entries(own).flatMap(([name, arg]) =>
      [name, ...[('alias' in arg && arg.alias) || []].flat()].map((written) => [written, name] as const),
    ),
  );
  return defineCommand({
    meta: { name: spec.name, description: spec.description },
    args: { ...key, ...own, ...spec.more },
    async run({ rawArgs }) {
      const nameOf = (written: string) => names.get(written) ?? names.get(findName([...names.keys()], written) ?? '');
      const read = readArguments(rawArgs, (name) => {
        const known = nameOf(name);
        return known === undefined ? spec.isSwitch(name) : own[known]!.type === 'boolean';
      });
      const given = new Map<string, string | true>();
      for (const { name, value, flag } of read.options) {
        const known = nameOf(name);
        if (known !== undefined && value === null) {
          throw new Failure('usage', `The option ${flag} cannot be denied`);
        }
        if (known !== undefined && value !== 'false') {
          given.set(known, own[known]!.type === 'boolean' ? true : value!);
        }
      }
      const text = (name: string) => {
        const value = given.get(name);
        return typeof value === 'string' && value !== '' ? value : undefined;
      };
      const identity: Identity = {
        url: text('url') ?? text('server'),
        user: text('user'),
        password: text('password'),
      };
      await spec.run({
        key: keyIn(read, spec),
        own: (name) => given.get(name),
        options: read.options.filter(({ name }) => nameOf(name) === undefined),
        output: createOutput(given.has('json')),
        identity,
        client: () => openClient(identity),
      } as VerbContext);
    },
  });
}

function keyIn({ positionals }: Arguments, spec: VerbSpec): string {
  if (positionals.length > (spec.key === undefined ? 0 : 1)) {
    throw new Failure('usage', `There are more arguments than the command takes: ${positionals.at(-1)}; see --help`);
  }
  if (spec.key !== undefined && positionals.length === 0) {
    throw new Failure('usage', `Which one? Give ${spec.key}`);
  }
  return positionals[0] ?? '';
}

/** Where a member has the name of a connection option, the environment or a login says who calls. */
function connectionOf(members: ArgsDef): ArgsDef {
  const { url, user, password, json } = connectionArgs;
  const where: ArgsDef = 'url' in members ? { server: url } : { url };
  const who: ArgsDef = 'password' in members || 'user' in members ? {} : { user, password };
  return { ...where, ...who, json };
}
