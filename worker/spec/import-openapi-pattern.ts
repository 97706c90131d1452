import { compilePattern, PatternError } from '../lib/schema/pattern.ts';
import type { Description } from './import-openapi-document.ts';

/** Whether a regular expression of a description can be checked here; what cannot (look-around, …) is left out, and told. */
export function isUsablePattern(description: Description, pattern: unknown, pointer: string): boolean {
  try {
    compilePattern(String(pattern));
    return true;
  } catch (thrown) {
    if (!(thrown instanceof PatternError)) {
      throw thrown;
    }
    description.warn(pointer, `The pattern ${String(pattern)} is left out: ${thrown.message}`);
    return false;
  }
}
