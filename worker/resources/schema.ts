import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { ApiError, invalidAt } from '../core/errors.ts';
import { SchemaError } from '../lib/schema/engine.ts';
import { toJsonSchema } from '../lib/schema/typeschema.ts';
import { identity, json, uniqueActive } from './columns.ts';
import { commitIfChanged } from './commit.ts';
import { defineResource, metadataField, nameField, statusField, taxonomyField } from './define.ts';

export const schemas = sqliteTable(
  'schema',
  {
    ...identity,
    category_id: integer().notNull().default(1),
    taxonomy_id: integer(),
    name: text().notNull(),
    source: json().notNull(),
    /** As JSON Schema, converted when the source is saved. */
    compiled: json().notNull(),
    form: json(),
    metadata: json(),
  },
  (table) => [uniqueActive('schema_name', table, 'name')],
);

/** A named JSON payload contract: JSON Schema or TypeSchema. */
export const schema = defineResource({
  name: 'schema',
  title: 'Schema',
  description: 'A named contract of a JSON payload, written as JSON Schema or TypeSchema.',
  table: schemas,
  versioned: true,
  seeded: ['Passthru', 'Message'],
  fields: {
    status: statusField,
    name: nameField('a-zA-Z0-9_-', 3, 255),
    source: {
      schema: Type.Record(Type.String(), Type.Unknown(), { description: 'TypeSchema or JSON Schema' }),
      required: 'Schema source must not be empty',
    },
    form: { schema: Type.Record(Type.String(), Type.Unknown(), { description: 'UI hints' }) },
    readonly: {
      schema: Type.Boolean({ description: 'Whether it cannot be changed: never' }),
      readonly: true,
      virtual: true,
    },
    taxonomyId: taxonomyField,
    metadata: metadataField,
  },
  references: (data) => namedReferences(data.source).map((name): [string, string] => ['schema', name]),
  async prepare(change) {
    const { view, row } = change;
    const converted = convert(row.source);
    for (const name of converted.references) {
      if (
        name !== row.name &&
        (await view.by('schema', 'name', name.split('@')[0]!)) === undefined &&
        !view.promised('schema', name)
      ) {
        throw invalid(`The schema refers to schema://${name}, which does not exist`);
      }
    }
    row.compiled = converted.schema;
    await commitIfChanged(change, 'schema', row.source);
  },
  async extend(_rows, entities) {
    for (const entity of entities) {
      entity.readonly = false;
    }
  },
});

/** Checks and converts a source; throws ApiError with the position of what is wrong. */
export function convert(source: Record<string, unknown>): { schema: Record<string, unknown>; references: string[] } {
  try {
    return toJsonSchema(source);
  } catch (thrown) {
    throw thrown instanceof SchemaError
      ? new ApiError('invalid_body', `Invalid schema source: ${thrown.message}`, {
          errors: thrown.violations.map((violation) => ({ ...violation, pointer: `/source${violation.pointer}` })),
        })
      : invalid(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function namedReferences(source: unknown): string[] {
  return [...JSON.stringify(source ?? null).matchAll(/"schema:\/\/([A-Za-z0-9_-]+)/g)].map((match) => match[1]!);
}

function invalid(message: string): ApiError {
  return invalidAt('/source', `Invalid schema source: ${message}`, 'schema');
}
