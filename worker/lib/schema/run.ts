import { pointerTo, type Violation } from './problem.ts';

/** Tests one value. Compiled once from a schema; in collecting mode it reports every broken rule. */
export type Check = (value: unknown, run: Run) => boolean;

/** A violation as it is collected. `types` is set by the `type` rule, so that alternatives can be told together. */
export interface Found extends Violation {
  types?: readonly string[];
}

/** The compiled form of one schema. `check` is filled in after the node is known, because schemas refer to themselves. */
export interface Node {
  check: Check;
  /** Nodes that look at the same value: a circle of these would never end. */
  inPlace: Node[];
  /** Where the schema is, for messages about it. */
  pointer: string;
  /** `true` and `false` schemas. */
  constant?: boolean;
}

/** The evaluation of one value. */
export interface Run {
  /** What is left of the budget: about one for each look of a schema at a value. */
  steps: number;
  /** Schemas that are being evaluated inside of each other. */
  depth: number;
  /** False: stop at the first broken rule. True: go on and report all. */
  collect: boolean;
  path: (string | number)[];
  errors: Found[];
  /** What in-place schemas evaluated of the current object or array; null when no `unevaluated…` asks. */
  seen: Evaluated | null;
  /** The dynamic scope, outermost first; only kept when the schema has dynamic references. */
  scope: object[];
}

/** The value or schema is too much to be checked within the budget. */
export class Exhausted extends Error {}

/**
 * A step takes some 20 to 100 ns, so that even a check that uses all of them stays within 50 ms; the largest body that is
 * read (100,000 values) needs two or three for each. The depth keeps clear of the end of the stack.
 */
export const limits = { steps: 500_000, collectingSteps: 250_000, depth: 500, errors: 20 } as const;

export function startRun(collect: boolean): Run {
  const steps = collect ? limits.collectingSteps : limits.steps;
  return { steps, depth: 0, collect, path: [], errors: [], seen: null, scope: [] };
}

export function spend(run: Run, steps: number): void {
  run.steps -= steps;
  if (run.steps < 0) {
    throw new Exhausted();
  }
}

/** The names of an object's members: asking for them is work too, in proportion to their number. */
export function namesOf(value: object, run: Run): string[] {
  const names = Object.keys(value);
  spend(run, names.length);
  return names;
}

/** Whether nothing more would be reported, so that nobody needs to look any further for broken rules. */
export function isFull(run: Run): boolean {
  return !run.collect || run.errors.length >= limits.errors;
}

/** Reports a broken rule of the current value, or of its member `step`. Always false, so that checks can return it. */
export function report(
  run: Run,
  rule: string,
  message: string,
  step?: string | number,
  types?: readonly string[],
): false {
  if (run.collect && run.errors.length < limits.errors) {
    const pointer = pointerTo(step === undefined ? run.path : [...run.path, step]);
    run.errors.push(types === undefined ? { pointer, rule, message } : { pointer, rule, message, types });
  }
  return false;
}

/** Checks a member or item of the current value. */
export function descend(node: Node, value: unknown, step: string | number, run: Run): boolean {
  if (!run.collect && run.seen === null) {
    return node.check(value, run);
  }
  const { seen } = run;
  run.seen = null;
  run.path.push(step);
  const ok = node.check(value, run);
  run.path.pop();
  run.seen = seen;
  return ok;
}

/** Checks the current value without reporting; what was evaluated counts only when it passes. */
export function probe(node: Node, value: unknown, run: Run): boolean {
  const { collect } = run;
  run.collect = false;
  const ok = branch(node, value, run);
  run.collect = collect;
  return ok;
}

/** Checks the current value against an alternative; what was evaluated counts only when it passes. */
export function branch(node: Node, value: unknown, run: Run): boolean {
  const { seen } = run;
  if (seen === null) {
    return node.check(value, run);
  }
  const own = new Evaluated();
  run.seen = own;
  const ok = node.check(value, run);
  run.seen = seen;
  if (ok) {
    handUp(own, seen, run);
  }
  return ok;
}

/** What a schema evaluated counts for the one around it. */
export function handUp(own: Evaluated, outer: Evaluated, run: Run): void {
  spend(run, own.size);
  outer.add(own);
}

/** Which members or items were evaluated (JSON Schema 2020-12 §11). */
export class Evaluated {
  /** Every member. */
  all = false;
  names: Set<string> | null = null;
  /** Items before this index. */
  items = 0;
  indexes: Set<number> | null = null;

  get size(): number {
    return (this.names?.size ?? 0) + (this.indexes?.size ?? 0);
  }

  addName(name: string): void {
    (this.names ??= new Set()).add(name);
  }

  addIndex(index: number): void {
    (this.indexes ??= new Set()).add(index);
  }

  hasName(name: string): boolean {
    return this.all || this.names?.has(name) === true;
  }

  hasIndex(index: number): boolean {
    return index < this.items || this.indexes?.has(index) === true;
  }

  add(other: Evaluated): void {
    this.all ||= other.all;
    this.items = Math.max(this.items, other.items);
    for (const name of other.names ?? []) {
      this.addName(name);
    }
    for (const index of other.indexes ?? []) {
      this.addIndex(index);
    }
  }
}
