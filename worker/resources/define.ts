import { getTableColumns, type SQL, type Table } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { type TSchema, Type } from 'typebox';
import type { RunRow } from './cronjob-run.ts';
import type { View } from './view.ts';

/** A row of any resource, JSON and boolean columns decoded, keys as the columns are named. */
export type Row = Record<string, any> & { id: number };

/** A member of an entity. Its column has the same name in snake_case. */
export interface Field {
  /** JSON Schema of the member, with its description: validates on save, documents the API, draws the form, names the CLI flag. */
  schema: TSchema;
  /** Shown in list views as well (default false: entity view only). */
  list?: boolean;
  /** Callers cannot set it. */
  readonly?: boolean;
  /** Never shown. */
  hidden?: boolean;
  /** Must be given at creation; a text is what its lack is answered with. */
  required?: true | string;
  /** Value of a new row when nothing is given (default null). */
  initial?: unknown;
  /** Not kept in a column of its own: `prepare` and `extend` deal with it. */
  virtual?: boolean;
  /** What callers see of the stored value, where the two differ: a price in cents. `prepare` turns it the other way. */
  show?(stored: any): unknown;
}

/** What a rule sees of one change. */
export interface Preparing {
  view: View;
  /** What the caller sent, validated by the fields' schemas. */
  data: Record<string, any>;
  /** The row after the change; rules may alter it. */
  row: Row;
  /** The row before; undefined at creation. */
  before: Row | undefined;
}

/** What reading an entity may ask for. */
export interface Reading {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Rows of another resource's table that have a status, by a condition; with `latest` only so many, the newest first. */
  select(table: Resource['table'], where: SQL, latest?: number): Promise<Row[]>;
  /** Opens a sealed member for its owner. */
  open(envelope: unknown, name: string): Promise<string>;
  /** The latest deliveries of a webhook, in Fusio's shape. */
  deliveries(webhook: number): Promise<unknown[]>;
  /** How its lane is doing. */
  health(webhook: number): Promise<Record<string, unknown>>;
  /** The last run that began of each of these cronjobs. */
  lastRuns(cronjobs: number[]): Promise<RunRow[]>;
  /** The latest runs of a cronjob that failed or got lost. */
  failedRuns(cronjob: number): Promise<RunRow[]>;
}

/** A managed entity: table + schema + rules; operations, forms, documents and CLI verbs follow from it. */
export interface Resource {
  /** URL segment, CLI noun, audit and event noun: `operation`. */
  name: string;
  /** As messages say it: `Operation`. */
  title: string;
  description: string;
  table: SQLiteTable & Table;
  /** Versioned: part of the configuration, changed by publishing. Otherwise live data. */
  versioned: boolean;
  fields: Record<string, Field>;
  /** The column that `~name` in a path stands for. */
  named: string;
  /** Default order of lists. */
  order: { column: string; direction: 'asc' | 'desc' };
  /** The column that a bare search word looks in. */
  search: string;
  /** Columns that lists are narrowed by, each by a query parameter of the same name: what it says. */
  filters?: Record<string, string>;
  /** Columns that are unique among rows that are not deleted, with the message of a clash. */
  unique: Record<string, string>;
  /** Status of a soft-deleted row. */
  deleted: number;
  /** What a snapshot finds rows by. */
  keyedBy: 'id' | 'name';
  /** Which verbs callers have. */
  verbs: readonly ('create' | 'update' | 'delete')[];
  /** Ids of rows of the root tenant that every tenant has; nobody changes them. */
  common?: readonly number[];
  /** Names of seeded rows: never pruned, never deleted. */
  seeded: readonly string[];
  /**
   * Whether an object belongs to a category (column `category_id`) and is seen by users of it only. `shared`: those of the
   * platform are seen by everybody, and changed by nobody.
   */
  categorised: boolean | 'shared';
  /** What a change's data refers to, as [resource, name]: fetched in bulk beforehand. */
  references?(data: Record<string, any>): [string, string][];
  /** Unique values besides the name that a change will take, as [column, value]: fetched in bulk beforehand. */
  claims?(data: Record<string, any>): [string, string][];
  /** Rules of creation and update, after the fields are merged. Throws ApiError. */
  prepare?(change: Preparing): Promise<void>;
  /** Rules of deletion. Throws ApiError. */
  remove?(row: Row, view: View): Promise<void>;
  /** Adds members that live elsewhere to the entity views of `rows`. */
  extend?(rows: Row[], entities: Record<string, unknown>[], reading: Reading): Promise<void>;
  /** The same for list views. */
  extendList?(rows: Row[], entities: Record<string, unknown>[], reading: Reading): Promise<void>;
}

