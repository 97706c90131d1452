import { defineConfig } from 'drizzle-kit';

/** Generates `d1-migrations/db` from the tables of the resources: `npm run migrations`. */
export default defineConfig({
  dialect: 'sqlite',
  schema: './worker/resources/*.ts',
  out: './d1-migrations/db',
});
