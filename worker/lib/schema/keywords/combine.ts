import { pointerTo } from '../problem.ts';
import { branch, type Check, type Found, limits, type Node, probe, type Run, report } from '../run.ts';
import type { Site } from '../site.ts';
import { mustBeOfType } from './any.ts';

/** Keywords that apply schemas to the same value: references, `allOf`, `anyOf`, `oneOf`, `not`, `if`. */
export function combinedChecks(site: Site): Check[] {
  const checks: Check[] = referenceChecks(site);
  for (const node of site.list('allOf', true)) {
    checks.push((value, run) => node.check(value, run));
  }
  const any = site.list('anyOf', true);
  if (any.length > 0) {
    checks.push((value, run) => anyOf(any, value, run));
  }
  const one = site.list('oneOf', true);
  if (one.length > 0) {
    checks.push((value, run) => oneOf(one, value, run));
  }
  const not = site.one('not', true);
  if (not !== undefined) {
    checks.push((value, run) => {
      const { seen } = run;
      run.seen = null;
      const matches = probe(not, value, run);
      run.seen = seen;
      return !matches || report(run, 'not', 'must not have the form that is excluded');
    });
  }
  return [...checks, ...conditionChecks(site)];
}

/** The checks of the schemas that are referred to. */
export function referenceChecks(site: Site): Check[] {
  const checks: Check[] = [];
  for (const keyword of ['$ref', '$dynamicRef', '$recursiveRef']) {
    const reference = site.reference(keyword);
    if (reference === undefined) {
      continue;
    }
    const { node, elsewhere } = reference;
    if (elsewhere === undefined) {
      checks.push((value, run) => node.check(value, run));
    } else {
      checks.push((value, run) => {
        // The outermost resource in the dynamic scope that has the anchor wins.
        for (const resource of run.scope) {
          const target = elsewhere(resource);
          if (target !== undefined) {
            return target.check(value, run);
          }
        }
        return node.check(value, run);
      });
    }
  }
  return checks;
}

function conditionChecks(site: Site): Check[] {
  const condition = site.one('if', true);
  const yes = site.one('then', true);
  const no = site.one('else', true);
  if (condition === undefined) {
    return [];
  }
  return [
    (value, run) => {
      const next = probe(condition, value, run) ? yes : no;
      return next === undefined || next.check(value, run);
    },
  ];
}

function anyOf(nodes: Node[], value: unknown, run: Run): boolean {
  const { matching, failures } = tryAll(nodes, value, run, 1);
  return matching > 0 || blame('anyOf', failures, run);
}

function oneOf(nodes: Node[], value: unknown, run: Run): boolean {
  const { matching, failures } = tryAll(nodes, value, run, 2);
  if (matching > 1) {
    return report(run, 'oneOf', `must match exactly one of the allowed forms, but matches more`);
  }
  return matching === 1 || blame('oneOf', failures, run);
}

/** Nothing to report: most values take the short way. */
const none: Found[][] = [];

/**
 * Tries alternatives until `enough` match; all of them when somebody wants to know what they evaluated. Each collects its
 * errors in a list of its own.
 */
function tryAll(nodes: Node[], value: unknown, run: Run, enough: number): { matching: number; failures: Found[][] } {
  const outer = run.errors;
  const failures = run.collect ? [] : none;
  let matching = 0;
  for (const node of nodes) {
    if (run.collect) {
      run.errors = [];
    }
    if (branch(node, value, run)) {
      matching++;
      if (matching === enough && run.seen === null) {
        break;
      }
    } else if (run.collect) {
      failures.push(run.errors);
    }
  }
  run.errors = outer;
  return { matching, failures };
}

/**
 * Reports why no alternative matched. When all but one were out of the question (another type, or another value of what
 * tells them apart), the reasons of that one say more than "none matches".
 */
function blame(rule: string, failures: Found[][], run: Run): false {
  if (!run.collect) {
    return false;
  }
  const here = pointerTo(run.path);
  const candidates = failures.filter((found) => !found.some((one) => isOutOfQuestion(one, here)));
  const [only] = candidates;
  if (candidates.length === 1 && only !== undefined && only.length > 0) {
    for (const one of only) {
      if (run.errors.length < limits.errors) {
        run.errors.push(one);
      }
    }
    return false;
  }
  const types = failures.flatMap(
    (found) => found.find((one) => one.pointer === here && one.types !== undefined)?.types ?? [],
  );
  const allTypes = failures.every((found) => found.some((one) => one.pointer === here && one.types !== undefined));
  if (allTypes && failures.length > 0) {
    const distinct = [...new Set(types)];
    return report(run, 'type', mustBeOfType(distinct), undefined, distinct);
  }
  return report(run, rule, `must match ${rule === 'anyOf' ? 'at least' : 'exactly'} one of the allowed forms`);
}

function isOutOfQuestion({ pointer, rule }: Found, here: string): boolean {
  if (rule === 'type') {
    return pointer === here;
  }
  // A member that names the kind: `{ "type": { "const": "circle" } }`.
  const member = pointer.slice(here.length + 1);
  return (rule === 'const' || rule === 'enum') && !member.includes('/');
}
