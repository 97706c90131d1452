import type { SystemOperation } from '../../core/system-operation.ts';
import { classForm, classList } from './classes.ts';
import { sendHttp } from './connection-http.ts';
import { databaseOperations } from './database.ts';
import { migrationOperations } from './migration.ts';

/** What connections have beyond CRUD: classes, forms, a test request, the table designer and migrations. */
export const connectionOperations: readonly SystemOperation[] = [
  classList('connection'),
  classForm('connection'),
  sendHttp,
  ...databaseOperations,
  ...migrationOperations,
];