type Defaults = 'named' | 'order' | 'search' | 'unique' | 'deleted' | 'keyedBy' | 'verbs' | 'seeded' | 'categorised';

/** Fills in what most entities share and checks that every member has its column. */
export function defineResource(given: Omit<Resource, Defaults> & Partial<Pick<Resource, Defaults>>): Resource {
  const columns = getTableColumns(given.table);
  const resource: Resource = {
    named: 'name',
    order: { column: 'id', direction: 'desc' },
    search: 'name',
    unique: { name: `${given.title} already exists` },
    deleted: 0,
    keyedBy: 'name',
    verbs: ['create', 'update', 'delete'],
    seeded: [],
    categorised: 'category_id' in columns && !('categoryId' in given.fields),
    ...given,
  };
  for (const [member, field] of Object.entries(resource.fields)) {
    if (!field.virtual && !(columnOf(member) in columns)) {
      throw new Error(`Resource ${resource.name}: no column for ${member}`);
    }
  }
  return resource;
}

/** `httpMethod` → `http_method`. */
export function columnOf(member: string): string {
  let column = columns.get(member);
  if (column === undefined) {
    column = member.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    columns.set(member, column);
  }
  return column;
}

/** Members are those that resources declare, so they are few. */
const columns = new Map<string, string>();

/** The body of a creation or an update: every writable member, none required here (rules name what is missing). */
export function writable(resource: Resource): ReturnType<typeof Type.Object> {
  const members = Object.entries(resource.fields).filter(([, field]) => !field.readonly);
  return Type.Object(
    Object.fromEntries(members.map(([member, field]) => [member, Type.Optional(nullable(field.schema))])),
    { description: resource.description },
  );
}

/** Clients put whole objects back, nulls included: a null means "as if absent at creation, empty at update". */
function nullable(schema: TSchema): TSchema {
  const { type, enum: values } = schema as { type?: unknown; enum?: unknown[] };
  return Type.Unsafe({
    ...schema,
    ...(typeof type === 'string' ? { type: [type, 'null'] } : {}),
    ...(values === undefined ? {} : { enum: [...values, null] }),
  });
}

/** The member `name` with Fusio's alphabet and length. */
export function nameField(pattern: string, minimum: number, maximum: number): Field {
  return {
    schema: Type.String({
      pattern: `^[${pattern}]+$`,
      minLength: minimum,
      maxLength: maximum,
      description: 'Unique name of the object',
    }),
    list: true,
    required: true,
  };
}

export const statusField: Field = {
  schema: Type.Integer({ description: 'Status of the object, 1 = active' }),
  list: true,
  readonly: true,
  initial: 1,
};

/** Where in the tree of taxonomies an object is; set by moving it there. */
export const taxonomyField: Field = {
  schema: Type.Integer({ description: 'Node of the taxonomy' }),
  readonly: true,
};

export const metadataField: Field = {
  schema: Type.Record(Type.String(), Type.Unknown(), { description: 'Key-value data of your own' }),
  list: true,
};

/** A required text of one line that people read, with what it is and its greatest length. */
export function titleField(description: string, maximum: number): Field {
  return {
    schema: Type.String({ pattern: '^[^\\x00-\\x1f\\x7f]+$', minLength: 1, maxLength: maximum, description }),
    list: true,
    required: true,
  };
}

/** A moment as callers see it: whole seconds. */
export function toSeconds(moment: string): string {
  return moment.replace(/\.\d+Z$/, 'Z');
}
