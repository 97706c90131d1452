import type { ColumnDefinition, ForeignKeyDefinition, TableDefinition } from './database-definition.ts';
import { type Entity, type Property, snake } from './entity-model.ts';

/** Where the entries of a list or map are kept. */
export interface Relation {
  table: string;
  own: string;
  other: string;
}

/** The tables of entities: one for each, and one for each list or map of entities. */
export function tablesOf(entities: readonly Entity[]): TableDefinition[] {
  const tables = new Map(entities.map((entity) => [entity.name, entity.table]));
  return entities.flatMap((entity) => {
    const relations = relationsOf(entity, entities);
    return [
      entityTable(entity, tables),
      ...entity.properties
        .filter(({ kind }) => kind === 'array' || kind === 'map')
        .map((property) =>
          relationTable(entity, property, relations.get(property.name)!, tables.get(property.target!)!),
        ),
    ];
  });
}

/** Property → relation. Named after both entities; where two properties relate the same ones, after the property, too. */
export function relationsOf(entity: Entity, entities: readonly Entity[]): Map<string, Relation> {
  const taken = new Set(entities.map(({ table }) => table));
  const relations = new Map<string, Relation>();
  for (const { name, kind, target } of entity.properties) {
    if (kind === 'array' || kind === 'map') {
      const plain = `${entity.table}_${snake(target!)}`;
      const table = taken.has(plain) ? `${plain}_${snake(name)}` : plain;
      taken.add(table);
      const own = `${snake(entity.name)}_id`;
      const other = target === entity.name ? `other_${own}` : `${snake(target!)}_id`;
      relations.set(name, { table, own, other });
    }
  }
  return relations;
}

const key: ColumnDefinition = { name: 'id', type: 'integer', autoIncrement: true, notNull: true };

function entityTable(entity: Entity, tables: ReadonlyMap<string, string>): TableDefinition {
  const columns = entity.properties.filter(({ kind }) => kind !== 'array' && kind !== 'map');
  const objects = columns.filter(({ kind }) => kind === 'object');
  return {
    name: entity.table,
    primaryKey: 'id',
    columns: [key, ...columns.map((property) => ({ name: property.column, type: columnType(property) }))],
    indexes: objects.map(({ column }) => ({ columns: [column] })),
    foreignKeys: objects.map(({ column, target }) => foreignKey(column, tables.get(target!)!)),
  };
}

function relationTable(
  entity: Entity,
  { kind }: Property,
  { table, own, other }: Relation,
  target: string,
): TableDefinition {
  const id = (name: string): ColumnDefinition => ({ name, type: 'integer', notNull: true });
  return {
    name: table,
    primaryKey: 'id',
    columns: [key, id(own), id(other), ...(kind === 'map' ? [{ name: 'name', type: 'text', notNull: true }] : [])],
    indexes: [{ unique: true, columns: [own, kind === 'map' ? 'name' : other] }, { columns: [other] }],
    foreignKeys: [{ ...foreignKey(own, entity.table), onDelete: 'CASCADE' }, foreignKey(other, target)],
  };
}

function foreignKey(column: string, foreignTable: string): ForeignKeyDefinition {
  return { foreignTable, localColumnNames: [column], foreignColumnNames: ['id'] };
}

function columnType({ kind, schema }: Property): string {
  if (kind === 'object') {
    return 'integer';
  }
  if (kind === 'json') {
    return 'json';
  }
  const formats: Record<string, string> = { 'date-time': 'datetime', date: 'date', time: 'time' };
  const types: Record<string, string> = { integer: 'integer', number: 'float', boolean: 'boolean' };
  return formats[String(schema.format)] ?? types[String(schema.type)] ?? 'text';
}
