import { isObject } from '../json.ts';
import { type DocumentOptions, Documents, type Place, type Resource } from './documents.ts';
import { anyChecks } from './keywords/any.ts';
import { arrayChecks, unevaluatedItems } from './keywords/array.ts';
import { combinedChecks, referenceChecks } from './keywords/combine.ts';
import { objectChecks, unevaluatedMembers } from './keywords/object.ts';
import { numberChecks, stringChecks } from './keywords/scalar.ts';
import type { Pattern } from './pattern.ts';
import { SchemaError, type Violation } from './problem.ts';
import { type Check, Evaluated, Exhausted, handUp, limits, type Node, type Run, report } from './run.ts';
import { type Reference, type Site, siteOf } from './site.ts';

/** Turns a schema and all that it refers to into closures. Throws SchemaError with every reason found (at most 20). */
export function compileNode(schema: unknown, options: DocumentOptions): Node {
  const compiler = new Compiler(options);
  const node = compiler.run(schema);
  if (compiler.problems.length > 0) {
    throw new SchemaError(compiler.problems.slice(0, limits.errors));
  }
  return node;
}

const accept: Check = () => true;
const refuse: Check = (_value, run) => report(run, 'false', 'is not allowed');

class Compiler {
  readonly problems: Violation[] = [];
  readonly #documents: Documents;
  /** One node per schema and resource: an object may be shared by several documents. */
  readonly #nodes = new Map<Resource, Map<object, Node>>();
  readonly #patterns = new Map<string, Pattern>();

  constructor(options: DocumentOptions) {
    this.#documents = new Documents(options);
  }

  run(schema: unknown): Node {
    const place = this.#documents.root(schema);
    const node = this.#compile(place);
    this.#refuseCircles();
    return this.#documents.dynamic ? this.#scoped(node, place.resource) : node;
  }

  #compile(place: Place): Node {
    const { schema, resource, pointer } = place;
    if (typeof schema === 'boolean') {
      return { check: schema ? accept : refuse, inPlace: [], pointer, constant: schema };
    }
    let nodes = this.#nodes.get(resource);
    if (nodes === undefined) {
      this.#nodes.set(resource, (nodes = new Map()));
    }
    const known = isObject(schema) ? nodes.get(schema) : undefined;
    if (known !== undefined) {
      return known;
    }
    const node: Node = { check: accept, inPlace: [], pointer };
    if (!isObject(schema)) {
      this.problems.push({ pointer, rule: 'schema', message: 'must be a schema: an object, true or false' });
      return node;
    }
    nodes.set(schema, node);
    this.#attempt(() => {
      const site = siteOf(schema, node, {
        dialect: resource.dialect,
        validates: resource.validates,
        assertsFormat: resource.assertsFormat,
        pointer,
        patterns: this.#patterns,
        child: (child, at) =>
          this.#enter({ schema: child, resource: this.#documents.resourceOf(child, resource), pointer: at }, resource),
        reference: (keyword, reference) => this.#reference(keyword, reference, place),
      });
      node.check = checkOf(site);
    });
    return node;
  }

  /** Goes on after a problem, so that all are told at once. */
  #attempt(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      if (!(thrown instanceof SchemaError)) {
        throw thrown;
      }
      this.problems.push(...thrown.violations);
    }
  }

  #enter(place: Place, from: Resource): Node {
    const node = this.#compile(place);
    return place.resource === from ? node : this.#scoped(node, place.resource);
  }

  /** Keeps the dynamic scope up to date where a schema leads into another resource. */
  #scoped(node: Node, resource: Resource): Node {
    const documents = this.#documents;
    const check: Check = (value, run) => {
      if (!documents.dynamic) {
        return node.check(value, run);
      }
      run.scope.push(resource);
      const ok = node.check(value, run);
      run.scope.pop();
      return ok;
    };
    return { check, inPlace: [node], pointer: node.pointer, constant: node.constant };
  }

  #reference(keyword: string, reference: string, from: Place): Reference {
    const target = this.#documents.resolve(reference, from);
    const node = this.#enter(target, from.resource);
    if (keyword === '$recursiveRef') {
      return target.resource.recursive ? { node, elsewhere: (scope) => this.#recursive(scope as Resource) } : { node };
    }
    // Only a reference that first leads to a `$dynamicAnchor` is dynamic.
    const anchor = reference.slice(reference.indexOf('#') + 1);
    if (keyword === '$dynamicRef' && target.resource.dynamicAnchors.get(anchor)?.schema === target.schema) {
      return { node, elsewhere: (scope) => this.#dynamic(scope as Resource, anchor) };
    }
    return { node };
  }

  // Both compile at first use: which resources are in scope is known only then. Their problems cannot be told any more,
  // but what an anchor marks was compiled with the document that holds it, unless nothing leads there.
  #dynamic(resource: Resource, anchor: string): Node | undefined {
    const place = resource.dynamicAnchors.get(anchor);
    return place === undefined ? undefined : this.#compile(place);
  }

  #recursive(resource: Resource): Node | undefined {
    return resource.recursive
      ? this.#compile({ schema: resource.root, resource, pointer: resource.pointer })
      : undefined;
  }

  /** A schema that leads to itself without going deeper into the value would never end. */
  #refuseCircles(): void {
    const done = new Set<Node>();
    const open = new Set<Node>();
    const visit = (node: Node): void => {
      if (done.has(node)) {
        return;
      }
      if (open.has(node)) {
        const message = 'leads back to itself without going deeper into the value';
        this.problems.push({ pointer: node.pointer, rule: '$ref', message });
        return;
      }
      open.add(node);
      node.inPlace.forEach(visit);
      open.delete(node);
      done.add(node);
    };
    for (const nodes of this.#nodes.values()) {
      for (const node of nodes.values()) {
        visit(node);
      }
    }
  }
}

