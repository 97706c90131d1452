import type { SQL } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import type { Call } from '../../core/call.ts';
import { type Collection, collectionParameters, listGrowing } from '../../resources/crud.ts';
import type { Resource } from '../../resources/define.ts';
import { dateParameters, dateRange } from '../date-range.ts';

/** Query parameters of every dated list; each list adds filters of its own. */
export const datedParameters = { ...collectionParameters, ...dateParameters };

/** A page of what happened between `from` and `to`, narrowed further by `more`. */
export function listDated(
  call: Call,
  resource: Resource,
  date: SQLiteColumn,
  query: Record<string, unknown>,
  more?: SQL,
): Promise<Collection> {
  const range = dateRange(query, call.runtime.now());
  return listGrowing(call, resource, query, { along: date, ...range }, more);
}
