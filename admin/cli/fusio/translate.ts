import { ActionBook, type KnownClasses } from './actions.ts';
import { translateRoutes } from './routes.ts';
import { schemaReference, translateSchema } from './schemas.ts';
import { type FusioConfig, isObject, type Json, type Note } from './source.ts';

/** What an import sends: a backup in the form that the gateway takes, and what is to be said about it. */
export interface Translation {
  backup: Record<string, Json[]>;
  notes: Note[];
}

/** Sections that come along as they are, but for their references. */
const plain = ['taxonomy', 'event', 'cronjob', 'trigger', 'scope', 'role', 'plan', 'rate', 'identity', 'agent'];

/** Schemas and connections that every installation has, here as there. */
const seeded = ['Passthru', 'Message', 'System'];

/** Sections of Fusio that no configuration of ours has, and where their content goes. */
const elsewhere: Record<string, string> = {
  migration: 'PHP migrations do not run here: write the tables as numbered SQL files, which "postern migrate" applies',
  user: 'give a dump of the table of users with --users',
  app: 'apps keep secrets that a backup does not have: make them anew',
};

/** Fusio's configuration in our words: sections, classes, references and the routes of 1.x to 3.x. Nothing is dropped unsaid. */
export function translateFusio(config: FusioConfig, known: KnownClasses): Translation {
  const notes = [...config.notes];
  const { sections, folder } = config;
  const actions = new ActionBook(folder, known, notes);
  const entriesOf = (...names: string[]): [string, Json][] =>
    names.flatMap((name) =>
      Object.entries(sections[name] ?? {}).map(([key, entry]): [string, Json] => [key, isObject(entry) ? entry : {}]),
    );
  const backup: Record<string, Json[]> = {
    config: Object.entries(sections.config ?? {}).map(([name, value]) => ({ name, value })),
    connection: entriesOf('connection')
      .filter(([name]) => !seeded.includes(name))
      .map(([name, entry]) => ({ name, ...actions.connection(name, entry) })),
    schema: Object.entries(sections.schema ?? {})
      .filter(([name]) => !seeded.includes(name))
      .map(([name, entry]) => ({ name, ...(translateSchema(name, entry, notes) as Json) })),
  };
  for (const [name, entry] of entriesOf('action')) {
    actions.add(name, entry);
  }
  const routed = translateRoutes({ ...sections.routes, ...sections.route }, sections.schema ?? {}, actions, notes);
  const operations = entriesOf('operation')
    .filter(([name, { action }]) => {
      const own = /^(php\+class:\/\/)?\\?Fusio[.\\]Impl[.\\]\w+[.\\]Action/.test(String(action));
      if (own) {
        notes.push({
          kind: 'left out',
          about: `operation ${name}`,
          message: 'it is part of Fusio itself, and so it is of Postern',
        });
      }
      return !own;
    })
    .map(([name, entry]) => operation(name, entry, folder !== null, actions, notes));
  for (const section of plain) {
    backup[section] = entriesOf(section).map(([name, entry]) => {
      const { routes, ...rest } = entry;
      if (routes !== undefined) {
        notes.push({
          kind: 'left out',
          about: `${section} ${name}`,
          message: 'its routes: scopes are named by the operations',
        });
      }
      return {
        name,
        ...rest,
        ...(typeof rest.action === 'string' ? { action: actions.reference(rest.action) } : {}),
        ...(typeof rest.schema === 'string'
          ? { schema: schemaReference(rest.schema, `${section} ${name}`, notes) }
          : {}),
        ...(section === 'rate' ? { allocation: allocation(name, rest.allocation, notes) } : {}),
      };
    });
  }
  backup.operation = [...routed.flatMap(({ name, entry, earlier }) => [...earlier, { name, ...entry }]), ...operations];
  backup.action = Object.entries(actions.entries).map(([name, entry]) => ({ name, ...entry }));
  const taken = ['config', 'connection', 'schema', 'action', 'operation', 'routes', 'route', ...plain];
  for (const section of Object.keys(sections).filter((name) => !taken.includes(name))) {
    const message = elsewhere[section] ?? 'there is nothing of the kind here';
    notes.push({ kind: 'left out', about: `section ${section}`, message });
  }
  return { backup, notes };
}

/** Deploy files mean Passthru where they say nothing; backups mean nothing. */
function operation(name: string, entry: Json, file: boolean, actions: ActionBook, notes: Note[]): Json {
  const about = `operation ${name}`;
  const reads = ['POST', 'PUT', 'PATCH'].includes(String(entry.httpMethod).toUpperCase());
  const initial = file ? 'Passthru' : null;
  const throws = isObject(entry.throws)
    ? Object.fromEntries(
        Object.entries(entry.throws)
          .map(([code, schema]) => [code, schemaReference(schema, about, notes)] as const)
          .filter(([, reference]) => reference !== null),
      )
    : null;
  return {
    name,
    ...entry,
    incoming: schemaReference(entry.incoming ?? (reads ? initial : null), about, notes),
    outgoing: schemaReference(entry.outgoing ?? initial, about, notes),
    throws,
    action: actions.reference(entry.action) ?? '',
  };
}

/** Rates of 1.x name routes by number and carry conditions of their own: only what holds for everybody, or by login, is the same here. */
function allocation(name: string, written: unknown, notes: Note[]): Json[] {
  const entries = (Array.isArray(written) ? written : []).filter(isObject);
  return entries.flatMap(({ id, rateId, parameters, ...rest }) => {
    const foreign = ['routeId', 'route', 'appId', 'app', 'userId', 'planId', 'operationId'].filter(
      (member) => rest[member] !== undefined && rest[member] !== null,
    );
    if (foreign.length > 0) {
      notes.push({
        kind: 'left out',
        about: `rate ${name}`,
        message: `an allocation by ${foreign.join(', ')}: ids differ here`,
      });
      return [];
    }
    return [rest];
  });
}
