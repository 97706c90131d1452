import { Type } from 'typebox';
import type { Call, Input } from '../../core/call.ts';
import { ApiError, invalidAt } from '../../core/errors.ts';
import type { Change, ChangeResult } from '../../core/ports.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { secretsOf } from '../../lib/derive.ts';
import { isObject } from '../../lib/json.ts';
import { isEnvelope, open } from '../../lib/seal.ts';
import { isStablySealed, openStably, sealStably } from '../../lib/stable-seal.ts';
import type { Reader } from '../../resources/authority-read.ts';
import { actorOf } from '../../resources/crud.ts';
import { resources } from '../../resources/index.ts';
import { applyPins, namePins } from './backup-pins.ts';
import { exportAll, rowsOf } from './deploy.ts';
import { keptBackups, readKept } from './kept-backups.ts';

/** What marks a backup of our own: it is taken as a whole or not at all. */
const version = 'postern-1';
/** Sections in the order in which they are applied: what is referred to comes first. */
const order = [
  ...['config', 'taxonomy', 'connection', 'schema', 'action', 'event', 'cronjob', 'trigger', 'scope', 'operation'],
  ...['role', 'plan', 'rate', 'identity', 'agent'],
];
const sealedKinds = ['connection', 'identity'];
/** Entries of a foreign backup that may be left out before the import is given up. */
const mostSkipped = 100;

type Entry = Record<string, unknown>;

/** The configuration as one JSON text, in Fusio's form: section → list of entries. The same configuration gives the same bytes. */
export const backupOperations: readonly SystemOperation[] = [
  {
    name: 'backend.backup.export',
    method: 'POST',
    path: '/backend/backup/export',
    description: 'Returns the configuration as one text; its secrets are sealed and open in this installation only',
    scope: 'backend.backup',
    incoming: Type.Object({
      kept: Type.Optional(Type.String({ description: 'The backup of that name that the platform made by itself' })),
    }),
    outgoing: Type.Object({ export: Type.String() }),
    async run(call, input) {
      const { kept } = (input.body ?? {}) as { kept?: string };
      return { export: kept === undefined ? await exportText(call) : await readKept(call, kept) };
    },
  },
  {
    name: 'backend.backup.getAll',
    method: 'GET',
    path: '/backend/backup',
    description: 'Lists the backups that the platform made by itself, newest first',
    scope: 'backend.backup',
    outgoing: Type.Object({ entry: Type.Array(Type.Object({ name: Type.String(), bytes: Type.Integer() })) }),
    run: async (call) => ({ entry: await keptBackups(call.runtime.env, call.tenant) }),
  },
  {
    name: 'backend.backup.import',
    method: 'POST',
    path: '/backend/backup/import',
    description: 'Applies a backup, of this product or of Fusio, as one publish; says what could not be taken over',
    scope: 'backend.backup',
    options: { bodyLimit: 8_000_000 },
    incoming: Type.Object({
      import: Type.String({ description: 'The text of an export' }),
      plan: Type.Optional(Type.Boolean({ description: 'Say what would be done, change nothing' })),
    }),
    outgoing: Type.Object({
      success: Type.Boolean(),
      message: Type.String(),
      logs: Type.Array(Type.String(), { description: 'What was left out, and what was done or would be' }),
      skipped: Type.Array(Type.String(), { description: 'What was left out, and why' }),
      results: Type.Array(Type.Object({}), { description: 'With plan: each change, with the members that differ' }),
    }),
    run: importText,
  },
];

/** The text of an export. */
export async function exportText(call: Reader): Promise<string> {
  const sections = await exportAll(call);
  for (const kind of sealedKinds) {
    for (const row of await rowsOf(call, resources.get(kind)!)) {
      const entry = sections[kind]?.[row.name] as Entry | undefined;
      if (entry !== undefined) {
        entry.config = await sealed(call, row.config, `${kind}/${row.name}`, `${kind}/${row.id}`);
      }
    }
  }
  for (const { name, versions } of await rowsOf(call, resources.get('operation')!)) {
    const tags = Object.keys(versions ?? {}).sort();
    if (tags.length > 0) {
      (sections.operation![name] as Entry).versions = Object.fromEntries(tags.map((tag) => [tag, versions[tag]]));
    }
  }
  const pins = await namePins(call, sections);
  const lists = order
    .filter((section) => sections[section] !== undefined)
    .map((section) => [
      section,
      Object.entries(sections[section]!).map(([name, entry]) => entryOf(section, name, entry)),
    ]);
  const whole = { version, ...Object.fromEntries(lists), ...(pins.length === 0 ? {} : { pin: pins }) };
  return JSON.stringify(whole, null, 4);
}

function entryOf(section: string, name: string, entry: unknown): Entry {
  return section === 'config' ? { name, value: entry } : { name, ...(entry as Entry) };
}

