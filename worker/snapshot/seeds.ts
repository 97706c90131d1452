import type { Change } from '../core/ports.ts';
import { categories } from '../core/system-operation.ts';
import { configTypes, seededConfig } from '../resources/config.ts';
import { resources } from '../resources/index.ts';
import { seededPages } from '../resources/page-texts.ts';
import { seededAgents } from '../resources/seeded-agents.ts';
import { systemEvents } from '../resources/system-events.ts';
import { systemScopes } from '../resources/system-scopes.ts';

interface SeedRow {
  resource: string;
  row: Record<string, unknown> & { id: number };
}

/**
 * Rows that callers may not create as such (config) or whose members they may not set (category), written as they are. The root
 * tenant's have the ids that Fusio gives them, the others the next ones that are free; categories are the root tenant's.
 */
export async function seedRows(
  tenant: string,
  now: number,
  nextId: (resource: string) => Promise<number>,
): Promise<SeedRow[]> {
  const rows = rootRows(tenant, now).filter(({ resource }) => tenant === '' || resource !== 'category');
  for (const { resource, row } of tenant === '' ? [] : rows) {
    row.id = await nextId(resource);
  }
  return rows;
}

function rootRows(tenant: string, now: number): SeedRow[] {
  const date = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  const common = { tenant_id: tenant, status: 1 };
  return [
    ...seededScopes().map(({ name, description, category }, index) => ({
      resource: 'scope',
      row: { ...common, id: index + 1, category_id: category, name, description, metadata: null },
    })),
    ...seededConfig.map(([name, type, value, description], index) => ({
      resource: 'config',
      row: { ...common, id: index + 1, type: configTypes[type], name, value, description },
    })),
    ...Object.entries(categories).map(([name, id]) => ({ resource: 'category', row: { ...common, id, name } })),
    ...systemEvents.map((name, index) => ({
      resource: 'event',
      row: {
        ...common,
        ...{ id: index + 1, category_id: categories.backend, taxonomy_id: null, name, description: '' },
        ...{ schema: null, metadata: null },
      },
    })),
    {
      resource: 'cronjob',
      row: {
        ...common,
        ...{ id: 1, category_id: categories.backend, taxonomy_id: null, name: 'Renew_Token', cron: '0 * * * *' },
        ...{ action: 'php+class://Fusio.Impl.Backend.Action.Connection.RenewToken', metadata: null },
        ...{ timezone: 'UTC', missed: 'one', missed_limit: 10, overlap: 'forbid', timeout: 30_000 },
      },
    },
    ...seededAgents.map((agent, index) => ({
      resource: 'agent',
      row: {
        ...common,
        ...agent,
        ...{ id: index + 1, category_id: categories.default, connection_id: null, public: false, temperature: null },
        ...{ costs: 0, outgoing: null, action: null, metadata: null, insert_date: date },
      },
    })),
    ...seededPages.map((page, index) => ({
      resource: 'page',
      row: { ...common, ...page, id: index + 1, metadata: null, date },
    })),
  ];
}

/** Every entity has a scope, also one that the list of Fusio's does not know. */
function seededScopes(): typeof systemScopes {
  const known = new Set(systemScopes.map(({ name }) => name));
  const names = [...resources.keys()].map((name) => `backend.${name}`).filter((name) => !known.has(name));
  return [...systemScopes, ...names.map((name) => ({ name, description: '', category: categories.backend }))];
}

/** The rest of what every tenant starts with, as changes that walk through the ordinary rules. */
export function seedChanges(): Change[] {
  const create = (resource: string, data: Record<string, unknown>): Change => ({ resource, verb: 'create', data });
  return [
    create('role', { name: 'Administrator', scopes: ['authorization', 'backend', 'consumer', 'default'] }),
    create('role', { name: 'Backend', scopes: ['authorization', 'backend', 'default'] }),
    create('role', { name: 'Consumer', scopes: ['authorization', 'consumer', 'default'] }),
    create('rate', { name: 'Default', priority: 0, rateLimit: 3600, timespan: 'PT1H', allocation: [{}] }),
    create('rate', {
      name: 'Default-Anonymous',
      priority: 4,
      rateLimit: 900,
      timespan: 'PT1H',
      allocation: [{ authenticated: false }],
    }),
    create('connection', { name: 'System', class: 'Fusio.Impl.Connection.System', config: {} }),
    create('schema', { name: 'Passthru', source: { type: 'object', additionalProperties: true } }),
    create('schema', {
      name: 'Message',
      source: {
        definitions: {
          Message: {
            type: 'struct',
            properties: {
              success: { type: 'boolean' },
              message: { type: 'string' },
              id: { type: 'string' },
            },
          },
        },
        root: 'Message',
      },
    }),
  ];
}
