import { and, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { Call, Input } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import { categories, type SystemOperation } from '../../core/system-operation.ts';
import { categories as categoryTable } from '../../resources/category.ts';
import { describe, type Selection } from '../../spec/describe.ts';
import { formatOf } from '../../spec/formats.ts';
import { typeApiOf } from '../../spec/spec-typeapi.ts';

/** Documents of the API for people, clients and code generators. */
export const documentOperations: readonly SystemOperation[] = [
  {
    name: 'system.generate',
    method: 'GET',
    path: '/system/generator/:type',
    description: 'Returns a document that describes the API',
    scope: null,
    query: {
      filter: {
        type: 'string',
        description: 'app (the API itself, unless given), frontend, fusio (the platform) or the name of a category',
      },
      version: {
        type: 'string',
        pattern: '^[0-9]+\\.[0-9]+\\.[0-9]+$',
        description: 'Of which version, 1.2.0; the current one unless given',
      },
    },
    run: generate,
  },
  {
    name: 'backend.specification.get',
    method: 'GET',
    path: '/backend/specification',
    description: 'Returns the TypeAPI specification of the API',
    scope: 'backend.specification',
    run: async (call) => ({ spec: typeApiOf(await describe(call, { categories: groups.app })) }),
  },
];

/** What a filter stands for, beside the names of categories. */
const groups = {
  app: [categories.default, categories.authorization],
  frontend: [categories.default, categories.consumer, categories.system, categories.authorization],
  fusio: [categories.backend, categories.consumer, categories.system, categories.authorization],
} as const;

async function generate(call: Call, input: Input): Promise<Response> {
  const format = formatOf(String(input.path.type));
  if (format === undefined) {
    throw new ApiError('invalid_parameter', 'Provided an invalid type', {
      errors: [{ pointer: '/path/type', rule: 'enum', message: 'is no kind of document' }],
    });
  }
  const { filter = 'app', version } = input.query as { filter?: string; version?: string };
  const selection: Selection = { categories: await categoriesOf(call, filter), version };
  return new Response(format.render(await describe(call, selection)), {
    headers: { 'Content-Type': format.contentType },
  });
}

async function categoriesOf(call: Call, filter: string): Promise<readonly number[]> {
  if (filter === '' || Object.hasOwn(groups, filter)) {
    return groups[(filter || 'app') as keyof typeof groups];
  }
  const [row] = await drizzle(call.runtime.env.DB)
    .select({ id: categoryTable.id })
    .from(categoryTable)
    .where(and(eq(categoryTable.tenant_id, call.tenant), eq(categoryTable.name, filter), eq(categoryTable.status, 1)));
  if (row === undefined) {
    throw new ApiError('invalid_parameter', `There is no category ${filter}`, {
      errors: [{ pointer: '/query/filter', rule: 'enum', message: 'is neither app, frontend, fusio nor a category' }],
    });
  }
  return [row.id];
}
