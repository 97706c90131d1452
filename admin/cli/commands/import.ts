import { defineCommand } from 'citty';

/** Families of formats, and other products. */
export const importCommand = defineCommand({
  meta: { name: 'import', description: 'Make operations out of a description of an API, or of a Fusio' },
  subCommands: {
    openapi: () => import('./import-openapi.ts').then((module) => module.importOpenApi),
    fusio: () => import('./import-fusio.ts').then((module) => module.importFusio),
  },
});
