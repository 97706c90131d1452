import { equal, fingerprint } from '../equality.ts';
import { type Check, report, spend } from '../run.ts';
import type { Site } from '../site.ts';

/** `type`, `enum`, `const`: what any value is asked. */
export function anyChecks(site: Site): Check[] {
  const checks: Check[] = [];
  const types = typesOf(site);
  if (types !== undefined) {
    checks.push(typeCheck(types));
  }
  if (site.has('enum')) {
    const values = site.value('enum');
    if (values !== undefined) {
      checks.push(enumCheck(Array.isArray(values) ? values : site.refuse('enum', 'must be a list of values')));
    }
  }
  if (site.has('const') && site.dialect.name !== 'draft-04') {
    const expected = site.value('const');
    const message = `must be ${show(expected)}`;
    checks.push((value, run) => equal(value, expected, (steps) => spend(run, steps)) || report(run, 'const', message));
  }
  return checks;
}

const predicates: Record<string, (value: unknown) => boolean> = {
  array: Array.isArray,
  boolean: (value) => typeof value === 'boolean',
  integer: Number.isInteger,
  null: (value) => value === null,
  number: (value) => typeof value === 'number',
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  string: (value) => typeof value === 'string',
};

function typesOf(site: Site): string[] | undefined {
  const value = site.value('type');
  if (value === undefined) {
    return undefined;
  }
  const types: unknown[] = Array.isArray(value) ? value : [value];
  const unknown = types.find((type) => typeof type !== 'string' || !Object.hasOwn(predicates, type));
  if (unknown !== undefined || types.length === 0) {
    site.refuse('type', `must be one or several of ${Object.keys(predicates).join(', ')}`);
  }
  return types as string[];
}

function typeCheck(types: string[]): Check {
  const message = mustBeOfType(types);
  const fail: Check = (value, run) => {
    // Fusio says so of a missing or null member; it is the more helpful sentence for null anyway.
    return report(run, 'type', value === null ? 'must not be null' : message, undefined, types);
  };
  const [first, second] = types.map((type) => predicates[type]!);
  if (second === undefined) {
    return (value, run) => first!(value) || fail(value, run);
  }
  if (types.length === 2) {
    return (value, run) => first!(value) || second(value) || fail(value, run);
  }
  const all = types.map((type) => predicates[type]!);
  return (value, run) => all.some((is) => is(value)) || fail(value, run);
}

/** Fusio's sentence. That null would do as well is not worth a word, unless it is all that would. */
export function mustBeOfType(types: readonly string[]): string {
  const named = types.filter((type) => type !== 'null');
  const shown = named.length === 0 ? ['null'] : named;
  const last = shown.length > 1 ? ` or ${shown.at(-1)}` : '';
  return `must be of type ${last === '' ? shown[0] : shown.slice(0, -1).join(', ') + last}`;
}

function enumCheck(values: unknown[]): Check {
  const scalars = new Set(values.filter((value) => typeof value !== 'object' || value === null));
  const composites = new Set(
    values.filter((value) => typeof value === 'object' && value !== null).map((value) => fingerprint(value, () => {})),
  );
  // That null would do as well is not worth a word, here neither.
  const named = values.length > 1 ? values.filter((value) => value !== null) : values;
  const message = `must be one of: ${named.slice(0, 20).map(show).join(', ')}${named.length > 20 ? ', …' : ''}`;
  return (value, run) => {
    const found =
      typeof value === 'object' && value !== null
        ? composites.size > 0 && composites.has(fingerprint(value, (steps) => spend(run, steps)))
        : scalars.has(value);
    return found || report(run, 'enum', message);
  };
}

/** A value in a message: texts bare, everything else as JSON, long ones cut. */
function show(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined');
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
