import type { SystemOperation } from '../../core/system-operation.ts';
import { classForm, classList } from './classes.ts';
import { sendHttp } from './connection-http.ts';

/** What connections have beyond CRUD: classes, forms and a test request. */
export const connectionOperations: readonly SystemOperation[] = [
  classList('connection'),
  classForm('connection'),
  sendHttp,
];
