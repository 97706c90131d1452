import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Document, Scalar } from 'yaml';
import { Failure } from '../failure.ts';

type Json = Record<string, unknown>;

/** The configuration as the gateway exports it: section → name → entry. */
export type Export = Record<string, Record<string, unknown>>;

/** A file to write, relative to the folder of the deploy file. */
export interface WrittenFile {
  name: string;
  text: string;
}

const header =
  '# The configuration of a Postern gateway, as "postern export" wrote it; "postern deploy" applies it.\n# Secrets are no part of it: they come from environment variables.\n';

/** From this size on the sections become files of their own, bytes. */
const largeFile = 200_000;

/**
 * The files that hold an export: one, or when it is large (or `split` says so) one for each section and each schema,
 * included by the first. What they hold deploys without a change.
 */
export function writeExport(exported: Export, name: string, split?: boolean): WrittenFile[] {
  const sections = Object.fromEntries(
    Object.entries(exported).map(([section, entries]) => [section, entriesOf(section, entries)]),
  );
  if (!(split ?? JSON.stringify(exported).length > largeFile)) {
    return [{ name, text: header + toYaml(sections) }];
  }
  const files: WrittenFile[] = [];
  const root: Json = {};
  for (const [section, entries] of Object.entries(sections)) {
    const file = `resources/${section}.yaml`;
    root[section] = include(file);
    if (section !== 'schema') {
      files.push({ name: file, text: toYaml(entries) });
      continue;
    }
    const names = fileNames(Object.keys(entries));
    const included = Object.keys(entries).map((schema): [string, Scalar] => [
      schema,
      include(`schema/${names.get(schema)}`),
    ]);
    files.push({ name: file, text: toYaml(Object.fromEntries(included)) });
    for (const [schema, entry] of Object.entries(entries)) {
      files.push({ name: `resources/schema/${names.get(schema)}`, text: `${JSON.stringify(entry, null, 2)}\n` });
    }
  }
  return [{ name, text: header + toYaml(root) }, ...files];
}

/** Writes the files beside each other; without `force` none may be there. */
export function saveFiles(folder: string, files: readonly WrittenFile[], force: boolean): void {
  const present = files.find((file) => existsSync(join(folder, file.name)));
  if (present !== undefined && !force) {
    throw new Failure('usage', `${join(folder, present.name)} is there already; --force overwrites it`);
  }
  for (const file of files) {
    const path = join(folder, file.name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file.text);
  }
}

/** Entries in the form that a person would write. */
function entriesOf(section: string, entries: Record<string, unknown>): Json {
  const convert: Record<string, (entry: Json) => unknown> = {
    schema: schemaEntry,
    operation: operationEntry,
    connection: withSecrets,
    identity: withSecrets,
  };
  return Object.fromEntries(
    Object.entries(entries).map(([name, entry]) => {
      const converted = isObject(entry) ? (convert[section]?.(entry) ?? entry) : entry;
      return [name, ['connection', 'identity'].includes(section) ? converted : literal(converted)];
    }),
  );
}

/** The source alone, where there is nothing else to say. */
function schemaEntry({ source, ...rest }: Json): unknown {
  const alone = Object.values(rest).every((value) => value === null) && isObject(source) && !isObject(source.source);
  return alone ? source : { source, ...rest };
}

/** What a deploy file leaves out means Passthru, so an operation without a contract says null. */
function operationEntry(entry: Json): Json {
  const named: Json = {};
  for (const [member, value] of Object.entries(entry)) {
    named[member] = ['action', 'incoming', 'outgoing'].includes(member) ? bare(value) : value;
  }
  const reads = ['POST', 'PUT', 'PATCH'].includes(String(entry.httpMethod));
  return {
    ...named,
    ...(reads ? { incoming: named.incoming ?? null } : {}),
    outgoing: named.outgoing ?? null,
  };
}

/** Secrets come as placeholders, also inside maps such as headers; quoted, so that whatever the variable holds is a text. */
function withSecrets(entry: Json): Json {
  const { config, ...rest } = entry;
  return { ...(literal(rest) as Json), config: isObject(config) ? placeholders(config) : literal(config) };
}

function placeholders(value: unknown): unknown {
  if (isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, placeholders(inner)]));
  }
  const secret = typeof value === 'string' && /^\$\{env\.[A-Za-z0-9_]+\}$/.test(value);
  return secret ? quoted(value) : literal(value);
}

/** `schema://Name` → `Name`; references of other kinds, or to a commit, as they are. */
function bare(reference: unknown): unknown {
  return typeof reference === 'string'
    ? reference.replace(/^(?:schema|action):\/\/([A-Za-z0-9_-]+)$/, '$1')
    : reference;
}

/** Text that reads like a variable is none: it gets one more `$`. */
function literal(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$\{env\.[A-Za-z_][A-Za-z0-9_]*\}/g, (text) => `$${text}`);
  }
  if (Array.isArray(value)) {
    return value.map(literal);
  }
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, member]) => [key, literal(member)]))
    : value;
}

function quoted(text: string): Scalar {
  const scalar = new Scalar(text);
  scalar.type = Scalar.QUOTE_DOUBLE;
  return scalar;
}

function include(file: string): Scalar {
  const scalar = new Scalar(file);
  scalar.tag = '!include';
  return scalar;
}

function toYaml(value: Json): string {
  return new Document(value, { aliasDuplicateObjects: false }).toString({ lineWidth: 0 });
}

/** Names of files that differ also where the file system does not know capitals. */
function fileNames(names: readonly string[]): Map<string, string> {
  const taken = new Set<string>();
  return new Map(
    names.map((name) => {
      let candidate = name;
      for (let count = 2; taken.has(candidate.toLowerCase()); count++) {
        candidate = `${name}~${count}`;
      }
      taken.add(candidate.toLowerCase());
      return [name, `${candidate}.json`];
    }),
  );
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
