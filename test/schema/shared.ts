import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Public suites that stand beside the clone, where there are any. */
const shared = join(import.meta.dirname, '..', '..', '..', 'shared');

/** The path of something in there; null when it is not at hand, and the committed tables must do. */
export function sharedPath(...parts: string[]): string | null {
  const path = join(shared, ...parts);
  return existsSync(path) ? path : null;
}
