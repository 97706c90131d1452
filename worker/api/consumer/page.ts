import { eq } from 'drizzle-orm';
import type { SystemOperation } from '../../core/system-operation.ts';
import { collectionParameters, getEntity, listEntities } from '../../resources/crud.ts';
import { page, pages } from '../../resources/page.ts';
import { pick, pickAll } from './own.ts';

const listed = ['id', 'title', 'slug', 'metadata', 'date'];

/** The texts of the developer portal, for everybody. An invisible one is not listed, and read by who knows it. */
export const consumerPageOperations: readonly SystemOperation[] = [
  {
    name: 'consumer.page.getAll',
    method: 'GET',
    path: '/consumer/page',
    description: 'Lists the visible pages',
    scope: null,
    query: collectionParameters,
    run: (call, { query }) => pickAll(listEntities(call, page, query, eq(pages.status, 1)), listed),
  },
  {
    name: 'consumer.page.get',
    method: 'GET',
    path: '/consumer/page/:page_id',
    description: 'Returns one page by id or ~slug',
    scope: null,
    run: async (call, input) => pick(await getEntity(call, page, String(input.path.page_id)), [...listed, 'content']),
  },
];
