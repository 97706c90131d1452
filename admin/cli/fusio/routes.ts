import { createHash } from 'node:crypto';
import type { ActionBook } from './actions.ts';
import { schemaReference } from './schemas.ts';
import { isObject, type Json, type Note } from './source.ts';

/** An operation made of a route; `earlier` are its older versions, to be put before it. */
export interface RoutedOperation {
  name: string;
  entry: Json;
  earlier: Json[];
}

/** Fusio 1.x: 4 development, 1 production, 2 deprecated, 3 closed. */
const stabilities: Record<number, number> = { 1: 2, 2: 0, 3: 0, 4: 1 };

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * Routes of Fusio 1.x to 3.x as operations: each method of a path is one. The highest version answers; an older one answers whom
 * asks for it (`Api-Version: 1.0.0`, or a media type with `.v1`).
 */
export function translateRoutes(
  routes: Record<string, unknown>,
  schemas: Record<string, unknown>,
  actions: ActionBook,
  notes: Note[],
): RoutedOperation[] {
  const made = new Map<string, RoutedOperation>();
  for (const [path, route] of Object.entries(routes)) {
    const versions = versionsOf(route);
    const found = [...new Set(versions.flatMap((version) => Object.keys(methodsOf(version))))];
    for (const method of found) {
      const about = `route ${method} ${path}`;
      if (!methods.includes(method.toUpperCase())) {
        notes.push({ kind: 'left out', about, message: 'there is no such HTTP method' });
        continue;
      }
      const among = versions.filter((version) => isObject(methodsOf(version)[method]));
      const entries = among.map((version) =>
        operationOf(path, method, route, version, { schemas, actions, notes, about }),
      );
      const [latest, ...older] = entries.reverse();
      if (latest === undefined) {
        continue;
      }
      const name = uniqueName(nameFor(path, method, methodsOf(among.at(-1)!)[method] as Json), made);
      made.set(name, {
        name,
        entry: older.length === 0 ? latest.entry : { ...latest.entry, stability: 1, tag: `${latest.version}.0.0` },
        earlier: older.reverse().map(({ entry, version }) => ({ name, ...entry, stability: 1, tag: `${version}.0.0` })),
      });
      const kept = older.map(({ version }) => `${version}.0.0`).reverse();
      const versioned = kept.length === 0 ? '' : `; Api-Version ${kept.join(', ')} still answers as before`;
      notes.push({ kind: 'translated', about, message: `is the operation ${name}${versioned}` });
    }
  }
  return [...made.values()];
}

interface Around {
  schemas: Record<string, unknown>;
  actions: ActionBook;
  notes: Note[];
  about: string;
}

function operationOf(path: string, method: string, route: unknown, version: Json, around: Around) {
  const { actions, notes, about } = around;
  const written = methodsOf(version)[method] as Json;
  const schema = (reference: unknown) => schemaReference(reference, about, notes);
  const responses = isObject(written.responses) ? written.responses : { 200: written.response };
  const [code, outgoing] = Object.entries(responses).find(([status]) => /^2\d\d$/.test(status)) ?? ['200', undefined];
  const throws = Object.entries(responses)
    .filter(([status]) => /^[45]\d\d$/.test(status))
    .map(([status, reference]) => [status, schema(reference)] as const)
    .filter(([, reference]) => reference !== null);
  const action = actions.reference(written.action);
  if (action === null) {
    notes.push({ kind: 'replace', about, message: 'it names no action' });
  }
  const status = Number(version.status ?? (isObject(route) ? route.status : undefined) ?? 4);
  const scopes = lists(written.scopes) ?? lists(version.scopes) ?? (isObject(route) ? lists(route.scopes) : null);
  const reads = ['POST', 'PUT', 'PATCH'].includes(method.toUpperCase());
  const parameters = parametersOf(written.parameters, around);
  return {
    version: Number(version.version ?? 1),
    entry: {
      active: written.active !== false && status !== 3,
      public: written.public === true,
      stability: stabilities[status] ?? 1,
      description: typeof written.description === 'string' ? written.description.slice(0, 500) : null,
      httpMethod: method.toUpperCase(),
      httpPath: path,
      httpCode: Number(code),
      parameters,
      incoming: reads ? (schema(written.request) ?? 'schema://Passthru') : null,
      outgoing: schema(outgoing) ?? 'schema://Passthru',
      throws: throws.length === 0 ? null : Object.fromEntries(throws),
      action: action ?? '',
      costs: Number(written.costs ?? 0),
      scopes: scopes ?? ['default'],
    } as Json,
  };
}

/** One version, a list of them, or (in backups of 2.x and 3.x) a list under `config`; the lowest first. */
function versionsOf(route: unknown): Json[] {
  const written = isObject(route) && Array.isArray(route.config) ? route.config : route;
  const versions = (Array.isArray(written) ? written : [written]).filter(isObject);
  return versions.sort((a, b) => Number(a.version ?? 1) - Number(b.version ?? 1));
}

function methodsOf(version: Json): Json {
  return isObject(version.methods) ? version.methods : {};
}

/** Query parameters were a schema: its properties are ours. */
function parametersOf(written: unknown, { schemas, notes, about }: Around): Json | null {
  if (isObject(written)) {
    return written;
  }
  if (typeof written !== 'string' || written === '') {
    return null;
  }
  const schema = schemas[written];
  const source = isObject(schema) && isObject(schema.source) ? schema.source : schema;
  if (!isObject(source) || !isObject(source.properties)) {
    notes.push({ kind: 'replace', about, message: `the query parameters of ${written} must be written by hand` });
    return null;
  }
  const members = ['type', 'format', 'enum', 'description', 'minimum', 'maximum', 'pattern', 'default'];
  return Object.fromEntries(
    Object.entries(source.properties)
      .filter(([name, property]) => /^[A-Za-z0-9_]+$/.test(name) && isObject(property))
      .map(([name, property]) => [
        name,
        Object.fromEntries(Object.entries(property as Json).filter(([member]) => members.includes(member))),
      ]),
  );
}

function lists(value: unknown): string[] | null {
  return Array.isArray(value) && value.length > 0 ? value.map(String) : null;
}

/** `GET /todo/:todo_id` → `todo.todo_id.get`, unless the method has a name of its own. */
function nameFor(path: string, method: string, written: Json): string {
  const given = written.operation_id ?? written.operationId;
  if (typeof given === 'string' && /^[a-zA-Z0-9_.]{3,64}$/.test(given)) {
    return given;
  }
  const parts = path
    .split('/')
    .map((part) =>
      part
        .replace(/<.*>$/, '')
        .replace(/[^A-Za-z0-9_]+/g, '_')
        .replace(/^_+|_+$/g, ''),
    )
    .filter((part) => part !== '');
  const name = [...(parts.length === 0 ? ['root'] : parts), method.toLowerCase()].join('.');
  const mark = createHash('sha256').update(`${method} ${path}`).digest('hex').slice(0, 8);
  return name.length <= 64 ? name : `${name.slice(0, 55)}_${mark}`;
}

function uniqueName(name: string, taken: ReadonlyMap<string, unknown>): string {
  for (let count = 1; ; count++) {
    const candidate = count === 1 ? name : `${name.slice(0, 60)}_${count}`;
    if (!taken.has(candidate)) {
      return candidate;
    }
  }
}
