import { ApiError } from '../../core/errors.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { collectionParameters } from '../../resources/crud.ts';
import { getCall, listCalls } from '../backend/log.ts';
import { callerId, pick } from './own.ts';

const scope = 'consumer.log';
const listed = ['id', 'appId', 'ip', 'userAgent', 'method', 'path', 'responseCode', 'date'];
const { startIndex, count, search } = collectionParameters;

/** The own calls of the API. */
export const consumerLogOperations: readonly SystemOperation[] = [
  {
    name: `${scope}.getAll`,
    method: 'GET',
    path: '/consumer/log',
    description: 'Lists the own calls of the last month, newest first',
    scope,
    query: { startIndex: startIndex!, count: count!, search: search! },
    async run(call, input) {
      const found = await listCalls(call, { ...input, query: { ...input.query, userId: callerId(call) } });
      return { ...found, entry: (found.entry as Record<string, unknown>[]).map((entry) => pick(entry, listed)) };
    },
  },
  {
    name: `${scope}.get`,
    method: 'GET',
    path: '/consumer/log/$log_id<[0-9]+>',
    description: 'Returns one of the own calls',
    scope,
    async run(call, input) {
      const found: Record<string, unknown> = await getCall(call, input);
      if (found.userId !== callerId(call)) {
        throw new ApiError('not_found', 'Could not find log');
      }
      return pick(found, [...listed, 'header', 'body']);
    },
  },
];
