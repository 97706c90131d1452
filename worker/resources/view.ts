import { and, eq, inArray, or, type SQL, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import { getTableConfig, type SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { Actor, Change, ChangeResult } from '../core/ports.ts';
import type { Secrets } from '../lib/derive.ts';
import type { Envelope } from '../lib/seal.ts';
import type { Authority } from './authority.ts';
import type { commits } from './commit.ts';
import type { Resource, Row } from './define.ts';
import { ofTenant } from './of-tenant.ts';

/** One row that a change creates or alters. */
export interface Mutation {
  resource: Resource;
  before: Row | undefined;
  after: Row;
}

/** A row of the commit history that a change adds. */
/**
 * What must hold after the writes, as SQL: else nothing is written. Rules judge what they have read; this is for what others
 * may change at the same moment.
 */
export interface Guard {
  condition: string;
  values: (string | number)[];
}

export type CommitRow = Omit<typeof commits.$inferInsert, 'id'>;

/**
 * The rows as they are after the changes so far: what rules see and alter. Reads come from D1 once; what was put is
 * seen by every later read. Nothing is written before `mutations` and `commitRows` are turned into statements.
 */
export interface View {
  readonly tenant: string;
  readonly now: number;
  readonly actor: Actor;
  readonly secrets: Secrets;
  /** What the actor may do; null for the platform itself. Read once. */
  authority(): Promise<Authority | null>;
  get(resource: string, id: number): Promise<Row | undefined>;
  /** The row, not deleted, whose unique column has the value. */
  by(resource: string, column: string, value: string): Promise<Row | undefined>;
  /** Reads many rows by a unique column in one query; later `by` calls find them. */
  prefetch(resource: string, column: string, values: readonly string[]): Promise<void>;
  /** Reads many rows by id in one query; later `get` calls find them. */
  prefetchIds(resource: string, ids: readonly number[]): Promise<void>;
  /** Reads the newest commits of many objects in one query; later `headCommit` calls find them. */
  prefetchHeads(object: 'action' | 'schema', ids: readonly number[]): Promise<void>;
  /** Rows, not deleted, that match in the database or, where changed meanwhile, by `matches`. */
  where(resource: string, condition: SQL, matches: (row: Row) => boolean): Promise<Row[]>;
  count(table: SQLiteTable, condition: SQL): Promise<number>;
  put(resource: string, row: Row, before: Row | undefined): void;
  nextId(resource: string): Promise<number>;
  /** Applies a further change as part of this one. */
  change(change: Change): Promise<ChangeResult>;
  /** Names that later changes of the same request will create: references to them hold. */
  promise(resource: string, name: string): void;
  promised(resource: string, name: string): boolean;
  commit(row: CommitRow): void;
  headCommit(object: 'action' | 'schema', id: number): Promise<string | null>;
  /** True also when no commit is asked for. */
  hasCommit(object: 'action' | 'schema', id: number, hash: string | null): Promise<boolean>;
  /** Seals a secret; an unchanged one keeps its envelope. */
  seal(plain: string, before: unknown, name: string): Promise<unknown>;
  /** The text of an envelope that was sealed to a name. */
  unseal(envelope: Envelope, name: string): Promise<string>;
  /** Lets the writes happen only if this holds with them. */
  guard(guard: Guard): void;
  readonly guards: readonly Guard[];
  readonly mutations: readonly Mutation[];
  readonly commitRows: readonly CommitRow[];
  /** Marks the state; calling the result undoes everything put since. */
  savepoint(): () => void;
}

export interface ViewOptions {
  db: DrizzleD1Database;
  tenant: string;
  now: number;
  actor: Actor;
  secrets: Secrets;
  resources: ReadonlyMap<string, Resource>;
  commits: typeof commits;
  seal(plain: string, before: unknown, name: string): Promise<unknown>;
  unseal(envelope: Envelope, name: string): Promise<string>;
  apply(view: View, change: Change): Promise<ChangeResult>;
  authority(): Promise<Authority | null>;
}

/** D1 takes 100 parameters a statement and 2 MB a value: lists travel as one JSON text. */
const chunk = 5_000;

export function createView(options: ViewOptions): View {
  const { db, tenant } = options;
  const rows = new Map<string, Map<number, Row | null>>();
  /** `resource.column` → value → id, null when there is none. */
  const ids = new Map<string, Map<string, number | null>>();
  const nextIds = new Map<string, number>();
  /** `object/id` → hash of the newest commit in the database. */
  const heads = new Map<string, string | null>();
  const promises = new Set<string>();
  const mutations: Mutation[] = [];
  const commitRows: CommitRow[] = [];
  const guards: Guard[] = [];
  const undo: (() => void)[] = [];
  let authority: Promise<Authority | null> | undefined;

  const resourceOf = (name: string): Resource => {
    const resource = options.resources.get(name);
    if (resource === undefined) {
      throw new Error(`Unknown resource ${name}`);
    }
    return resource;
  };
  const rowsOf = (name: string) => rows.get(name) ?? rows.set(name, new Map()).get(name)!;
  const idsOf = (name: string, column: string) => {
    const key = `${name}.${column}`;
    return ids.get(key) ?? ids.set(key, new Map()).get(key)!;
  };
  const alive = (resource: Resource, row: Row | null | undefined): row is Row =>
    row !== null && row !== undefined && (row.status === undefined || row.status !== resource.deleted);
  const set = <K, V>(map: Map<K, V>, key: K, value: V) => {
    const had = map.has(key);
    const old = map.get(key);
    undo.push(() => (had ? map.set(key, old as V) : map.delete(key)));
    map.set(key, value);
  };
  /** Keeps what is in the overlay: a row that was put wins over what the database says. */
  const remember = (name: string, row: Row): Row | null => {
    const known = rowsOf(name);
    if (!known.has(row.id)) {
      known.set(row.id, row);
    }
    return known.get(row.id)!;
  };

  const view: View = {
    tenant,
    now: options.now,
    actor: options.actor,
    secrets: options.secrets,
    mutations,
    commitRows,
    guards,
    authority: () => (authority ??= options.authority()),
    async get(name, id) {
      const known = rowsOf(name);
      if (!known.has(id)) {
        const resource = resourceOf(name);
        const { table } = resource;
        const [row] = await db
          .select()
          .from(table)
          .where(and(ofTenant(resource, tenant), eq((table as any).id, id)));
        if (!known.has(id)) {
          known.set(id, (row as Row | undefined) ?? null);
        }
      }
      return known.get(id) ?? undefined;
    },
    async by(name, column, value) {
      const index = idsOf(name, column);
      if (!index.has(value)) {
        await view.prefetch(name, column, [value]);
      }
      const id = index.get(value);
      const row = id === null || id === undefined ? undefined : await view.get(name, id);
      return alive(resourceOf(name), row) ? row : undefined;
    },
    async prefetch(name, column, values) {
      const resource = resourceOf(name);
      const { table } = resource;
      const index = idsOf(name, column);
      const wanted = [...new Set(values)].filter((value) => !index.has(value));
      const columns = table as any;
      for (let start = 0; start < wanted.length; start += chunk) {
        const part = wanted.slice(start, start + chunk);
        // The list comes first: else SQLite may read all rows and ask for each whether it is in it.
        const ids = sql`SELECT found.id FROM json_each(${JSON.stringify(part)}) AS wanted CROSS JOIN ${table} AS found
          WHERE found.tenant_id = ${tenant} AND found.status > 0 AND found.${sql.identifier(column)} = wanted.value`;
        const common = resource.common === undefined ? undefined : inArray(columns[column], part);
        const found = (await db
          .select()
          .from(table)
          .where(or(sql`${columns.id} IN (${ids})`, common && and(ofTenant(resource, tenant), common)))) as Row[];
        for (const value of part) {
          if (!index.has(value)) {
            index.set(value, null);
          }
        }
        for (const row of found) {
          const current = remember(name, row);
          if (
            alive(resourceOf(name), current) &&
            current[column] === row[column] &&
            index.get(String(row[column])) === null
          ) {
            index.set(String(row[column]), row.id);
          }
        }
      }
    },
    async prefetchIds(name, ids) {
      const resource = resourceOf(name);
      const { table } = resource;
      const columns = table as any;
      const known = rowsOf(name);
      const wanted = [...new Set(ids)].filter((id) => Number.isSafeInteger(id) && !known.has(id));
      for (let start = 0; start < wanted.length; start += chunk) {
        const part = wanted.slice(start, start + chunk);
        const found = (await db
          .select()
          .from(table)
          .where(and(ofTenant(resource, tenant), inArray(columns.id, listed(part))))) as Row[];
        for (const row of found) {
          remember(name, row);
        }
        for (const id of part) {
          if (!known.has(id)) {
            known.set(id, null);
          }
        }
      }
    },
    async prefetchHeads(object, ids) {
      const { commits } = options;
      for (let start = 0; start < ids.length; start += chunk) {
        const part = ids.slice(start, start + chunk);
        const found = await db
          .select({ id: commits.object_id, hash: commits.commit_hash, newest: sql`max(${commits.id})` })
          .from(commits)
          .where(
            and(eq(commits.tenant_id, tenant), eq(commits.object, object), inArray(commits.object_id, listed(part))),
          )
          .groupBy(commits.object_id);
        for (const id of part) {
          heads.set(`${object}/${id}`, null);
        }
        for (const { id, hash } of found) {
          heads.set(`${object}/${id}`, hash);
        }
      }
    },
    async where(name, condition, matches) {
      const resource = resourceOf(name);
      const columns = resource.table as any;
      const found = (await db
        .select()
        .from(resource.table)
        .where(and(ofTenant(resource, tenant), living(columns), condition))) as Row[];
      for (const row of found) {
        remember(name, row);
      }
      const known = [...rowsOf(name).values()];
      return known.filter((row): row is Row => alive(resource, row) && matches(row));
    },
    async count(table, condition) {
      const columns = table as any;
      const [found] = await db
        .select({ count: sql<number>`count(*)` })
        .from(table)
        .where(and(eq(columns.tenant_id, tenant), living(columns), condition));
      return found?.count ?? 0;
    },
    put(name, row, before) {
      const resource = resourceOf(name);
      for (const column of Object.keys(resource.unique)) {
        const index = idsOf(name, column);
        if (before !== undefined && alive(resource, before) && index.get(String(before[column])) === row.id) {
          set(index, String(before[column]), null);
        }
        if (alive(resource, row) && row[column] !== null) {
          set(index, String(row[column]), row.id);
        }
      }
      set(rowsOf(name), row.id, row);
      mutations.push({ resource, before, after: row });
      undo.push(() => mutations.pop());
    },
    async nextId(name) {
      if (!nextIds.has(name)) {
        const { table } = resourceOf(name);
        const found = await db.get<{ id: number | null }>(
          sql`SELECT max(coalesce((SELECT max(id) FROM ${table}), 0), coalesce((SELECT seq FROM sqlite_sequence WHERE name = ${getTableConfig(table).name}), 0)) AS id`,
        );
        nextIds.set(name, found?.id ?? 0);
      }
      const id = nextIds.get(name)! + 1;
      nextIds.set(name, id);
      return id;
    },
    change: (change) => options.apply(view, change),
    promise: (resource, name) => void promises.add(`${resource}:${name}`),
    promised: (resource, name) => promises.has(`${resource}:${name}`),
    commit(row) {
      commitRows.push(row);
      undo.push(() => commitRows.pop());
    },
    async headCommit(object, id) {
      const pending = commitRows.findLast((row) => row.object === object && row.object_id === id);
      if (pending !== undefined) {
        return pending.commit_hash;
      }
      const known = heads.get(`${object}/${id}`);
      if (known !== undefined) {
        return known;
      }
      const { commits } = options;
      const [found] = await db
        .select({ hash: commits.commit_hash })
        .from(commits)
        .where(and(eq(commits.tenant_id, tenant), eq(commits.object, object), eq(commits.object_id, id)))
        .orderBy(sql`${commits.id} DESC`)
        .limit(1);
      return found?.hash ?? null;
    },
    async hasCommit(object, id, hash) {
      if (
        hash === null ||
        commitRows.some((row) => row.object === object && row.object_id === id && row.commit_hash === hash)
      ) {
        return true;
      }
      const { commits } = options;
      const found = await db
        .select({ id: commits.id })
        .from(commits)
        .where(
          and(
            eq(commits.tenant_id, tenant),
            eq(commits.object, object),
            eq(commits.object_id, id),
            eq(commits.commit_hash, hash),
          ),
        )
        .limit(1);
      return found.length > 0;
    },
    guard(guard) {
      guards.push(guard);
      undo.push(() => guards.pop());
    },
    seal: options.seal,
    unseal: options.unseal,
    savepoint() {
      const mark = undo.length;
      return () => {
        while (undo.length > mark) {
          undo.pop()!();
        }
      };
    },
  };
  return view;
}

/** Written out, and not as a parameter, it lets SQLite take the partial indexes of unique columns: else it reads every row. */
function living(columns: { status: unknown }): SQL {
  return sql`${columns.status} > 0`;
}

/** A list as one parameter. */
function listed(values: readonly (string | number)[]): SQL {
  return sql`(SELECT value FROM json_each(${JSON.stringify(values)}))`;
}
