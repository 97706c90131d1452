import { eq, sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { invalidAt } from '../core/errors.ts';
import { reach } from './authority.ts';
import { identity, uniqueActive } from './columns.ts';
import { defineResource, type Field, type Row, statusField, titleField } from './define.ts';
import type { View } from './view.ts';

export const taxonomies = sqliteTable(
  'taxonomy',
  { ...identity, parent_id: integer(), name: text().notNull() },
  (table) => [uniqueActive('taxonomy_name', table, 'name')],
);

/** What can be moved into the tree: member of a move → resource. */
export const movable = {
  operations: 'operation',
  actions: 'action',
  schemas: 'schema',
  events: 'event',
  cronjobs: 'cronjob',
  triggers: 'trigger',
} as const;

const moves: Record<string, Field> = Object.fromEntries(
  Object.keys(movable).map((member) => [
    member,
    {
      schema: Type.Array(Type.Integer(), { description: `Ids of ${member} that come to this node` }),
      virtual: true,
    },
  ]),
);

/** A node of the tree that keeps many objects in order. Where an object is belongs to the configuration. */
export const taxonomy = defineResource({
  name: 'taxonomy',
  title: 'Taxonomy',
  description: 'A node of the tree in which operations, actions, schemas, events, cronjobs and triggers are kept.',
  table: taxonomies,
  versioned: true,
  order: { column: 'name', direction: 'asc' },
  fields: {
    parentId: { schema: Type.Integer({ description: 'Node above' }), list: true },
    status: statusField,
    name: titleField('Unique name of the node', 64),
    ...moves,
  },
  async prepare({ view, row, data }) {
    await checkParent(view, row);
    for (const [member, resource] of Object.entries(movable)) {
      for (const id of (data[member] ?? []) as number[]) {
        const found = await view.get(resource, id);
        if (found === undefined || found.status === 0 || (await reach(view, true, found)) === 'foreign') {
          throw invalidAt(`/${member}`, `Provided an invalid ${resource} id: ${id}`, 'reference');
        }
        if (found.taxonomy_id !== row.id) {
          view.put(resource, { ...found, taxonomy_id: row.id }, found);
        }
      }
    }
  },
  /** What was at the node comes to the one above. */
  async remove(row, view) {
    const children = await view.where(
      'taxonomy',
      eq(taxonomies.parent_id, row.id),
      (node) => node.parent_id === row.id,
    );
    for (const child of children) {
      view.put('taxonomy', { ...child, parent_id: row.parent_id }, child);
    }
    for (const resource of Object.values(movable)) {
      for (const found of await view.where(
        resource,
        sql`taxonomy_id = ${row.id}`,
        (placed) => placed.taxonomy_id === row.id,
      )) {
        view.put(resource, { ...found, taxonomy_id: row.parent_id }, found);
      }
    }
  },
});

/** The node above exists, and is not below. */
async function checkParent(view: View, row: Row): Promise<void> {
  for (let parent = row.parent_id; parent !== null; ) {
    const above: Row | undefined = await view.get('taxonomy', parent);
    if (above === undefined || above.status === 0) {
      throw invalidAt('/parentId', 'Parent taxonomy does not exist', 'reference');
    }
    if (above.id === row.id) {
      throw invalidAt('/parentId', 'A node cannot be below itself', 'reference');
    }
    parent = above.parent_id;
  }
}
