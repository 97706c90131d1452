import { Type } from 'typebox';
import { forgetTables, runStatements } from '../../connections/database.ts';
import type { Call } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import { readTableNames } from '../../lib/sql/introspect.ts';
import { quoteName } from '../../lib/sql/names.ts';
import { resourceName } from '../../spec/import-openapi-names.ts';
import { openDatabaseConnection } from './database.ts';
import { createIndexes, createTable } from './database-definition.ts';
import { collectionJql, entityJql } from './entity-jql.ts';
import { type Entity, type Property, readEntities, snake } from './entity-model.ts';
import { type Relation, relationsOf, tablesOf } from './entity-tables.ts';
import type { Generator, GeneratorSetup } from './generator.ts';
import { type CrudPlan, collectionSchema, crudOf, prefixOf } from './generator-crud.ts';
import { sqlConnection } from './generator-sql.ts';

/** SQL-Entity: entities that are only described yet become tables, related as they refer to each other, and collections. */
export const sqlEntityGenerator: Generator = {
  class: 'Fusio.Adapter.Sql.Generator.SqlEntity',
  name: 'SQL-Entity',
  description:
    'Tables for the entities of a schema, and operations to list, filter, read, create, change and delete them',
  config: Type.Object({
    connection: sqlConnection,
    schema: Type.Unsafe<object | string>({
      type: ['object', 'string'],
      title: 'Schema',
      description: 'TypeSchema specification',
      editor: 'typeschema',
    }),
  }),
  async generate(call, config, setup) {
    const entities = readEntities(config.schema);
    const byName = new Map(entities.map((entity) => [entity.name, entity]));
    const connection = config.connection as string | number;
    await refuseTaken(call, config, entities);
    const plans = entities.map((entity) => planOf(entity, byName, connection, setup));
    return crudOf(plans, setup);
  },
  async prepare(call, config) {
    const { database } = await openDatabaseConnection(call, String(config.connection));
    const tables = tablesOf(readEntities(config.schema));
    const run = async (statements: string[]) => {
      await runStatements('write', () => database.batch(statements.map((sql) => database.prepare(sql))));
      forgetTables();
    };
    await run(tables.flatMap((table) => [createTable(table), ...createIndexes(table).values()]));
    // Referring tables first.
    return () => run([...tables].reverse().map(({ name }) => `DROP TABLE IF EXISTS ${quoteName(name)}`));
  },
};

async function refuseTaken(call: Call, config: Record<string, unknown>, entities: Entity[]): Promise<void> {
  const { database } = await openDatabaseConnection(call, String(config.connection));
  const present = new Set((await readTableNames(database)).map(({ name }) => name.toLowerCase()));
  const taken = tablesOf(entities).find(({ name }) => present.has(name));
  if (taken !== undefined) {
    const message = `The table ${taken.name} exists already; SQL-Database makes an API of tables that exist`;
    throw new ApiError('conflict', message, { errors: [{ pointer: '/schema', rule: 'unique', message }] });
  }
}

function planOf(
  entity: Entity,
  entities: ReadonlyMap<string, Entity>,
  connection: string | number,
  setup: GeneratorSetup,
): CrudPlan {
  const prefix = prefixOf(setup);
  const { name, table, properties } = entity;
  const schemaName = (other: string, verb: string) => resourceName(prefix, `${other}_SQL_${verb}`);
  const relations = relationsOf(entity, [...entities.values()]);
  const queries = { entity, relations, entities };
  const mapping = Object.fromEntries(properties.map((property) => mappingOf(property, relations)));
  const builder = (tree: unknown) => ({
    class: 'Fusio.Adapter.Sql.Action.SqlBuilder',
    config: { connection, jql: JSON.stringify(tree, null, 4) },
  });
  const write = (action: string) => ({
    class: `Fusio.Adapter.Sql.Action.${action}`,
    config: { connection, table, mapping },
  });
  const get = schemaName(name, 'Get');
  return {
    path: `/${snake(name)}/`,
    operation: `${snake(name)}.`,
    resource: `${name}_SQL_`,
    words: {
      all: `Returns a collection of ${name}`,
      one: `Returns a single ${name}`,
      create: `Creates a new ${name}`,
      update: `Updates an existing ${name}`,
      delete: `Deletes an existing ${name}`,
    },
    createCode: 200,
    properties: ['id', ...properties.filter(({ target }) => target === null).map((property) => property.name)],
    actions: {
      GetAll: builder(collectionJql(queries)),
      Get: builder(entityJql(queries)),
      Insert: write('SqlInsert'),
      Update: write('SqlUpdate'),
      Delete: write('SqlDelete'),
    },
    collection: collectionSchema(schemaName(name, 'GetAll'), 'Entity', get, get),
    entity: entitySchema(entity, (other) => schemaName(other, 'Get')),
  };
}

function mappingOf({ name, kind, column }: Property, relations: ReadonlyMap<string, Relation>): [string, string] {
  if (kind === 'object') {
    return [column, `${name}:object`];
  }
  if (kind === 'array' || kind === 'map') {
    const { table, own, other } = relations.get(name)!;
    return [name, `${name}:${kind}:${table}:${own}:${other}`];
  }
  return [column, name];
}

function entitySchema(entity: Entity, schemaName: (entity: string) => string): Record<string, unknown> {
  const own = schemaName(entity.name);
  const targets = [...new Set(entity.properties.flatMap(({ target }) => target ?? []))];
  const imports = targets.filter((target) => target !== entity.name);
  const reference = (target: string) => ({
    type: 'reference',
    target: target === entity.name ? own : `${target}:${schemaName(target)}`,
  });
  const described = ({ description }: { description: string | undefined }) =>
    description === undefined ? {} : { description };
  const typed = ({ kind, schema, target }: Property) =>
    target === null ? schema : kind === 'object' ? reference(target) : { type: kind, schema: reference(target) };
  return {
    ...(imports.length === 0
      ? {}
      : { import: Object.fromEntries(imports.map((target) => [target, `schema://${schemaName(target)}`])) }),
    definitions: {
      [own]: {
        ...described(entity),
        type: 'struct',
        properties: {
          id: { type: 'integer' },
          ...Object.fromEntries(
            entity.properties.map((property) => [property.name, { ...described(property), ...typed(property) }]),
          ),
        },
      },
    },
    root: own,
  };
}
