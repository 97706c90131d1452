import { fileURLToPath } from 'node:url';

/** Folder of the Wycheproof vectors (JSON web signature, key), when the public suites stand beside the checkout. */
export const joseSuite = fileURLToPath(new URL('../../../shared/suites/jose', import.meta.url));
