import { RE2JS } from 're2js';
import { PatternError, Translation } from './pattern-translation.ts';

export { PatternError } from './pattern-translation.ts';

/** A regular expression that never backtracks: its time grows with the length of the text. */
export interface Pattern {
  /** True when the pattern is found anywhere in the text. */
  test(text: string): boolean;
  /** Instructions of the compiled program; the worst case of a match is this times the text's length. */
  size: number;
}

/**
 * Compiles an ECMA-262 regular expression (unicode mode, as JSON Schema means it) for RE2. Users write patterns and
 * callers write the texts, so V8's backtracking engine must see neither. What RE2 cannot do (look-around,
 * back-references, counts over 1,000) throws PatternError; so does what is no regular expression.
 */
export function compilePattern(source: string): Pattern {
  if (source.length > longestSource) {
    throw new PatternError(`a pattern may not be longer than ${longestSource} characters`, longestSource);
  }
  const translated = new Translation(source).run();
  let program: RE2JS;
  try {
    program = RE2JS.compile(translated);
  } catch (thrown) {
    const { error, input } = thrown as { error?: string; input?: string | null };
    const found = input ? source.indexOf(input) : -1;
    throw new PatternError(error ?? 'it cannot be compiled', Math.max(found, 0));
  }
  return { test: (text) => program.test(text), size: program.programSize() };
}

const longestSource = 4096;
