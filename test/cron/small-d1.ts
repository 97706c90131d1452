import { readdirSync, readFileSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { D1Database } from '@cloudflare/workers-types';

/** As much of D1 as the scheduler asks for, in this process, with the migrations of DB. `pause` comes before each batch or statement, so that callers interleave. */
export function smallD1(pause: () => Promise<void>): { db: D1Database; sqlite: DatabaseSync } {
  const sqlite = new DatabaseSync(':memory:');
  for (const file of readdirSync('d1-migrations/db')
    .filter((name) => name.endsWith('.sql'))
    .sort()) {
    sqlite.exec(readFileSync(`d1-migrations/db/${file}`, 'utf8'));
  }
  const prepared = new Map<string, ReturnType<DatabaseSync['prepare']>>();

  function statement(sql: string, values: SQLInputValue[] = []) {
    const execute = () => {
      const known = prepared.get(sql) ?? sqlite.prepare(sql);
      prepared.set(sql, known);
      const results = known.all(...values);
      const { changes } = sqlite.prepare('SELECT changes() AS changes').get() as { changes: number };
      return { success: true, results, meta: { changes } };
    };
    const slowly = async () => {
      await pause();
      return execute();
    };
    return {
      bind: (...given: SQLInputValue[]) => statement(sql, given),
      all: slowly,
      run: slowly,
      first: async () => (await slowly()).results[0] ?? null,
      execute,
    };
  }

  const db = {
    prepare: (sql: string) => statement(sql),
    async batch(statements: ReturnType<typeof statement>[]) {
      await pause();
      sqlite.exec('BEGIN');
      try {
        const results = statements.map(({ execute }) => execute());
        sqlite.exec('COMMIT');
        return results;
      } catch (thrown) {
        sqlite.exec('ROLLBACK');
        throw thrown;
      }
    },
  };
  return { db: db as unknown as D1Database, sqlite };
}
