import { isObject } from './json.ts';

/** One place where two JSON values differ; a side without `before` or `after` does not have the place. */
export interface JsonDifference {
  /** RFC 6901. */
  pointer: string;
  before?: unknown;
  after?: unknown;
}

/** Where two JSON values differ, as deep as both have the place; lists are compared by position. */
export function differences(before: unknown, after: unknown, pointer = ''): JsonDifference[] {
  const [left, right] = [membersOf(before), membersOf(after)];
  if (left === undefined || right === undefined || Array.isArray(before) !== Array.isArray(after)) {
    return Object.is(before, after) ? [] : [{ pointer, before, after }];
  }
  return [...new Set([...left.keys(), ...right.keys()])].flatMap((name) => {
    const place = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (!left.has(name)) {
      return [{ pointer: place, after: right.get(name) }];
    }
    return right.has(name)
      ? differences(left.get(name), right.get(name), place)
      : [{ pointer: place, before: left.get(name) }];
  });
}

function membersOf(value: unknown): Map<string, unknown> | undefined {
  return isObject(value) || Array.isArray(value) ? new Map(Object.entries(value)) : undefined;
}
