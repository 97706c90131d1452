import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { baseUrlOf } from '../core/base-url.ts';
import type { Call, CallOperation } from '../core/call.ts';
import type { OperationRecord } from '../core/records.ts';
import { namedReferences } from '../lib/schema/references.ts';
import { grants } from '../oauth/grants.ts';
import { commits } from '../resources/commit.ts';
import { operations } from '../resources/operation.ts';
import { convert, schemas } from '../resources/schema.ts';
import { scopes } from '../resources/scope.ts';
import type { DescribedOperation, Description, Payload } from './description.ts';
import { describeManagement } from './management/describe.ts';
import { type NamedSchema, schemaModels } from './schema-models.ts';

/** Which operations a document is about. */
export interface Selection {
  /** Ids of categories. */
  categories: readonly number[];
  /** `1.2.0`: with the references that operations had under this version. */
  version?: string;
}

/** What there is to say about the active operations of some categories, configured ones and the platform's own. */
export async function describe(call: Call, { categories, version }: Selection): Promise<Description> {
  const { runtime, snapshot, tenant } = call;
  const db = drizzle(runtime.env.DB);
  const rows = await db
    .select()
    .from(operations)
    .where(
      and(
        eq(operations.tenant_id, tenant),
        eq(operations.status, 1),
        eq(operations.active, true),
        inArray(operations.category_id, [...categories]),
      ),
    )
    .orderBy(asc(operations.name));
  const configured = (rows as unknown as OperationRecord[]).map((row) => inVersion(row, version));
  const management = describeManagement(
    runtime.system.operations.filter((operation) => inCategory(operation, categories)),
  );
  const found = await schemasOf(call, configured.flatMap(referencesOf));
  const taken = [...Object.keys(management.models.types), ...Object.keys(management.models.schemas)];
  const own = schemaModels(
    found,
    taken.filter((name) => name !== 'Passthru'),
  );
  const described = configured.map((row) => describeRow(row, own.roots));
  const all = [...management.operations, ...described].sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    baseUrl: baseUrlOf(runtime.env, call.url, tenant),
    info: infoOf((name) => String(snapshot.config(name) ?? ''), version),
    scopes: await scopesOf(call, all),
    grants: Object.keys(grants),
    operations: all,
    models: {
      schemas: { [passthru]: passthruSchema, ...management.models.schemas, ...own.schemas },
      types: { [passthru]: passthruType, ...management.models.types, ...own.types },
    },
  };
}

const passthru = 'Passthru';
const passthruType = { description: 'Any payload', type: 'map', schema: { type: 'any' } };
const passthruSchema = { description: 'Any payload' };

function inCategory(operation: CallOperation, categories: readonly number[]): boolean {
  return categories.includes(operation.category_id);
}

function inVersion(row: OperationRecord, version: string | undefined): OperationRecord {
  const chosen = version === undefined ? undefined : row.versions?.[version];
  return chosen === undefined ? row : { ...row, ...chosen };
}

/** References to schemas, less their `schema://`. */
function referencesOf({ incoming, outgoing, throws }: OperationRecord): string[] {
  return [incoming, outgoing, ...Object.values(throws ?? {})].flatMap((reference) => schemaIn(reference) ?? []);
}

function schemaIn(reference: string | null): string | null {
  const name = reference === null ? null : reference.replace(/^schema:\/{2,3}/, '');
  return name === null || name === '' || name.includes('://') || name.split('@')[0] === passthru ? null : name;
}

/** The schemas that references name, at their commits, and all that those refer to. */
async function schemasOf(call: Call, references: readonly string[]): Promise<Map<string, NamedSchema>> {
  const found = new Map<string, NamedSchema>();
  let wanted = [...new Set(references)];
  while (wanted.length > 0) {
    for (const [reference, schema] of await readSchemas(call, wanted)) {
      found.set(reference, schema);
    }
    const next = wanted.flatMap((reference) => namedReferences(found.get(reference)?.compiled));
    wanted = [...new Set(next)].filter((reference) => !found.has(reference));
  }
  return found;
}

