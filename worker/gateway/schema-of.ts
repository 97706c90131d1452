import type { Call } from '../core/call.ts';
import { ApiError } from '../core/errors.ts';
import type { SchemaRecord } from '../core/records.ts';
import { memo, type Snapshot } from '../core/snapshot.ts';
import { type Check, compile, SchemaError } from '../lib/schema/engine.ts';
import { namedReferences } from '../lib/schema/references.ts';
import { type Shape, shapeOf } from '../lib/schema/shape.ts';

/** A payload contract, compiled. */
export interface Contract {
  schema: Check;
  /** The types it admits, for bodies that carry texts only. */
  shape: Shape;
}

/** What an operation's `incoming`, `outgoing` or `throws` names. */
export type PayloadReference =
  /** Nothing is known or asked of the payload: `schema://Passthru`, or no reference at all. */
  | { kind: 'any' }
  | { kind: 'schema'; name: string }
  /** `mime://text/plain`: the media type, in lower case. */
  | { kind: 'mime'; type: string };

/** Reads a reference; throws ApiError `not_configured` for a scheme that has no meaning here. */
export function payloadReference(reference: string | null | undefined): PayloadReference {
  if (reference === null || reference === undefined || reference === '') {
    return { kind: 'any' };
  }
  const [, scheme = 'schema', target = reference] = /^([a-z+]+):\/\/(.*)$/s.exec(reference) ?? [];
  if (scheme === 'mime') {
    return { kind: 'mime', type: target.toLowerCase() };
  }
  if (scheme !== 'schema') {
    throw new ApiError('not_configured', `The operation names the schema ${reference}, which cannot be read here`);
  }
  const name = target.replace(/^\//, '');
  return name === 'Passthru' || name.startsWith('Passthru@') ? { kind: 'any' } : { kind: 'schema', name };
}

/**
 * The compiled contract of a named schema and of all that it refers to. Kept as long as the record lives, and made anew
 * when one of those changes. Throws ApiError `not_configured` when one is missing or no good.
 */
export async function schemaOf({ snapshot }: Pick<Call, 'snapshot'>, name: string): Promise<Contract> {
  const record = await snapshot.schema(name);
  if (record === undefined) {
    throw new ApiError('not_configured', `The schema ${name} of this operation does not exist`);
  }
  // A record can be shared by tenants, but what it refers to is each one's own.
  const kept = memo(record, `contract ${snapshot.tenant}`, (): { made?: Made } => ({}));
  if (kept.made?.revision === snapshot.revision) {
    return kept.made.contract;
  }
  const used = await closureOf(snapshot, record);
  if (kept.made !== undefined && sameRecords(kept.made.used, used)) {
    kept.made.revision = snapshot.revision;
    return kept.made.contract;
  }
  const contract = compileContract(name, record, used);
  kept.made = { revision: snapshot.revision, used, contract };
  return contract;
}

interface Made {
  /** Where `used` was looked up last. */
  revision: number;
  used: ReadonlyMap<string, SchemaRecord>;
  contract: Contract;
}

/** More references than this are a mistake; the engine has the same bound. */
const mostReferences = 200;

/** All records that a schema refers to, directly or not, by the name in the reference. */
async function closureOf(snapshot: Snapshot, root: SchemaRecord): Promise<ReadonlyMap<string, SchemaRecord>> {
  const used = new Map<string, SchemaRecord>();
  let next = referencesOf(root);
  while (next.length > 0) {
    if (used.size + next.length > mostReferences) {
      throw new ApiError('not_configured', `The schema ${root.name} refers to more than ${mostReferences} others`);
    }
    const records = await Promise.all(next.map((name) => snapshot.schema(name)));
    for (const [index, record] of records.entries()) {
      if (record === undefined) {
        throw new ApiError('not_configured', `The schema ${root.name} refers to ${next[index]}, which does not exist`);
      }
      used.set(next[index]!, record);
    }
    next = [...new Set(records.flatMap((record) => referencesOf(record!)))].filter((name) => !used.has(name));
  }
  return used;
}

function referencesOf(record: SchemaRecord): string[] {
  return memo(record, 'references', () => namedReferences(record.compiled));
}

function sameRecords(before: ReadonlyMap<string, SchemaRecord>, after: ReadonlyMap<string, SchemaRecord>): boolean {
  return before.size === after.size && [...after].every(([name, record]) => before.get(name) === record);
}

function compileContract(name: string, record: SchemaRecord, used: ReadonlyMap<string, SchemaRecord>): Contract {
  const resolve = (reference: string): unknown => used.get(reference)?.compiled;
  try {
    return { schema: compile(record.compiled, { resolve }), shape: shapeOf(record.compiled, resolve) };
  } catch (thrown) {
    if (thrown instanceof SchemaError) {
      throw new ApiError('not_configured', `The schema ${name} of this operation cannot be used`, { cause: thrown });
    }
    throw thrown;
  }
}
