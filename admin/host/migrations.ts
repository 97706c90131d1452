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

/** The migrations of a folder (wrangler.toml's `migrations_dir`, relative to the checkout), in order. */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const path = join(projectRoot, folder);
  const names = (await readdir(path).catch(() => [])).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => ({ name, statements: splitStatements(await readFile(join(path, name), 'utf8')) })),
  );
}

/**
 * Applies what the database does not have yet, each file whole or not at all, and gives the names applied. The table is
 * wrangler's own (`d1_migrations`), so `wrangler d1 migrations apply` and this one agree on what was done.
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
    await database.batch([
      database.prepare(`CREATE TABLE IF NOT EXISTS d1_migrations(
		id         INTEGER PRIMARY KEY AUTOINCREMENT,
		name       TEXT UNIQUE,
		applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`),
      ...migration.statements.map((statement) => database.prepare(statement)),
      database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(migration.name),
    ]);
  }
  return missing.map(({ name }) => name);
}

// A string, a quoted name, a comment, a word, or one other character.
const token = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?\*\/|[A-Za-z_]\w*|[\s\S]/g;

/** A script's statements, without their semicolons and without comments around them; a trigger's body stays whole. */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let text = '';
  let words: string[] = [];
  let depth = 0;
  const finish = () => {
    if (words.length > 0) {
      statements.push(text.trim());
    }
    text = '';
    words = [];
    depth = 0;
  };
  for (const [part] of sql.matchAll(token)) {
    if (part.startsWith('--') || part.startsWith('/*')) {
      text += words.length > 0 ? ' ' : '';
      continue;
    }
    if (part === ';' && depth === 0) {
      finish();
      continue;
    }
    text += part;
    if (/^\w/.test(part)) {
      const word = part.toUpperCase();
      words.push(word);
      const trigger = words[0] === 'CREATE' && words.slice(1, 3).includes('TRIGGER');
      if (trigger && (word === 'BEGIN' || word === 'CASE')) {
        depth += 1;
      } else if (trigger && word === 'END') {
        depth -= 1;
      }
    }
  }
  finish();
  return statements;
}
