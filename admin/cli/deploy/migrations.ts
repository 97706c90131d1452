import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../client.ts';
import { Failure } from '../failure.ts';

export interface MigrationFile {
  name: string;
  sql: string;
}

/** What a gateway answers: what it applied, or would apply, and what it has applied that no file is left of. */
export interface Migrated {
  plan: boolean;
  applied: { name: string; statements: number }[];
  pending: { name: string; statements: number }[];
  missing: string[];
}

export interface MigrateOptions {
  connection?: string;
  plan: boolean;
  outOfOrder?: boolean;
}

/** The SQL files of a folder, in the order of their names; null when there is no such folder, or none in it. */
export function readMigrationFiles(folder: string): MigrationFile[] | null {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    return null;
  }
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  return names.length === 0 ? null : names.map((name) => ({ name, sql: readFileSync(join(folder, name), 'utf8') }));
}

/** Applies what the database behind a connection lacks, or asks what that is. Complaints name the file. */
export async function migrate(
  api: Client,
  files: readonly MigrationFile[],
  options: MigrateOptions,
): Promise<Migrated> {
  const { plan, outOfOrder = false, connection = 'System' } = options;
  const path = `/backend/connection/${encodeURIComponent(connection)}/migration`;
  return api.send<Migrated>('POST', path, { migrations: files, plan, outOfOrder });
}

/** One line for each migration. */
export function showMigrations({ plan, applied, pending, missing }: Migrated): string {
  const line = (sign: string) => (one: { name: string; statements: number }) =>
    `${sign} ${one.name} (${one.statements} ${one.statements === 1 ? 'statement' : 'statements'})`;
  return [
    ...(plan ? pending : applied).map(line('+')),
    ...missing.map((name) => `! ${name} was applied, and its file is gone`),
  ].join('\n');
}

/** The files of a folder that must have some. */
export function requireMigrationFiles(folder: string): MigrationFile[] {
  const files = readMigrationFiles(folder);
  if (files === null) {
    throw new Failure('usage', `There is no folder ${folder} with SQL files, such as 0001_tables.sql`);
  }
  return files;
}
