import { writeName } from '../../lib/sql/names.ts';
import type { Entity, Property } from './entity-model.ts';
import type { Relation } from './entity-tables.ts';

/** What related entities show of themselves, and most of them in a list. */
const longestList = 16;

type Tree = Record<string, unknown>;

/** Reads entities as a tree of queries, with what they refer to. */
export interface EntityQueries {
  entity: Entity;
  relations: ReadonlyMap<string, Relation>;
  entities: ReadonlyMap<string, Entity>;
}

/** A page of entities. */
export function collectionJql(queries: EntityQueries): Tree {
  const { table } = queries.entity;
  const startIndex = { $context: 'startIndex', $default: 0 };
  return {
    totalResults: {
      $value: `SELECT COUNT(*) AS cnt FROM ${writeName(table)}`,
      $definition: { $key: 'cnt', $field: 'integer' },
    },
    startIndex,
    itemsPerPage: 16,
    entry: {
      $collection: `SELECT ${columnsOf(queries.entity)} FROM ${writeName(table)} ORDER BY id DESC`,
      $offset: startIndex,
      $limit: 16,
      $definition: definitionOf(queries),
    },
  };
}

/** One entity by the argument `id`. */
export function entityJql(queries: EntityQueries): Tree {
  return {
    $entity: `SELECT ${columnsOf(queries.entity)} FROM ${writeName(queries.entity.table)} WHERE id = :id`,
    $params: { id: { $context: 'id' } },
    $definition: definitionOf(queries),
  };
}

function columnsOf({ properties }: Entity): string {
  const columns = properties.filter(({ kind }) => kind !== 'array' && kind !== 'map').map(({ column }) => column);
  return ['id', ...columns].map(writeName).join(', ');
}

function definitionOf({ entity, relations, entities }: EntityQueries): Tree {
  const tree: Tree = { id: { $field: 'integer' } };
  for (const property of entity.properties) {
    const target = property.target === null ? null : entities.get(property.target)!;
    tree[property.name] =
      target === null
        ? fieldOf(property)
        : property.kind === 'object'
          ? objectOf(property, target)
          : listOf(property, target, relations.get(property.name)!);
  }
  return tree;
}

function objectOf({ column }: Property, target: Entity): Tree {
  return {
    $entity: `SELECT ${shownColumns(target)} FROM ${writeName(target.table)} entity WHERE entity.id = :id`,
    $params: { id: { $ref: column } },
    $definition: shownDefinition(target),
  };
}

function listOf({ kind }: Property, target: Entity, { table, own, other }: Relation): Tree {
  const name = kind === 'map' ? 'rel.name AS hash_key, ' : '';
  return {
    $collection: `SELECT ${name}${shownColumns(target)} FROM ${table} rel INNER JOIN ${writeName(target.table)} entity ON entity.id = rel.${other} WHERE rel.${own} = :id ORDER BY entity.id DESC LIMIT ${longestList}`,
    $params: { id: { $ref: 'id' } },
    $definition: shownDefinition(target),
    ...(kind === 'map' ? { $key: 'hash_key' } : {}),
  };
}

/** What is shown of a related entity: its own values, not what it refers to in turn. */
function shownProperties({ properties }: Entity): Property[] {
  return properties.filter(({ kind }) => kind === 'scalar' || kind === 'json');
}

function shownColumns(entity: Entity): string {
  return ['id', ...shownProperties(entity).map(({ column }) => column)]
    .map((column) => `entity.${writeName(column)}`)
    .join(', ');
}

function shownDefinition(entity: Entity): Tree {
  return {
    id: { $field: 'integer' },
    ...Object.fromEntries(shownProperties(entity).map((property) => [property.name, fieldOf(property)])),
  };
}

function fieldOf({ name, column, kind, schema }: Property): Tree {
  if (kind === 'json') {
    return column === name ? { $field: 'json' } : { $key: column, $field: 'json' };
  }
  const formats: Record<string, string> = { 'date-time': 'datetime', date: 'date', time: 'time' };
  return { $key: column, $field: formats[String(schema.format)] ?? String(schema.type) };
}
