import { and, eq, gt } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { Type } from 'typebox';
import type { Call, Input } from '../../core/call.ts';
import { type ApiError, invalidAt } from '../../core/errors.ts';
import type { Change } from '../../core/ports.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { isObject } from '../../lib/json.ts';
import { type Reader, visibleTo } from '../../resources/authority-read.ts';
import { maskConfig } from '../../resources/connection-secrets.ts';
import { actorOf } from '../../resources/crud.ts';
import { columnOf, type Resource, type Row } from '../../resources/define.ts';
import { resources } from '../../resources/index.ts';
import { readUpload } from './upload.ts';

/** Largest deploy in one request; larger ones are uploaded in parts. */
const bodyLimit = 8_000_000;

/** The configuration as a whole: one atomic publish of many changes, a plan of it, and its export in deploy-file form. */
export const deployOperations: readonly SystemOperation[] = [
  {
    name: 'backend.deploy.apply',
    method: 'POST',
    path: '/backend/deploy',
    description: 'Applies many changes as one publish, or shows what they would change',
    scope: 'backend.deploy',
    options: { bodyLimit },
    incoming: Type.Object({
      changes: Type.Optional(
        Type.Array(
          Type.Object({
            resource: Type.String(),
            verb: Type.Enum(['create', 'update', 'delete', 'put']),
            key: Type.Optional(Type.String()),
            data: Type.Optional(Type.Object({})),
          }),
        ),
      ),
      prune: Type.Optional(
        Type.Array(Type.String(), { description: 'Resources of which everything unnamed is deleted' }),
      ),
      plan: Type.Optional(Type.Boolean()),
      message: Type.Optional(Type.String({ maxLength: 500 })),
      upload: Type.Optional(Type.String({ description: 'Upload that holds this body' })),
    }),
    run: apply,
  },
  {
    name: 'backend.deploy.export',
    method: 'GET',
    path: '/backend/deploy',
    description: 'Returns the configuration in the form of a deploy file',
    scope: 'backend.deploy',
    run: (call) => exportAll(call),
  },
];

interface Deployment {
  changes?: Change[];
  prune?: string[];
  plan?: boolean;
  message?: string;
  upload?: string;
}

async function apply(call: Call, input: Input) {
  const body = (input.body ?? {}) as Deployment;
  const deployment =
    body.upload === undefined
      ? body
      : { ...((await readUpload(call.runtime.env, call.tenant, body.upload)) as Deployment), plan: body.plan };
  const changes = deployment.changes ?? [];
  if (!Array.isArray(changes)) {
    throw invalid('/changes', 'must be a list');
  }
  changes.forEach((change, index) => {
    if (!isObject(change) || resources.get(change.resource)?.versioned !== true) {
      throw invalid(`/changes/${index}/resource`, `"${String(change?.resource)}" is not part of a deployment`);
    }
  });
  const pruned = await pruneChanges(call, deployment.prune ?? [], changes);
  const { head, results } = await call.runtime.publishing.commit({
    tenant: call.tenant,
    changes: [...changes, ...pruned],
    actor: actorOf(call),
    message: deployment.message ?? 'Deployed',
    plan: deployment.plan ?? false,
  });
  call.headers.set('X-Config-Revision', String(head.revision));
  return { revision: head.revision, results };
}

/** Deletes what the files no longer hold. Seeded rows stay; operations go first, for the others may be in use by them. */
async function pruneChanges(call: Call, names: string[], changes: Change[]): Promise<Change[]> {
  const pruned: Change[] = [];
  for (const resource of resources.values()) {
    if (!names.includes(resource.name) || !resource.verbs.includes('delete')) {
      continue;
    }
    const kept = new Set(
      changes
        .filter((change) => change.resource === resource.name)
        .map((change) => String(change.data?.name ?? change.key?.slice(1))),
    );
    for (const row of await rowsOf(call, resource)) {
      if (!kept.has(row.name) && !resource.seeded.includes(row.name)) {
        pruned.push({ resource: resource.name, verb: 'delete', key: String(row.id) });
      }
    }
  }
  const unknown = names.find((name) => resources.get(name)?.versioned !== true);
  if (unknown !== undefined) {
    throw invalid('/prune', `"${unknown}" is not part of a deployment`);
  }
  return pruned;
}

/** The rows of a resource that are not deleted, by name. */
export async function rowsOf(call: Reader, resource: Resource): Promise<Row[]> {
  const columns = resource.table as any;
  return (await drizzle(call.runtime.env.DB)
    .select()
    .from(resource.table)
    .where(and(eq(columns.tenant_id, call.tenant), gt(columns.status, 0), visibleTo(call, resource)))
    .orderBy(columns.name)) as Row[];
}

/** Section → name → writable members; secrets are placeholders. What every installation has is left out. */
export async function exportAll(call: Reader): Promise<Record<string, Record<string, unknown>>> {
  const sections: Record<string, Record<string, unknown>> = {};
  const operations = new Map(
    (await rowsOf(call, resources.get('operation')!)).map((row) => [row.id, row.name as string]),
  );
  for (const resource of resources.values()) {
    if (!resource.versioned) {
      continue;
    }
    const entries: Record<string, unknown> = {};
    for (const row of await rowsOf(call, resource)) {
      const seeded =
        resource.seeded.includes(row.name) &&
        ['schema', 'connection', 'scope', 'event', 'cronjob'].includes(resource.name);
      if (!seeded && !(resource.name === 'config' && row.type === 7)) {
        entries[row.name] = resource.name === 'config' ? row.value : entryOf(resource, row, operations);
      }
    }
    if (Object.keys(entries).length > 0) {
      sections[resource.name] = entries;
    }
  }
  return sections;
}

/** Writable members, without those that have their initial value. */
function entryOf(resource: Resource, row: Row, operations: Map<number, string>): Record<string, unknown> {
  const entry: Record<string, unknown> = {};
  for (const [member, field] of Object.entries(resource.fields)) {
    const value = row[columnOf(member)];
    if (
      !field.readonly &&
      !field.virtual &&
      !field.hidden &&
      member !== 'name' &&
      value !== null &&
      value !== undefined
    ) {
      entry[member] = field.show === undefined ? value : field.show(value);
    }
  }
  if (resource.name === 'operation') {
    const scopes = row.scopes as Record<string, boolean>;
    entry.scopes = Object.keys(scopes).filter((name) => scopes[name]);
  }
  if (resource.name === 'connection' || resource.name === 'identity') {
    entry.config = maskConfig(row.config, (path) => `\${env.${variable(row.name, path.join('_'))}}`);
  }
  if (resource.name === 'rate') {
    entry.allocation = (row.allocation as Record<string, unknown>[]).map(({ operationId, ...rest }) => ({
      ...(operationId === null ? {} : { operation: operations.get(operationId as number) ?? null }),
      ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null)),
    }));
  }
  return entry;
}

/** `Local-Http` + `password` → `LOCAL_HTTP_PASSWORD`. */
function variable(name: string, member: string): string {
  return `${name}_${member}`.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
}

function invalid(pointer: string, message: string): ApiError {
  return invalidAt(pointer, `${pointer} ${message}`);
}
