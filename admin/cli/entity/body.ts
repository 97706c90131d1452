import { existsSync } from 'node:fs';
import { readStdin } from '../ask.ts';
import { loadFile } from '../deploy/load.ts';
import { type Complaint, Failure, type Place } from '../failure.ts';
import type { Option } from './arguments.ts';
import { classOf, type Member, membersOf } from './registry.ts';
import { flagOf, type Given, overlay, readMembers } from './values.ts';

/** What a creation or an update sends, and where each member of it was written. */
export interface Body {
  data: Record<string, unknown>;
  /** Members of which options gave a part and the file nothing: the rest of them is what the gateway has. */
  partial: string[];
  /** `data` with the rest of `partial` filled in. */
  over(entity: Record<string, unknown>): Record<string, unknown>;
  /** Says a complaint of the gateway where the value was written. */
  placed(complaint: Complaint): Complaint;
}

/** Members from a file (`-`: the standard input) and from options, which win. Throws Failure that names all that is wrong. */
export async function readBody(noun: string, options: readonly Option[], file: string | undefined): Promise<Body> {
  const loaded = file === undefined ? undefined : await load(file);
  const base = loaded?.data ?? {};
  const named = options.find(({ name }) => name === 'class')?.value ?? base.class;
  const className = typeof named === 'string' ? named : undefined;
  if (className !== undefined && hasClasses(noun) && classOf(noun, className) === undefined) {
    throw new Failure('usage', `There is no class ${className}; "postern ${noun} classes" lists them`);
  }
  const members = membersOf(noun, className);
  const given = readMembers(options, members);
  if (given.complaints.length > 0) {
    throw new Failure('usage', 'The options cannot be used', { complaints: given.complaints });
  }
  return {
    data: overlay(base, given),
    partial: [...given.partial].filter((member) => !Object.hasOwn(base, member)),
    over: (entity) => overlay({ ...entity, ...base }, given),
    placed: (complaint) => placed(complaint, given, members, loaded?.place, base),
  };
}

function hasClasses(noun: string): boolean {
  return noun === 'action' || noun === 'connection';
}

interface Loaded {
  data: Record<string, unknown>;
  place(pointer: string): Place;
}

async function load(file: string): Promise<Loaded> {
  if (file !== '-' && !existsSync(file)) {
    throw new Failure('usage', `${file} does not exist`);
  }
  const loaded =
    file === '-' ? loadFile('standard input', { env: null, text: await readStdin() }) : loadFile(file, { env: null });
  const { value } = loaded;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Failure('usage', `${file === '-' ? 'The standard input' : file} must hold one object`);
  }
  return { data: value as Record<string, unknown>, place: loaded.place };
}

function placed(
  complaint: Complaint,
  given: Given,
  members: Record<string, Member>,
  place: Loaded['place'] | undefined,
  base: Record<string, unknown>,
): Complaint {
  const pointer = complaint.pointer?.replace(/^\/body(?=\/|$)/, '');
  if (pointer === undefined) {
    return complaint;
  }
  const member = pointer.split('/')[1] ?? '';
  const byOption = [...given.flags.keys()].some((at) => at === `/${member}` || at.startsWith(`/${member}/`));
  return place !== undefined && !byOption && Object.hasOwn(base, member)
    ? { ...complaint, pointer, place: place(pointer) }
    : { ...complaint, pointer, flag: flagOf(pointer, given, members) };
}
