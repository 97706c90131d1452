import { sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { ApiError, invalidAt } from '../core/errors.ts';
import { apps } from './app.ts';
import { reach } from './authority.ts';
import { identity, json, uniqueActive } from './columns.ts';
import { defineResource, metadataField, nameField, type Preparing } from './define.ts';
import { operations } from './operation.ts';
import { systemScopes } from './system-scopes.ts';
import { users } from './user.ts';

export const scopes = sqliteTable(
  'scope',
  {
    ...identity,
    category_id: integer().notNull().default(1),
    name: text().notNull(),
    description: text().notNull().default(''),
    metadata: json(),
  },
  (table) => [uniqueActive('scope_name', table, 'name')],
);

/** Fusio's first three. */
const unchangeable = systemScopes.slice(0, 3).map(({ name }) => name);

const fixed = ['default', 'backend', 'consumer', 'system', 'authorization'];

/** A named permission: the operations that a token with it may call. */
export const scope = defineResource({
  name: 'scope',
  title: 'Scope',
  description: 'A named permission over operations.',
  table: scopes,
  versioned: true,
  seeded: systemScopes.map((seeded) => seeded.name),
  fields: {
    name: nameField('a-zA-Z0-9_.-', 3, 64),
    description: {
      schema: Type.String({ description: 'What the scope allows', maxLength: 255 }),
      list: true,
      initial: '',
    },
    operations: {
      schema: Type.Array(Type.Object({ operationId: Type.Integer(), allow: Type.Optional(Type.Boolean()) }), {
        description: 'Operations of this scope',
      }),
      virtual: true,
    },
    metadata: metadataField,
  },
  prepare,
  async remove(row, view) {
    if (fixed.includes(row.name)) {
      throw new ApiError('invalid_body', 'It is not possible to change this scope');
    }
    for (const [label, table] of [
      ['app', apps],
      ['user', users],
    ] as const) {
      const holders = await view.count(
        table,
        sql`EXISTS (SELECT 1 FROM json_each(${table.scopes}) WHERE value = ${row.name})`,
      );
      if (holders > 0) {
        throw new ApiError(
          'conflict',
          `Scope is assigned to an ${label}. Remove the scope from the ${label} in order to delete the scope`,
        );
      }
    }
    for (const operation of await operationsOf(view, row.name)) {
      const { [row.name]: _gone, ...rest } = operation.scopes;
      view.put('operation', { ...operation, scopes: rest }, operation);
    }
  },
  async extend(rows, entities, reading) {
    await Promise.all(
      rows.map(async (row, position) => {
        const found = await reading.select(operations, holds(row.name));
        if (found.length > 0) {
          entities[position]!.operations = found.map((operation, index) => ({
            id: row.id * 1000 + index,
            scopeId: row.id,
            operationId: operation.id,
            allow: operation.scopes[row.name] === true,
          }));
        }
      }),
    );
  },
});

async function prepare({ view, row, before, data }: Preparing): Promise<void> {
  if (before !== undefined && unchangeable.includes(before.name)) {
    throw new ApiError('invalid_body', 'It is not possible to change this scope');
  }
  row.description = row.description ?? '';
  if (data.operations === undefined && row.name === before?.name) {
    return;
  }
  const held = before === undefined ? [] : await operationsOf(view, before.name);
  const wanted = new Map<number, boolean>(
    data.operations === undefined || data.operations === null
      ? held.map((operation) => [operation.id, operation.scopes[before!.name]])
      : data.operations.map((entry: { operationId: number; allow?: boolean }) => [
          entry.operationId,
          entry.allow ?? true,
        ]),
  );
  for (const operation of held) {
    const { [before!.name]: _old, ...rest } = operation.scopes;
    if (!wanted.has(operation.id) || row.name !== before!.name) {
      view.put('operation', { ...operation, scopes: rest }, operation);
    }
  }
  for (const [id, allow] of wanted) {
    const operation = await view.get('operation', id);
    if (operation === undefined || operation.status !== 1 || (await reach(view, true, operation)) === 'foreign') {
      throw invalidAt('/operations', `Could not find provided operation id: ${id}`, 'reference');
    }
    view.put('operation', { ...operation, scopes: { ...operation.scopes, [row.name]: allow } }, operation);
  }
}

function holds(name: string) {
  return sql`EXISTS (SELECT 1 FROM json_each(${operations.scopes}) AS held WHERE held.key = ${name})`;
}

async function operationsOf(view: Preparing['view'], name: string) {
  return view.where('operation', holds(name), (operation) => name in (operation.scopes ?? {}));
}
