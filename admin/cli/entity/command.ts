import { type CommandDef, defineCommand, type SubCommandsDef } from 'citty';
import pc from 'picocolors';
import { stringify } from 'yaml';
import { confirm } from '../ask.ts';
import type { Client } from '../client.ts';
import { command } from '../command.ts';
import { userAdd } from '../commands/user-add.ts';
import { type Complaint, Failure } from '../failure.ts';
import { table } from '../output.ts';
import { readBody } from './body.ts';
import { listVerb } from './list.ts';
import { classIn, memberOptions } from './options.ts';
import { type Entity, membersOf, registry } from './registry.ts';
import { type VerbContext, verb } from './run.ts';
import { findMember } from './values.ts';

interface Answer {
  success: boolean;
  message: string;
  id?: string;
}

const fileArgs = {
  file: {
    type: 'string',
    alias: 'f',
    description: 'YAML or JSON file with the members; "-": standard input',
    valueHint: 'FILE',
  },
} as const;

/** The commands of one entity: a verb for each operation of its management API. `words`: the command line, for the help of a class. */
export function entityCommand(noun: string, words: readonly string[] = []): CommandDef<any> {
  const entity = registry.entities[noun]!;
  const make = { list: listVerb, get: getVerb, create: createVerb, update: updateVerb, delete: deleteVerb };
  const verbs = entity.verbs.map((name) => [name, () => make[name](noun, entity, words)] as const);
  const more: SubCommandsDef =
    noun === 'action' || noun === 'connection'
      ? { classes: () => classesVerb(noun) }
      : noun === 'user'
        ? { add: () => userAdd }
        : {};
  return defineCommand({
    meta: { name: noun, description: entity.description },
    subCommands: { ...Object.fromEntries(verbs), ...more },
  });
}

/** The path of one: by id, `~name` or name. */
function pathOf(noun: string, key: string): string {
  const { named } = registry.entities[noun]!;
  if (!/^\d+$/.test(key) && named === null) {
    throw new Failure('usage', `"${key}" is no id of ${aOrAn(noun)}`);
  }
  const written = /^\d+$/.test(key) || key.startsWith('~') ? key : `~${key}`;
  return `/backend/${noun}/${encodeURIComponent(written).replace('%7E', '~')}`;
}

function keyHelp(entity: Entity): string {
  return entity.named === null ? 'Id' : `Id, ${entity.named} or ~${entity.named}`;
}

function getVerb(noun: string, entity: Entity): CommandDef<any> {
  return verb({
    name: 'get',
    description: `Show one ${noun}, as YAML that create and update take`,
    key: keyHelp(entity),
    args: {},
    more: {},
    isSwitch: () => false,
    async run({ key, options, client, output }) {
      refuse(options);
      const found = await (await client()).get<Record<string, unknown>>(pathOf(noun, key));
      output.result(found, () => stringify(found, { lineWidth: 0 }));
    },
  });
}

function createVerb(noun: string, _entity: Entity, words: readonly string[]): CommandDef<any> {
  return writeVerb(noun, words, {
    name: 'create',
    description: `Create ${aOrAn(noun)} from options, a file, or both: options win`,
    async run({ own, options, client, output }) {
      const body = await readBody(noun, options, fileOf(own('file')));
      const missing = registry.entities[noun]!.required.filter((member) => (body.data[member] ?? '') === '');
      if (missing.length > 0) {
        const complaints = missing.map((member) =>
          body.placed({ pointer: `/${member}`, rule: 'required', message: 'is needed' }),
        );
        throw new Failure('usage', `More is needed for ${aOrAn(noun)}`, { complaints });
      }
      const answer = await sending(body.placed, (await client()).send<Answer>('POST', `/backend/${noun}`, body.data));
      output.result(answer, () => `${answer.message}: ${pc.bold(answer.id ?? '')}`);
    },
  });
}

function updateVerb(noun: string, entity: Entity, words: readonly string[]): CommandDef<any> {
  return writeVerb(noun, words, {
    name: 'update',
    description: `Change members of ${aOrAn(noun)}; the others keep their values, --no-MEMBER empties one`,
    key: keyHelp(entity),
    async run({ key, own, options, client, output }) {
      const path = pathOf(noun, key);
      const file = fileOf(own('file'));
      if (options.length === 0 && file === undefined) {
        throw new Failure('usage', 'Nothing is to be changed: give options or --file');
      }
      const body = await readBody(noun, options, file);
      const api = await client();
      const data = body.partial.length === 0 ? body.data : await completed(api, path, body);
      const answer = await sending(body.placed, api.send<Answer>('PUT', path, data));
      output.result(answer, () => `${answer.message}: ${pc.bold(answer.id ?? '')}`);
    },
  });
}

/** `--config.url=…` changes a part of a member that is written whole: the rest is what the gateway has. */
async function completed(api: Client, path: string, body: Awaited<ReturnType<typeof readBody>>) {
  const entity = await api.get<Record<string, unknown>>(path);
  const kept = Object.fromEntries(body.partial.map((member) => [member, entity[member] ?? {}]));
  return body.over(kept);
}

function deleteVerb(noun: string, entity: Entity): CommandDef<any> {
  return verb({
    name: 'delete',
    description: `Delete one ${noun}`,
    key: keyHelp(entity),
    args: { yes: { type: 'boolean', alias: 'y', description: 'Do not ask' } },
    more: {},
    isSwitch: () => false,
    async run({ key, own, options, client, output }) {
      refuse(options);
      const path = pathOf(noun, key);
      const api = await client();
      if (own('yes') === undefined) {
        const found = await api.get<Record<string, unknown>>(path);
        const name = String(found[entity.named ?? 'id'] ?? found.id);
        await confirm(`Delete the ${noun} ${name}?`, '--yes');
      }
      const answer = await api.send<Answer>('DELETE', path);
      output.result(answer, () => `${answer.message}: ${pc.bold(answer.id ?? key)}`);
    },
  });
}

function classesVerb(noun: 'action' | 'connection'): CommandDef<any> {
  return command({
    name: 'classes',
    description: `List the classes that ${aOrAn(noun)} can have`,
    async run({ output }) {
      const classes = Object.entries(registry.classes[noun]).map(([name, { title }]) => ({ class: name, title }));
      output.result(classes, () => table(classes.map((entry) => [pc.bold(entry.class), entry.title])));
    },
  });
}

function writeVerb(
  noun: string,
  words: readonly string[],
  spec: { name: 'create' | 'update'; description: string; key?: string; run(context: VerbContext): Promise<void> },
): CommandDef<any> {
  const named = classIn(noun, words);
  const members = membersOf(noun, named);
  return verb({
    ...spec,
    args: fileArgs,
    more: memberOptions(noun, members, spec.name === 'create'),
    isSwitch: (name) => findMember(members, name)?.schema.type === 'boolean',
  });
}

/** Says what the gateway complains of by options and places in files. */
async function sending<T>(placed: (complaint: Complaint) => Complaint, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (thrown) {
    throw thrown instanceof Failure ? thrown.map(placed) : thrown;
  }
}

function refuse(options: VerbContext['options']): void {
  const [first] = options;
  if (first !== undefined) {
    throw new Failure('usage', `There is no option ${first.flag}; see --help`);
  }
}

function aOrAn(noun: string): string {
  return `${/^[aeio]/.test(noun) ? 'an' : 'a'} ${noun}`;
}

function fileOf(value: string | true | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
