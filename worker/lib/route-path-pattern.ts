import { RE2JS, RE2JSException } from 're2js';

/** The compiled regular expression of a route segment. */
export interface SegmentPattern {
  source: string;
  /** Whether it is found anywhere in the decoded segment; only `^` and `$` anchor it. */
  test(segment: string): boolean;
}

export type PatternResult = { ok: true; pattern: SegmentPattern } | { ok: false; message: string };

/**
 * Compiles a pattern of RE2's syntax, whose match time is linear in the segment (RE2JS): patterns come from users and run on
 * every request, so look-around and back-references are refused, and so are patterns over 255 characters or with large
 * repetitions. Compiled patterns are kept, up to 1,000.
 */
export function compilePattern(source: string): PatternResult {
  let result = compiled.get(source);
  if (result === undefined) {
    if (compiled.size >= 1000) {
      compiled.clear();
    }
    compiled.set(source, (result = compile(source)));
  }
  return result;
}

/** Plain data, so it may outlive requests; a second snapshot finds the patterns of the first. */
const compiled = new Map<string, PatternResult>();

function compile(source: string): PatternResult {
  if (source.length > 255) {
    return { ok: false, message: 'a regular expression has at most 255 characters' };
  }
  if (/^(?:\.\*)?$/.test(source)) {
    return { ok: true, pattern: { source, test: () => true } };
  }
  let engine: RE2JS;
  try {
    engine = RE2JS.compile(source);
  } catch (thrown) {
    if (!(thrown instanceof RE2JSException)) {
      throw thrown;
    }
    return { ok: false, message: explain(source, thrown) };
  }
  if (engine.programSize() > 500) {
    return { ok: false, message: 'the regular expression repeats too much' };
  }
  const native = nativePattern(source);
  const test = native === null ? (segment: string) => engine.test(segment) : (segment: string) => native.test(segment);
  return { ok: true, pattern: { source, test } };
}

/**
 * The same search on the JavaScript engine (about thirty times faster), for patterns that mean the same there and cannot
 * backtrack: alternatives of one ASCII class or literal, repeated only where the repetition is anchored on the left or where
 * its first character decides. Null for all others.
 */
function nativePattern(source: string): RegExp | null {
  return simple.test(source) ? new RegExp(source) : null;
}

const atom = String.raw`(?:\[[A-Za-z0-9_.~-]+\]|\\d|\\w)`;
const literal = '[A-Za-z0-9_~-]+';
const alternative = String.raw`(?:\^?${atom}\+?|\^${atom}[+*]\$|\^?${literal}|\^${literal}\$)`;
const simple = new RegExp(`^${alternative}(?:\\|${alternative})*$`);

function explain(source: string, thrown: RE2JSException): string {
  const lookAround = /\(\?<?[=!]/.exec(source);
  if (lookAround !== null) {
    return `look-around is not supported ("${lookAround[0]}" at character ${lookAround.index + 1} of the regular expression)`;
  }
  const reference = /^(?:[^\\]|\\[^1-9k])*(\\[1-9k])/.exec(source);
  if (reference !== null) {
    const place = reference[0].length - reference[1]!.length + 1;
    return `back-references are not supported ("${reference[1]}" at character ${place} of the regular expression)`;
  }
  return thrown.message.replace(/^error parsing regexp: /, 'the regular expression is not valid: ');
}