/** All keywords of one schema as one check: those for any value, then those for the value's type, what is unevaluated last. */
function checkOf(site: Site): Check {
  if (site.dialect.lonelyRef && site.has('$ref')) {
    return sequence(referenceChecks(site));
  }
  const any = anyChecks(site);
  const after = combinedChecks(site);
  const other = sequence([...any, ...after]);
  const of = (checks: Check[]): Check => (checks.length === 0 ? other : sequence([...any, ...checks, ...after]));
  const members = site.one('unevaluatedProperties');
  const items = site.one('unevaluatedItems');
  const string = of(stringChecks(site));
  const number = of(numberChecks(site));
  const object = withUnevaluated(of(objectChecks(site)), members && unevaluatedMembers(members));
  const array = withUnevaluated(of(arrayChecks(site)), items && unevaluatedItems(items));
  return (value, run) => {
    switch (typeof value) {
      case 'string':
        return string(value, run);
      case 'number':
        return number(value, run);
      case 'object':
        return value === null ? other(value, run) : Array.isArray(value) ? array(value, run) : object(value, run);
      default:
        return other(value, run);
    }
  };
}

function sequence(checks: Check[]): Check {
  return (value, run) => {
    if (--run.steps < 0 || run.depth >= limits.depth) {
      throw new Exhausted();
    }
    run.depth++;
    let ok = true;
    for (let index = 0; index < checks.length; index++) {
      if (!checks[index]!(value, run)) {
        ok = false;
        if (!run.collect) {
          break;
        }
      }
    }
    run.depth--;
    return ok;
  };
}

/** Evaluates with a record of its own, as cousins do not count (2020-12 §11), and hands it up when all passed. */
function withUnevaluated(check: Check, last: Check | undefined): Check {
  if (last === undefined) {
    return check;
  }
  return (value: unknown, run: Run) => {
    const outer = run.seen;
    const own = (run.seen = new Evaluated());
    const ok = check(value, run) && last(value, run);
    run.seen = outer;
    if (ok && outer !== null) {
      handUp(own, outer, run);
    }
    return ok;
  };
}