async function readSchemas(call: Call, references: readonly string[]): Promise<[string, NamedSchema][]> {
  const db = drizzle(call.runtime.env.DB);
  const names = [...new Set(references.map((reference) => reference.split('@')[0]!))];
  const hashes = references.flatMap((reference) => reference.split('@')[1] ?? []);
  const one = (column: unknown, values: string[]) =>
    sql`${column} IN (SELECT value FROM json_each(${JSON.stringify(values)}))`;
  const [rows, pinned] = await db.batch([
    db
      .select()
      .from(schemas)
      .where(and(eq(schemas.tenant_id, call.tenant), one(schemas.name, names)))
      .orderBy(asc(schemas.status), asc(schemas.id)),
    db
      .select()
      .from(commits)
      .where(and(eq(commits.tenant_id, call.tenant), eq(commits.object, 'schema'), one(commits.commit_hash, hashes))),
  ]);
  // Later rows win: the one that is not deleted comes last.
  const current = new Map(rows.map((row) => [row.name, row]));
  return references.flatMap((reference): [string, NamedSchema][] => {
    const [name = '', hash] = reference.split('@');
    const row = current.get(name);
    if (row === undefined) {
      return [];
    }
    const commit = pinned.find(({ object_id, commit_hash }) => object_id === row.id && commit_hash === hash);
    const source = (commit?.content ?? row.source) as NamedSchema['source'];
    const compiled = commit === undefined ? (row.compiled as NamedSchema['compiled']) : convert(source).schema;
    return [[reference, { name, source, compiled }]];
  });
}

function describeRow(row: OperationRecord, roots: ReadonlyMap<string, string>): DescribedOperation {
  const payload = (reference: string | null): Payload => {
    if (reference?.startsWith('mime://')) {
      return { media: reference.slice('mime://'.length) };
    }
    return { model: roots.get(schemaIn(reference) ?? '') ?? passthru };
  };
  const { name, stability, parameters, throws, options } = row;
  return {
    ...{ name, stability, options, public: row.public, code: row.http_code },
    method: row.http_method,
    path: row.http_path,
    description: row.description ?? '',
    scopes: Object.keys(row.scopes).filter((scope) => row.scopes[scope]),
    parameters: parameters ?? {},
    incoming: row.incoming === null || row.incoming === '' ? null : payload(row.incoming),
    outgoing: payload(row.outgoing),
    throws: Object.entries(throws ?? {}).map(([status, reference]) => [Number(status), payload(reference)]),
  };
}

function infoOf(config: (name: string) => string, version: string | undefined): Description['info'] {
  const given = (members: Record<string, string>) =>
    Object.fromEntries(Object.entries(members).filter(([, value]) => value !== ''));
  const contact = given({
    name: config('info_contact_name'),
    url: config('info_contact_url'),
    email: config('info_contact_email'),
  });
  const license = config('info_license_name');
  return {
    title: config('info_title'),
    description: config('info_description'),
    version: version ?? '1',
    ...given({ termsOfService: config('info_tos') }),
    ...(Object.keys(contact).length === 0 ? {} : { contact }),
    ...(license === '' ? {} : { license: { name: license, ...given({ url: config('info_license_url') }) } }),
  };
}

/** The scopes that operations name, with their descriptions. */
async function scopesOf(call: Call, described: readonly DescribedOperation[]): Promise<Record<string, string>> {
  const names = [...new Set(described.flatMap((operation) => operation.scopes))].sort();
  const rows = await drizzle(call.runtime.env.DB)
    .select({ name: scopes.name, description: scopes.description })
    .from(scopes)
    .where(and(eq(scopes.tenant_id, call.tenant), eq(scopes.status, 1)));
  const about = new Map(rows.map(({ name, description }) => [name, description ?? '']));
  return Object.fromEntries(names.map((name) => [name, about.get(name) ?? '']));
}
