import { compileNode } from './compiler.ts';
import type { DocumentOptions } from './documents.ts';
import type { Violation } from './problem.ts';
import { type Found, type Node, startRun } from './run.ts';

export { assertFormatKeyword } from './documents.ts';
export { SchemaError, type Violation } from './problem.ts';

/** `resolve` gives the document of `schema://Name`; `documents` those of other absolute URIs; nothing is fetched. */
export type SchemaOptions = DocumentOptions;

/** A compiled schema. */
export interface Check {
  /** Every broken rule, at most 20; empty when the value is good. Never throws, whatever the value. */
  check(value: unknown): Violation[];
}

/**
 * The one seam between payloads and JSON Schema (draft-07 and 2020-12 by `$schema`, default 2020-12; drafts 4, 6 and
 * 2019-09 too). A schema becomes closures, once; no code is generated, so that it runs where `eval` does not. Patterns run
 * on RE2. Throws SchemaError for a schema that is wrong, refers to nothing, or is over a budget.
 */
export function compile(schema: unknown, options: SchemaOptions = {}): Check {
  const node = compileNode(schema, options);
  return { check: (value) => violations(node, value) };
}

const tooComplex: Violation = { pointer: '', rule: 'budget', message: 'is too complex to be checked' };

/** Good values take the short way: one pass that stops at the first broken rule and keeps no paths. */
function violations(node: Node, value: unknown): Violation[] {
  try {
    if (node.check(value, startRun(false))) {
      return [];
    }
  } catch {
    // Exhausted, or out of stack where a budget was too generous.
    return [tooComplex];
  }
  const run = startRun(true);
  const found = run.errors;
  try {
    node.check(value, run);
  } catch {
    // What was found so far is true all the same: alternatives collect in lists of their own.
    return found.length > 0 ? found.map(plain) : [tooComplex];
  }
  return found.length > 0 ? found.map(plain) : [{ pointer: '', rule: 'schema', message: 'is not valid' }];
}

function plain({ pointer, rule, message }: Found): Violation {
  return { pointer, rule, message };
}
