import { defineCommand } from 'citty';

/** Families of formats; OpenAPI is the first. */
export const importCommand = defineCommand({
  meta: { name: 'import', description: 'Make operations out of a description of an API' },
  subCommands: { openapi: () => import('./import-openapi.ts').then((module) => module.importOpenApi) },
});
