import { type OutputUnit, type Schema, Validator } from '@cfworker/json-schema';
import type { Violation } from './problem.ts';

/**
 * Checks for schemas that are part of the bundle (configurations of classes): written by us, so that their patterns need no
 * linear-time engine and their size no budget. What users write goes through engine.ts.
 */
export function compileFixed(schema: object): { check(value: unknown): Violation[] } {
  const validator = new Validator(schema as Schema, '2020-12', false);
  return {
    check(value) {
      const { valid, errors } = validator.validate(value);
      return valid ? [] : distinct(errors.filter(({ keyword }) => !containers.has(keyword)).map(violation));
    },
  };
}

/** Keywords that only say that something inside them is wrong. */
const containers = new Set([
  'properties',
  'items',
  'prefixItems',
  'additionalProperties',
  'allOf',
  '$ref',
  'patternProperties',
]);

function violation({ keyword, instanceLocation, error }: OutputUnit): Violation {
  const pointer = instanceLocation.replace(/^#/, '');
  if (keyword === 'required') {
    const member = /"(.*)"/.exec(error)?.[1] ?? '';
    return { pointer: `${pointer}/${member}`, rule: keyword, message: 'must not be null' };
  }
  if (keyword === 'type') {
    const expected = [...error.matchAll(/"([^"]*)"/g)].slice(1).map((match) => match[1]);
    return { pointer, rule: keyword, message: `must be of type ${expected.join(' or ')}` };
  }
  return { pointer, rule: keyword, message: `is not valid: ${error}` };
}

/** Alternatives report each branch; one line per place and rule is enough. */
function distinct(violations: Violation[]): Violation[] {
  return [...new Map(violations.map((found) => [`${found.pointer} ${found.rule}`, found])).values()];
}
