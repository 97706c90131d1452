import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from './build.ts';

export interface Migration {
  /** File name, `0001_tables.sql`: what the table of applied migrations holds. */
  name: string;
  statements: string[];
}

/** What this needs of a D1 database: the binding itself, Miniflare's stand-in for it, or a client of the REST API. */
export interface MigratableDatabase {
  prepare(sql: string): MigratableStatement;
  batch(statements: MigratableStatement[]): Promise<unknown>;
}

interface MigratableStatement {
  bind(...values: unknown[]): MigratableStatement;
  all(): Promise<{ results: unknown[] }>;
}

/** A migration that was not applied; the cause says why. */
export class MigrationFailure extends Error {
  /** Its file name. */
  readonly migration: string;

  constructor(migration: string, cause: unknown) {
    super(`The migration ${migration} was not applied: ${cause instanceof Error ? cause.message : cause}`, { cause });
    this.migration = migration;
  }
}

/** The migrations of a folder (wrangler.toml's `migrations_dir`, relative to the checkout), in order. */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const path = join(projectRoot, folder);
  const names = (await readdir(path).catch(() => [])).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => ({ name, statements: statementsOf(await readFile(join(path, name), 'utf8')) })),
  );
}

/** The generator marks where a statement ends. */
function statementsOf(file: string): string[] {
  return file.split('--> statement-breakpoint').map((statement) => statement.trim());
}

/**
 * Applies what the database does not have yet, each file whole or not at all, and gives the names applied. The table is
 * wrangler's own (`d1_migrations`), so `wrangler d1 migrations apply` and this one agree on what was done. Throws
 * MigrationFailure.
 */
export async function applyMigrations(database: MigratableDatabase, migrations: Migration[]): Promise<string[]> {
  const known = await database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'd1_migrations'")
    .all();
  const applied = new Set<unknown>();
  if (known.results.length > 0) {
    const { results } = await database.prepare('SELECT name FROM d1_migrations').all();
    for (const row of results as { name: string }[]) {
      applied.add(row.name);
    }
  }
  const missing = migrations.filter(({ name }) => !applied.has(name));
  for (const migration of missing) {
    const statements = [
      database.prepare(`CREATE TABLE IF NOT EXISTS d1_migrations(
		id         INTEGER PRIMARY KEY AUTOINCREMENT,
		name       TEXT UNIQUE,
		applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`),
      ...migration.statements.map((statement) => database.prepare(statement)),
      database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(migration.name),
    ];
    await database.batch(statements).catch((thrown) => {
      throw new MigrationFailure(migration.name, thrown);
    });
  }
  return missing.map(({ name }) => name);
}
