import type { RoutePath, RouteSegment } from './route-path.ts';
import type { SegmentPattern } from './route-path-pattern.ts';

/** A value at a place of the tree, and which segments its parameters take. */
export interface Route<T> {
  value: T;
  names: { index: number; name: string }[];
  /** Whether the last parameter takes all segments from its index on. */
  rest: boolean;
}

/** A place in the tree of routes: the branches that leave it, one per next segment, and the routes that end here. */
export interface Place<T> {
  statics: Map<string, Place<T>> | null;
  /** In the order of precedence. */
  patterns: { pattern: SegmentPattern; place: Place<T> }[] | null;
  parameter: Place<T> | null;
  rest: Place<T> | null;
  /** By method, never an empty list. */
  routes: Map<string, Route<T>[]> | null;
}

export function createPlace<T>(): Place<T> {
  return { statics: null, patterns: null, parameter: null, rest: null, routes: null };
}

/** The place of a route below `place`, or null when nothing was added there. */
export function findPlace<T>(place: Place<T>, { segments }: RoutePath): Place<T> | null {
  let at: Place<T> | null = place;
  for (let index = 0; index < segments.length && at !== null; index++) {
    at = branch(at, segments[index]!);
  }
  return at;
}

/** The place of a route below `place`, made where it is missing. */
export function makePlace<T>(place: Place<T>, { segments }: RoutePath): Place<T> {
  let at = place;
  for (const segment of segments) {
    at = branch(at, segment) ?? grow(at, segment);
  }
  return at;
}

/** Drops the branches towards a route's place that lead to no route any more. */
export function prunePlaces<T>(place: Place<T>, { segments }: RoutePath, index = 0): void {
  const segment = segments[index];
  const next = segment === undefined ? null : branch(place, segment);
  if (segment === undefined || next === null) {
    return;
  }
  prunePlaces(next, { text: '', segments }, index + 1);
  if (next.statics ?? next.patterns ?? next.parameter ?? next.rest ?? next.routes) {
    return;
  }
  switch (segment.kind) {
    case 'static':
      place.statics!.delete(segment.text);
      place.statics = place.statics!.size === 0 ? null : place.statics;
      break;
    case 'pattern':
      place.patterns!.splice(indexOf(place.patterns!, segment.pattern.source), 1);
      place.patterns = place.patterns!.length === 0 ? null : place.patterns;
      break;
    default:
      place[segment.kind] = null;
  }
}

function branch<T>(place: Place<T>, segment: RouteSegment): Place<T> | null {
  switch (segment.kind) {
    case 'static':
      return place.statics?.get(segment.text) ?? null;
    case 'pattern': {
      const entry = place.patterns?.[indexOf(place.patterns, segment.pattern.source)];
      return entry?.pattern.source === segment.pattern.source ? entry.place : null;
    }
    default:
      return place[segment.kind];
  }
}

function grow<T>(place: Place<T>, segment: RouteSegment): Place<T> {
  const next = createPlace<T>();
  switch (segment.kind) {
    case 'static':
      place.statics ??= new Map();
      place.statics.set(segment.text, next);
      break;
    case 'pattern':
      place.patterns ??= [];
      place.patterns.splice(indexOf(place.patterns, segment.pattern.source), 0, {
        pattern: segment.pattern,
        place: next,
      });
      break;
    default:
      place[segment.kind] = next;
  }
  return next;
}

/** Where a pattern stands or would stand: longer sources first, for they tend to say more; equal lengths by the alphabet. */
function indexOf(patterns: { pattern: SegmentPattern }[], source: string): number {
  let low = 0;
  let high = patterns.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = patterns[middle]!.pattern.source;
    if (other.length > source.length || (other.length === source.length && other < source)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