/** Envelopes are bound to the id of their row, which an import does not keep: they are sealed anew for the name. */
async function sealed(call: Reader, value: unknown, named: string, stored: string): Promise<unknown> {
  const secrets = secretsOf(call.runtime.env);
  if (isEnvelope(value)) {
    return sealStably(await open(value, `${call.tenant}/${stored}`, secrets), `${call.tenant}/${named}`, secrets);
  }
  if (!isObject(value)) {
    return value;
  }
  const members = Object.entries(value).map(
    async ([member, inner]) =>
      [member, await sealed(call, inner, `${named}/${member}`, `${stored}/${member}`)] as const,
  );
  return Object.fromEntries(await Promise.all(members));
}

async function importText(call: Call, input: Input) {
  const { import: text, plan = false } = input.body as { import: string; plan?: boolean };
  const backup = parse(text);
  const logs: string[] = [];
  let changes = await changesOf(call, backup, logs);
  let planned: ChangeResult[] = [];
  const foreign = backup.version !== version;
  const request = { tenant: call.tenant, actor: actorOf(call), message: 'Imported a backup' };
  for (let skipped = 0; foreign && changes.length > 0; skipped++) {
    const fault = await firstFault(call, { ...request, changes });
    if (fault === null) {
      break;
    }
    const { index, message } = fault;
    if (index === null || skipped === mostSkipped) {
      throw new ApiError('invalid_body', `The backup cannot be imported: ${message}`);
    }
    logs.push(`Skipped ${nameOf(changes[index]!)}: ${message}`);
    changes = changes.filter((_, position) => position !== index);
  }
  const skipped = [...logs];
  if (changes.length > 0) {
    const { head, results } = await call.runtime.publishing.commit({ ...request, changes, plan });
    call.headers.set('X-Config-Revision', String(head.revision));
    planned = plan ? results : [];
    const words = { create: 'Created', update: 'Updated', delete: 'Deleted' } as const;
    for (const { verb, resource, name } of results) {
      if (verb !== 'none') {
        logs.push(`${words[verb]} ${resource} ${name}`);
      }
    }
  }
  return {
    success: true,
    message: plan ? 'Nothing was changed' : 'Import successful',
    logs,
    skipped,
    results: planned,
  };
}

function parse(text: string): Record<string, unknown> {
  try {
    const backup: unknown = JSON.parse(text);
    if (isObject(backup)) {
      return backup;
    }
  } catch {
    // Said below.
  }
  throw invalidAt('/import', 'The import must be the JSON text of an export', 'json');
}

async function changesOf(call: Call, backup: Record<string, unknown>, logs: string[]): Promise<Change[]> {
  const changes: Change[] = [];
  const settings = new Set((await rowsOf(call, resources.get('config')!)).map((row) => row.name));
  for (const section of order) {
    const entries = backup[section];
    for (const entry of (Array.isArray(entries) ? entries : []) as Entry[]) {
      const name = String(entry?.name);
      const resource = resources.get(section)!;
      if (section === 'config' && !settings.has(name)) {
        logs.push(`Skipped config ${name}: there is no such setting`);
      } else if (section === 'config' || !isSeeded(resource.seeded, section, name)) {
        const data: Entry = section === 'config' ? { name, value: entry.value } : { ...entry };
        if (sealedKinds.includes(section)) {
          data.config = await opened(call, entry.config, `${section}/${name}`, logs);
        }
        changes.push({ resource: section, verb: 'put', data });
      }
    }
  }
  return applyPins(call, backup, changes);
}

/** What every installation has stays as it is here, but for roles, whose scopes are the operator's. */
function isSeeded(seeded: readonly string[], section: string, name: string): boolean {
  return section !== 'role' && seeded.includes(name);
}

async function opened(call: Call, value: unknown, place: string, logs: string[]): Promise<unknown> {
  if (isStablySealed(value)) {
    const plain = await openStably(value, `${call.tenant}/${place}`, secretsOf(call.runtime.env));
    if (plain === null) {
      logs.push(`The secret ${place} was sealed elsewhere: set it by hand`);
    }
    return plain;
  }
  if (!isObject(value)) {
    return value;
  }
  const members = Object.entries(value).map(
    async ([member, inner]) => [member, await opened(call, inner, `${place}/${member}`, logs)] as const,
  );
  return Object.fromEntries(await Promise.all(members));
}

/** Why the changes would be refused, and which one is to blame; null when they would not be. */
async function firstFault(
  call: Call,
  request: Parameters<Call['runtime']['publishing']['commit']>[0],
): Promise<{ index: number | null; message: string } | null> {
  try {
    await call.runtime.publishing.commit({ ...request, plan: true });
    return null;
  } catch (thrown) {
    if (!(thrown instanceof ApiError) || thrown.status >= 500) {
      throw thrown;
    }
    const pointer = thrown.errors?.[0]?.pointer ?? '';
    const index = /^(?:\/body)?\/changes\/(\d+)/.exec(pointer)?.[1];
    return {
      index: index !== undefined ? Number(index) : request.changes.length === 1 ? 0 : null,
      message: thrown.message,
    };
  }
}

function nameOf({ resource, data }: Change): string {
  return `${resource} ${String(data?.name)}`;
}
