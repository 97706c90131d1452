import type { SystemOperation } from '../../core/system-operation.ts';
import { classForm, classList } from './classes.ts';

/** What connections have beyond CRUD: classes and forms. */
export const connectionOperations: readonly SystemOperation[] = [classList('connection'), classForm('connection')];
