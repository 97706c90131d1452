/** JSON with sorted keys: equal values give equal texts, so that hashes and comparisons are stable. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value));
}

/** The same value, its keys sorted. What is so already is not copied: that is most of what was read from a store. */
function sorted(value: unknown): unknown {
  if (value === null || typeof value !== 'object') {
    return value;
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    return sorted(JSON.parse(JSON.stringify(value) ?? 'null'));
  }
  if (Array.isArray(value)) {
    const members = value.map(sorted);
    return members.every((member, at) => member === value[at]) ? value : members;
  }
  const keys = Object.keys(value);
  const members = keys.map((key) => sorted((value as Record<string, unknown>)[key]));
  let same = true;
  for (let at = 0; same && at < keys.length; at++) {
    same = members[at] === (value as Record<string, unknown>)[keys[at]!] && (at === 0 || keys[at - 1]! < keys[at]!);
  }
  if (same) {
    return value;
  }
  const entries = keys.map((key, at): [string, unknown] => [key, members[at]]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** Whether two JSON values are equal, whatever the order of their keys. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) {
    return true;
  }
  const [left, right] = [a ?? null, b ?? null];
  // Most of what is compared is texts and numbers; a number that JSON does not know is told as null.
  return typeof left === 'object' ||
    typeof right === 'object' ||
    typeof left !== typeof right ||
    typeof left === 'number'
    ? canonicalJson(left) === canonicalJson(right)
    : left === right;
}

/** A plain JSON object, not an array and not null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
