import { catalogue } from './catalogue.ts';
import type { ActionType } from './define.ts';
import { httpComposition } from './http-composition.ts';
import { httpLoadBalancer } from './http-load-balancer.ts';
import { httpProcessor } from './http-processor.ts';
import { httpRaw } from './http-raw.ts';
import { renewToken } from './renew-token.ts';
import { sqlBuilder } from './sql/builder.ts';
import { sqlDelete } from './sql/delete.ts';
import { sqlInsert } from './sql/insert.ts';
import { sqlQueryAll } from './sql/query-all.ts';
import { sqlQueryRow } from './sql/query-row.ts';
import { sqlSelectAll } from './sql/select-all.ts';
import { sqlSelectRow } from './sql/select-row.ts';
import { sqlUpdate } from './sql/update.ts';
import { utilDispatchEvent } from './util-dispatch-event.ts';
import { utilRedirect } from './util-redirect.ts';
import { utilStaticResponse } from './util-static-response.ts';

/** The registry: a new action type is a file and a line here. The catalogue holds those that do not run yet. */
export const actionTypes: readonly ActionType[] = [
  httpComposition,
  httpLoadBalancer,
  httpProcessor,
  httpRaw,
  sqlBuilder,
  sqlDelete,
  sqlInsert,
  sqlQueryAll,
  sqlQueryRow,
  sqlSelectAll,
  sqlSelectRow,
  sqlUpdate,
  utilDispatchEvent,
  utilRedirect,
  utilStaticResponse,
  ...catalogue,
];

/** What the platform runs itself is not offered. */
const byClass = new Map([...actionTypes, renewToken].map((type) => [type.class, type]));

/** By Fusio's class name, with dots or backslashes. */
export function actionType(name: string): ActionType | undefined {
  return byClass.get(name.replaceAll('\\', '.'));
}
