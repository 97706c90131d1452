import { integer, real, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { invalidAt } from '../core/errors.ts';
import { flag, identity, json, uniqueActive } from './columns.ts';
import { defineResource, metadataField, nameField, statusField, toSeconds } from './define.ts';
import { checkAction, checkSchema } from './operation-references.ts';
import { seededAgents } from './seeded-agents.ts';

export const agents = sqliteTable(
  'agent',
  {
    ...identity,
    category_id: integer().notNull().default(1),
    connection_id: integer(),
    type: integer().notNull().default(0),
    public: flag().notNull().default(false),
    name: text().notNull(),
    description: text().notNull().default(''),
    introduction: text().notNull().default(''),
    temperature: real(),
    costs: integer().notNull().default(0),
    tools: json().notNull(),
    outgoing: text(),
    action: text(),
    metadata: json(),
    insert_date: text().notNull(),
  },
  (table) => [uniqueActive('agent_name', table, 'name')],
);

/** A language model with a task, the operations it may use and what it costs. */
export const agent = defineResource({
  name: 'agent',
  title: 'Agent',
  description: 'A language model with a task and the operations that it may use. Agents are kept, and do not run yet.',
  table: agents,
  versioned: false,
  seeded: seededAgents.map(({ name }) => name),
  fields: {
    connection: { schema: Type.Integer({ description: 'Connection to the model' }), list: true, virtual: true },
    connectionId: { schema: Type.Integer(), hidden: true, readonly: true },
    status: statusField,
    type: {
      schema: Type.Integer({
        description: '0 general, 1 architect, 2 action, 3 schema, 4 database, 5 seed',
        minimum: 0,
        maximum: 5,
      }),
      list: true,
      initial: 0,
    },
    public: { schema: Type.Boolean({ description: 'Whether consumers see it' }), list: true, initial: false },
    name: nameField('a-zA-Z0-9-', 3, 255),
    description: { schema: Type.String({ description: 'What it is for', maxLength: 255 }), list: true, initial: '' },
    introduction: {
      schema: Type.String({ description: 'What the model is told first', maxLength: 65_535 }),
      initial: '',
    },
    temperature: { schema: Type.Number({ description: '0 sober to 2 wild', minimum: 0, maximum: 2 }) },
    costs: { schema: Type.Integer({ description: 'Points per token', minimum: 0, maximum: 1e9 }), initial: 0 },
    tools: {
      schema: Type.Array(Type.String(), { description: 'Operations, their names with _ for the dots' }),
      initial: [],
    },
    outgoing: { schema: Type.String({ description: 'Schema of what it answers' }) },
    action: { schema: Type.String({ description: 'Action that gets what it answers' }) },
    metadata: metadataField,
    insertDate: { schema: Type.String({ description: 'When the agent was created' }), list: true, readonly: true },
  },
  async prepare(change) {
    const { view, row, before, data } = change;
    row.insert_date = before?.insert_date ?? toSeconds(new Date(view.now).toISOString());
    row.description ??= '';
    row.introduction ??= '';
    row.tools ??= [];
    if (data.connection !== undefined) {
      row.connection_id = data.connection;
    }
    const connection = row.connection_id === null ? undefined : await view.get('connection', row.connection_id);
    if (row.connection_id !== null && connection?.status !== 1) {
      throw invalidAt('/connection', 'Provided connection is not available', 'reference');
    }
    row.outgoing = await checkSchema(change, 'outgoing', row.outgoing);
    row.action = row.action ? await checkAction(change, row.action) : null;
  },
  async extend(rows, entities) {
    rows.forEach((row, position) => {
      if (row.connection_id !== null) {
        entities[position]!.connection = row.connection_id;
      }
    });
  },
});
