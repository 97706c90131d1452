import type { Pattern } from '../pattern.ts';
import { escapePointer } from '../problem.ts';
import { type Check, descend, type Found, isFull, type Node, namesOf, type Run, report, spend } from '../run.ts';
import type { Site } from '../site.ts';
import { matchCost } from './scalar.ts';

type Members = Record<string, unknown>;

/** What objects are asked, `unevaluatedProperties` aside. Only own members count, so `__proto__` and `toString` are names like others. */
export function objectChecks(site: Site): Check[] {
  return [
    ...requiredChecks(site),
    ...sizeChecks(site),
    ...dependencyChecks(site),
    ...memberChecks(site),
    ...nameChecks(site),
  ];
}

function requiredChecks(site: Site): Check[] {
  // Fusio's sentence, which its clients show; not where null would do.
  const required = (site.names('required') ?? []).map((name): [string, string] => {
    return [name, site.admitsNull(name) ? 'must be given' : 'must not be null'];
  });
  if (required.length === 0) {
    return [];
  }
  return [
    (value, run) => {
      let ok = true;
      let looks = 0;
      for (const [name, message] of required) {
        spend(run, quarter(looks++));
        if (!Object.hasOwn(value as Members, name)) {
          ok = report(run, 'required', message, name);
          if (isFull(run)) {
            return false;
          }
        }
      }
      return ok;
    },
  ];
}

function sizeChecks(site: Site): Check[] {
  const checks: Check[] = [];
  const most = site.count('maxProperties');
  if (most !== undefined) {
    const message = `must not have more than ${most} ${most === 1 ? 'member' : 'members'}`;
    checks.push((value, run) => namesOf(value as Members, run).length <= most || report(run, 'maxProperties', message));
  }
  const least = site.count('minProperties');
  if (least !== undefined) {
    const message = `must not have fewer than ${least} ${least === 1 ? 'member' : 'members'}`;
    checks.push(
      (value, run) => namesOf(value as Members, run).length >= least || report(run, 'minProperties', message),
    );
  }
  return checks;
}

function dependencyChecks(site: Site): Check[] {
  const schemas = site.map('dependentSchemas', true);
  const lists = site.nameLists('dependentRequired');
  if (site.has('dependencies')) {
    // Up to draft 7; read in later drafts too, as many schemas still have it.
    for (const [name, held] of site.mixedDependencies()) {
      if (Array.isArray(held)) {
        lists.push([name, held]);
      } else {
        schemas.push([name, held]);
      }
    }
  }
  const checks: Check[] = [];
  const looks = (lists.length + schemas.length) >> 2;
  if (looks > 0) {
    checks.push((_, run) => {
      spend(run, looks);
      return true;
    });
  }
  for (const [name, others] of lists) {
    const message = `must be given together with ${name}`;
    checks.push((value, run) => {
      if (!Object.hasOwn(value as Members, name)) {
        return true;
      }
      let ok = true;
      let looks = 0;
      for (const other of others) {
        spend(run, quarter(looks++));
        if (!Object.hasOwn(value as Members, other)) {
          ok = report(run, 'dependentRequired', message, other);
          if (isFull(run)) {
            return false;
          }
        }
      }
      return ok;
    });
  }
  for (const [name, node] of schemas) {
    checks.push((value, run) => !Object.hasOwn(value as Members, name) || node.check(value, run));
  }
  return checks;
}

/** `properties`, `patternProperties` and `additionalProperties`, which depends on both. */
function memberChecks(site: Site): Check[] {
  const properties = site.map('properties');
  const patterns = site.map('patternProperties').map(([source, node]): [Pattern, Node] => {
    return [site.pattern(source, `/patternProperties/${escapePointer(source)}`), node];
  });
  const additional = site.one('additionalProperties');
  const byName = new Map(properties);
  if (patterns.length === 0 && additional === undefined) {
    return properties.length === 0 ? [] : [(value, run) => checkKnown(value as Members, properties, byName, run)];
  }
  return [
    (value, run) => {
      let ok = true;
      for (const name of namesOf(value as Members, run)) {
        const member = (value as Members)[name];
        const known = byName.get(name);
        let evaluated = known !== undefined;
        if (known !== undefined) {
          ok = descend(known, member, name, run) && ok;
        }
        for (const [pattern, node] of patterns) {
          spend(run, matchCost(name.length, pattern.size));
          if (pattern.test(name)) {
            evaluated = true;
            ok = descend(node, member, name, run) && ok;
          }
        }
        if (!evaluated && additional !== undefined) {
          evaluated = true;
          if (additional.constant === false) {
            ok = report(run, 'additionalProperties', 'is not a known property', name);
          } else {
            ok = descend(additional, member, name, run) && ok;
          }
        }
        if (evaluated) {
          run.seen?.addName(name);
        }
        if (!ok && !run.collect) {
          return false;
        }
      }
      return ok;
    },
  ];
}

/** One look at a name is a quarter of a step. */
function quarter(index: number): number {
  return (index & 3) === 3 ? 1 : 0;
}

/** As many names of a schema are looked for in every value. */
const fewNames = 32;

function checkKnown(value: Members, properties: [string, Node][], byName: Map<string, Node>, run: Run): boolean {
  if (properties.length <= fewNames) {
    return checkMembers(value, properties, run);
  }
  // Of more names those that the value has, for it may be one of very many small ones.
  const names = namesOf(value, run);
  const known = names.length < properties.length ? names.filter((name) => byName.has(name)) : null;
  return checkMembers(value, known?.map((name): [string, Node] => [name, byName.get(name)!]) ?? properties, run);
}

function checkMembers(value: Members, properties: [string, Node][], run: Run): boolean {
  let ok = true;
  spend(run, run.seen === null ? properties.length >> 4 : 2 * properties.length);
  for (const [name, node] of properties) {
    if (Object.hasOwn(value, name)) {
      run.seen?.addName(name);
      if (!descend(node, value[name], name, run)) {
        ok = false;
        if (!run.collect) {
          return false;
        }
      }
    }
  }
  return ok;
}

function nameChecks(site: Site): Check[] {
  const node = site.one('propertyNames');
  if (node === undefined) {
    return [];
  }
  return [
    (value, run) => {
      let ok = true;
      for (const name of namesOf(value as Members, run)) {
        const outer = run.errors;
        const found: Found[] = (run.errors = []);
        const fits = descend(node, name, name, run);
        run.errors = outer;
        if (!fits) {
          ok = report(run, 'propertyNames', `has a name that ${found[0]?.message ?? 'is not allowed'}`, name);
          if (!run.collect) {
            return false;
          }
        }
      }
      return ok;
    },
  ];
}

/** `unevaluatedProperties`: asked last, of the members that no other keyword evaluated. */
export function unevaluatedMembers(node: Node): Check {
  return (value, run) => {
    const seen = run.seen!;
    let ok = true;
    for (const name of namesOf(value as Members, run)) {
      if (seen.hasName(name)) {
        continue;
      }
      if (node.constant === false) {
        ok = report(run, 'unevaluatedProperties', 'is not a known property', name);
      } else {
        ok = descend(node, (value as Members)[name], name, run) && ok;
      }
      if (!ok && !run.collect) {
        return false;
      }
    }
    seen.all = true;
    return ok;
  };
}
