import { propertyName } from './property-name.ts';
import { parseRoutePath, type RoutePath } from './route-path.ts';
import { createPlace, findPlace, makePlace, type Place, prunePlaces, type Route } from './router-tree.ts';

export type RouterMatch<T> =
  | { found: true; value: T; params: Record<string, string> }
  /** `allow`: every method of the places that have this path, with HEAD and OPTIONS, sorted; empty when there is none. */
  | { found: false; allow: string[] };

/**
 * Finds values by method and path. Routes that differ in parameter names only are the same place. At every segment the order
 * is static text, then patterns (the longer one first, then by the alphabet), then `:name`, then `*rest`; a branch that
 * leads nowhere, or to no route of this method, is left again. The order of adding never matters between places.
 */
export interface Router<T> {
  /** Adds a route. A place may hold several values of one method (see `conflicts`): the first added one is found. Throws on a path that `parseRoutePath` refuses. */
  add(method: string, path: string | RoutePath, value: T): void;
  /** Takes a route out again, by identity of its value. False when there was none. */
  remove(method: string, path: string | RoutePath, value: T): boolean;
  /** The values that hold the place already. */
  conflicts(method: string, path: string | RoutePath): T[];
  /**
   * Looks decoded segments up (canonicalPath; none is `/`). A GET route answers HEAD too. An empty segment matches nothing, save
   * that a trailing slash belongs to `*rest` where the path without it reaches the same route.
   */
  match(method: string, segments: readonly string[]): RouterMatch<T>;
  /** Number of routes. */
  readonly size: number;
}

/**
 * A router whose lookup follows the path through a tree: it costs the length of the path, and how many patterns stand at
 * one place, not the number of routes. Adding or removing costs the length of the path.
 */
export function createRouter<T>(): Router<T> {
  const root = createPlace<T>();
  let size = 0;
  return {
    get size() {
      return size;
    },
    add(method, path, value) {
      const route = parsed(path);
      const place = makePlace(root, route);
      place.routes ??= new Map();
      const routes = place.routes.get(method);
      if (routes === undefined) {
        place.routes.set(method, [routeOf(route, value)]);
      } else {
        routes.push(routeOf(route, value));
      }
      size++;
    },
    remove(method, path, value) {
      const route = parsed(path);
      const place = findPlace(root, route);
      const routes = place?.routes?.get(method) ?? [];
      const index = routes.findIndex((candidate) => candidate.value === value);
      if (index === -1) {
        return false;
      }
      routes.splice(index, 1);
      size--;
      if (routes.length === 0) {
        place!.routes!.delete(method);
        if (place!.routes!.size === 0) {
          place!.routes = null;
          prunePlaces(root, route);
        }
      }
      return true;
    },
    conflicts(method, path) {
      return (findPlace(root, parsed(path))?.routes?.get(method) ?? []).map((route) => route.value);
    },
    match(method, segments) {
      const slash = segments.length > 1 && segments[segments.length - 1] === '';
      const length = slash ? segments.length - 1 : segments.length;
      const found = find(root, method, segments, 0, length);
      if (found !== null && (!slash || found.rest)) {
        return { found: true, value: found.value, params: parameters(found, segments) };
      }
      const methods = new Set<string>();
      collect(root, segments, 0, length, methods);
      const reached = slash ? [...methods].filter((each) => find(root, each, segments, 0, length)!.rest) : [...methods];
      return { found: false, allow: allowed(reached) };
    },
  };
}

function parsed(path: string | RoutePath): RoutePath {
  if (typeof path !== 'string') {
    return path;
  }
  const result = parseRoutePath(path);
  if (!result.ok) {
    throw new Error(`${result.fault.message}: ${path}`);
  }
  return result.route;
}

function routeOf<T>({ segments }: RoutePath, value: T): Route<T> {
  const names = segments.flatMap((segment, index) =>
    segment.kind === 'static' ? [] : { index, name: propertyName(segment.name) },
  );
  return { value, names, rest: segments.at(-1)?.kind === 'rest' };
}

/** The route of the method that comes first in the order of precedence. Only the first `length` segments count. */
function find<T>(
  place: Place<T>,
  method: string,
  segments: readonly string[],
  index: number,
  length: number,
): Route<T> | null {
  if (index === length) {
    return routeAt(place, method);
  }
  const segment = segments[index]!;
  if (segment === '') {
    return null;
  }
  let found: Route<T> | null = null;
  const exact = place.statics?.get(segment);
  if (exact !== undefined && (found = find(exact, method, segments, index + 1, length)) !== null) {
    return found;
  }
  if (place.patterns !== null) {
    for (const { pattern, place: next } of place.patterns) {
      if (pattern.test(segment) && (found = find(next, method, segments, index + 1, length)) !== null) {
        return found;
      }
    }
  }
  if (place.parameter !== null && (found = find(place.parameter, method, segments, index + 1, length)) !== null) {
    return found;
  }
  return place.rest !== null && filled(segments, index, length) ? routeAt(place.rest, method) : null;
}

function routeAt<T>(place: Place<T>, method: string): Route<T> | null {
  const routes = place.routes?.get(method) ?? (method === 'HEAD' ? place.routes?.get('GET') : undefined);
  return routes === undefined ? null : routes[0]!;
}

function filled(segments: readonly string[], from: number, length: number): boolean {
  for (let index = from; index < length; index++) {
    if (segments[index] === '') {
      return false;
    }
  }
  return true;
}

/** Adds the methods of every place that has the path. */
function collect<T>(
  place: Place<T>,
  segments: readonly string[],
  index: number,
  length: number,
  methods: Set<string>,
): void {
  if (index === length) {
    addMethods(place, methods);
    return;
  }
  const segment = segments[index]!;
  if (segment === '') {
    return;
  }
  const exact = place.statics?.get(segment);
  if (exact !== undefined) {
    collect(exact, segments, index + 1, length, methods);
  }
  for (const { pattern, place: next } of place.patterns ?? []) {
    if (pattern.test(segment)) {
      collect(next, segments, index + 1, length, methods);
    }
  }
  if (place.parameter !== null) {
    collect(place.parameter, segments, index + 1, length, methods);
  }
  if (place.rest !== null && filled(segments, index, length)) {
    addMethods(place.rest, methods);
  }
}

function addMethods<T>(place: Place<T>, methods: Set<string>): void {
  for (const method of place.routes?.keys() ?? []) {
    methods.add(method);
  }
}

function allowed(methods: string[]): string[] {
  if (methods.length === 0) {
    return [];
  }
  const all = new Set(methods).add('OPTIONS');
  if (all.has('GET')) {
    all.add('HEAD');
  }
  return [...all].sort();
}

/** An object without inherited members (a parameter may be called `constructor`) that keeps a fast shape. */
const Params = function Params() {} as unknown as new () => Record<string, string>;
Params.prototype = Object.create(null);

function parameters<T>({ names, rest }: Route<T>, segments: readonly string[]): Record<string, string> {
  const params = new Params();
  for (let at = 0; at < names.length; at++) {
    const { index, name } = names[at]!;
    params[name] = rest && at === names.length - 1 ? segments.slice(index).join('/') : segments[index]!;
  }
  return params;
}
