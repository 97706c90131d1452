import { defineConfig } from 'drizzle-kit';

/** Generates `d1-migrations/logs/` from the tables of the database LOGS. */
export default defineConfig({
  dialect: 'sqlite',
  schema: './worker/gateway/log-tables.ts',
  out: './d1-migrations/logs',
});
