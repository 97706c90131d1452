import type { Change } from '../../../worker/core/ports.ts';
import { type Complaint, Failure } from '../failure.ts';
import type { LoadedFile } from './load.ts';

/** The changes that a deploy file asks for. */
export interface Deployment {
  changes: Change[];
  /** Resources that have a section in the file: what `--prune` may delete of. */
  sections: string[];
  /** Where in the file a JSON Pointer of the request is written; null when nowhere. */
  pointer(requestPointer: string): string | null;
}

type Json = Record<string, unknown>;

/**
 * The sections in the order in which they are applied: what is referred to comes first. An entry's members are Fusio's JSON
 * members; the key of the entry is its name. What an entry does not say keeps its value; null empties it.
 */
const sections: Record<string, (name: string, entry: unknown) => Json> = {
  config: (_name, entry) => ({ value: entry }),
  taxonomy: object,
  connection: object,
  schema: schemaData,
  action: object,
  event: (name, entry) => withReferences(object(name, entry), { schema: ['schema'] }),
  cronjob: (name, entry) => withReferences(object(name, entry), { action: ['action'] }),
  trigger: (name, entry) => withReferences(object(name, entry), { action: ['action'] }),
  scope: object,
  operation: operationData,
  role: object,
  plan: object,
  rate: object,
  identity: object,
  agent: (name, entry) => withReferences(object(name, entry), { action: ['action'], schema: ['outgoing'] }),
};

/** Turns a loaded deploy file into changes. Throws Failure for sections and entries that are none. */
export function readDeployment(file: LoadedFile): Deployment {
  const complaints: Complaint[] = [];
  const complain = (pointer: string, rule: string, message: string) =>
    complaints.push({ message, rule, pointer, place: file.place(pointer) });
  const root = isObject(file.value) ? file.value : {};
  if (!isObject(file.value) && file.value !== null) {
    complain('', 'type', 'A deploy file is a map of sections');
  }
  for (const section of Object.keys(root)) {
    if (!Object.hasOwn(sections, section)) {
      complain(
        `/${token(section)}`,
        'section',
        `There is no section "${section}"; there are: ${Object.keys(sections).sort().join(', ')}`,
      );
    } else if (root[section] !== null && !isObject(root[section])) {
      complain(`/${section}`, 'type', `The section "${section}" must be a map of names`);
    }
  }
  const changes: Change[] = [];
  const places: { pointer: string; unwrapped: boolean }[] = [];
  for (const [section, convert] of Object.entries(sections)) {
    for (const [name, entry] of Object.entries(isObject(root[section]) ? root[section] : {})) {
      const pointer = `/${section}/${token(name)}`;
      try {
        const data = convert(name, entry);
        changes.push({ resource: section, verb: 'put', data: { name, ...data } });
        places.push({ pointer, unwrapped: section === 'config' || (section === 'schema' && !isWrapped(entry)) });
      } catch (thrown) {
        complain(pointer, 'type', (thrown as Error).message);
      }
    }
  }
  if (complaints.length > 0) {
    throw new Failure('usage', 'The deploy file cannot be used', { complaints });
  }
  return {
    changes,
    sections: Object.keys(sections).filter((section) => Object.hasOwn(root, section)),
    pointer: (requestPointer) => toFile(requestPointer, places),
  };
}

/** A deployment of one change is told its errors without `/changes/0/data` in front. */
function toFile(requestPointer: string, places: { pointer: string; unwrapped: boolean }[]): string | null {
  const match = /^\/changes\/(\d+)(?:\/data)?(.*)$/.exec(requestPointer.replace(/^\/body/, ''));
  const place = match === null ? (places.length === 1 ? places[0] : undefined) : places[Number(match[1])];
  if (place === undefined) {
    return null;
  }
  const inner = match === null ? requestPointer.replace(/^\/body/, '') : match[2]!;
  return place.pointer + (place.unwrapped ? inner.replace(/^\/(source|value)/, '') : inner);
}

function operationData(name: string, entry: unknown): Json {
  const data = withReferences(object(name, entry), { schema: ['incoming', 'outgoing'], action: ['action'] });
  const method = String(data.httpMethod ?? '').toUpperCase();
  if (data.incoming === undefined && ['POST', 'PUT', 'PATCH'].includes(method)) {
    data.incoming = 'schema://Passthru';
  }
  if (data.outgoing === undefined) {
    data.outgoing = 'schema://Passthru';
  }
  if (isObject(data.throws)) {
    data.throws = Object.fromEntries(
      Object.entries(data.throws).map(([code, schema]) => [code, refer('schema', schema)]),
    );
  }
  return data;
}

/** The entry is the schema itself, as an object or as JSON text; or an object that holds it as `source`. */
function schemaData(name: string, entry: unknown): Json {
  let value = entry;
  if (typeof entry === 'string') {
    try {
      value = JSON.parse(entry);
    } catch {
      throw new Error(`The schema "${name}" is a text that is no JSON`);
    }
  }
  return isWrapped(value) ? object(name, value) : { source: object(name, value) };
}

/** `source` is no keyword of JSON Schema or TypeSchema. */
function isWrapped(entry: unknown): boolean {
  return isObject(entry) && isObject(entry.source);
}

function withReferences(data: Json, members: Record<string, string[]>): Json {
  const changed = { ...data };
  for (const [scheme, names] of Object.entries(members)) {
    for (const name of names) {
      if (name in changed) {
        changed[name] = refer(scheme, changed[name]);
      }
    }
  }
  return changed;
}

/** A bare name means a schema or action of that name. */
function refer(scheme: string, reference: unknown): unknown {
  return typeof reference === 'string' && reference !== '' && !reference.includes('://')
    ? `${scheme}://${reference}`
    : reference;
}

function object(name: string, entry: unknown): Json {
  if (!isObject(entry)) {
    throw new Error(`The entry "${name}" must be a map`);
  }
  return { ...entry };
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function token(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
