import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { identity, json } from './columns.ts';

// Tables that no caller manages: revisions and their content, audit, signing keys.

/** One row per publish; the unique number is the backstop of the publisher's serialisation. */
export const revisions = sqliteTable(
  'revision',
  {
    tenant_id: text().notNull().default(''),
    number: integer().notNull(),
    /** Hash of the manifest in `content`. */
    manifest: text().notNull(),
    /** Names the attempt, so that a lost reply can be told from a failure. */
    attempt: text().notNull(),
    user_id: integer().notNull(),
    app_id: integer(),
    message: text().notNull().default(''),
    /** The first changes, for lists: [verb, resource, name][]. */
    changes: json().notNull(),
    change_count: integer().notNull(),
    /** ISO 8601. */
    date: text().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.number] }),
    uniqueIndex('revision_attempt').on(table.attempt),
  ],
);

/** Immutable content by hash: manifests, and nodes of the trees of rows. */
export const contents = sqliteTable(
  'content',
  {
    tenant_id: text().notNull().default(''),
    hash: text().notNull(),
    body: text().notNull(),
    /** The revision that wrote it last. */
    revision: integer().notNull(),
    /** The first revision since then that is without it; null while it is in use. */
    dropped: integer(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.hash] }),
    index('content_dropped').on(table.tenant_id, table.dropped).where(sql`dropped IS NOT NULL`),
  ],
);

export const audits = sqliteTable(
  'audit',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    tenant_id: text().notNull().default(''),
    app_id: integer(),
    user_id: integer().notNull(),
    ref_id: integer(),
    event: text().notNull(),
    ip: text().notNull().default(''),
    message: text().notNull(),
    content: json(),
    date: text().notNull(),
  },
  (table) => [index('audit_date').on(table.tenant_id, table.date)],
);

/** Key pairs that sign tokens; the private half is sealed. */
export const signingKeys = sqliteTable('signing_key', {
  ...identity,
  kid: text().notNull(),
  alg: text().notNull(),
  public: json().notNull(),
  private: json().notNull(),
  created: text().notNull(),
});

/** One row per run of a job of the platform itself: what it did, or why it failed. */
export const jobRuns = sqliteTable(
  'job_run',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    tenant_id: text().notNull().default(''),
    name: text().notNull(),
    /** Null: the clock started it. */
    user_id: integer(),
    /** When it began, ISO 8601. */
    date: text().notNull(),
    /** Milliseconds. */
    duration: integer().notNull(),
    /** Rows that it removed. */
    rows: integer().notNull().default(0),
    /** It stopped before everything was done; the next run goes on. */
    more: integer({ mode: 'boolean' }).notNull().default(false),
    error: text(),
  },
  (table) => [index('job_run_name').on(table.tenant_id, table.name, table.id)],
);
