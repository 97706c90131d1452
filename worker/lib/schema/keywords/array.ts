import { fingerprint } from '../equality.ts';
import { type Check, descend, type Node, type Run, report, spend } from '../run.ts';
import type { Site } from '../site.ts';

/** What arrays are asked, `unevaluatedItems` aside. */
export function arrayChecks(site: Site): Check[] {
  return [...sizeChecks(site), ...itemChecks(site), ...containsChecks(site), ...uniqueChecks(site)];
}

function sizeChecks(site: Site): Check[] {
  const checks: Check[] = [];
  const most = site.count('maxItems');
  if (most !== undefined) {
    const message = `must not have more than ${most} ${most === 1 ? 'item' : 'items'}`;
    checks.push((value, run) => (value as unknown[]).length <= most || report(run, 'maxItems', message));
  }
  const least = site.count('minItems');
  if (least !== undefined) {
    const message = `must not have fewer than ${least} ${least === 1 ? 'item' : 'items'}`;
    checks.push((value, run) => (value as unknown[]).length >= least || report(run, 'minItems', message));
  }
  return checks;
}

/** `prefixItems` and `items`; before 2020-12 `items` as a list and `additionalItems`. */
function itemChecks(site: Site): Check[] {
  const { prefix, rest, keyword } = itemNodes(site);
  if (prefix.length === 0 && rest === undefined) {
    return [];
  }
  return [
    (value, run) => {
      const items = value as unknown[];
      let ok = true;
      const end = rest === undefined ? Math.min(prefix.length, items.length) : items.length;
      spend(run, end >> 3);
      for (let index = 0; index < end; index++) {
        const node = prefix[index] ?? rest!;
        if (node.constant === false) {
          ok = report(run, keyword, 'is one item too many', index);
        } else {
          ok = descend(node, items[index], index, run) && ok;
        }
        if (!ok && !run.collect) {
          return false;
        }
      }
      if (run.seen !== null) {
        run.seen.items = Math.max(run.seen.items, end);
      }
      return ok;
    },
  ];
}

function itemNodes(site: Site): { prefix: Node[]; rest: Node | undefined; keyword: string } {
  if (site.dialect.has('prefixItems')) {
    return { prefix: site.list('prefixItems'), rest: site.one('items'), keyword: 'items' };
  }
  if (site.isList('items')) {
    return { prefix: site.list('items'), rest: site.one('additionalItems'), keyword: 'additionalItems' };
  }
  return { prefix: [], rest: site.one('items'), keyword: 'items' };
}

function containsChecks(site: Site): Check[] {
  const node = site.one('contains');
  if (node === undefined) {
    return [];
  }
  const least = site.count('minContains') ?? 1;
  const most = site.count('maxContains') ?? Number.POSITIVE_INFINITY;
  // Since 2020-12 a matching item counts as evaluated.
  const marks = site.dialect.name === '2020-12';
  return [
    (value, run) => {
      const found = countMatching(value as unknown[], node, run, marks);
      if (found < least) {
        return report(
          run,
          'contains',
          `must have at least ${least} ${least === 1 ? 'item' : 'items'} of the required form`,
        );
      }
      return found <= most || report(run, 'maxContains', `must have at most ${most} items of the required form`);
    },
  ];
}

function countMatching(items: unknown[], node: Node, run: Run, marks: boolean): number {
  const { collect, seen } = run;
  spend(run, items.length >> 3);
  run.collect = false;
  run.seen = null;
  let found = 0;
  items.forEach((item, index) => {
    if (node.check(item, run)) {
      found++;
      if (marks) {
        seen?.addIndex(index);
      }
    }
  });
  run.collect = collect;
  run.seen = seen;
  return found;
}

function uniqueChecks(site: Site): Check[] {
  if (!site.flag('uniqueItems')) {
    return [];
  }
  return [
    (value, run) => {
      const known = new Map<string, number>();
      for (const [index, item] of (value as unknown[]).entries()) {
        const print = fingerprint(item, (steps) => spend(run, steps));
        const first = known.get(print);
        if (first !== undefined) {
          return report(run, 'uniqueItems', `must not have equal items (${first} and ${index} are)`);
        }
        known.set(print, index);
      }
      return true;
    },
  ];
}

/** `unevaluatedItems`: asked last, of the items that no other keyword evaluated. */
export function unevaluatedItems(node: Node): Check {
  return (value, run) => {
    const seen = run.seen!;
    const items = value as unknown[];
    let ok = true;
    spend(run, Math.max(0, items.length - seen.items) >> 2);
    for (let index = seen.items; index < items.length; index++) {
      if (seen.hasIndex(index)) {
        continue;
      }
      if (node.constant === false) {
        ok = report(run, 'unevaluatedItems', 'is one item too many', index);
      } else {
        ok = descend(node, items[index], index, run) && ok;
      }
      if (!ok && !run.collect) {
        return false;
      }
    }
    seen.items = items.length;
    return ok;
  };
}
