import { join } from 'node:path';

/** Folder of the Wycheproof vectors (JSON web signature, key), when the public suites stand beside the checkout. */
export const joseSuite = join(import.meta.dirname, '..', '..', '..', 'shared', 'suites', 'jose');
