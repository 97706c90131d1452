/** A random id that begins with its time (UUID version 7, RFC 9562 §5.7), so that what carries it is found by date. `now` in milliseconds. */
export function timeId(now: number): string {
  if (latest.now !== now) {
    const time = now.toString(16).padStart(12, '0');
    latest = { now, prefix: `${time.slice(0, 8)}-${time.slice(8, 12)}-7` };
  }
  return latest.prefix + crypto.randomUUID().slice(15);
}

/** Calls come several in a millisecond. */
let latest = { now: -1, prefix: '' };

/** The milliseconds that an id begins with; null for an id of another kind. */
export function timeOfId(id: string): number | null {
  const found = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.exec(id);
  return found === null ? null : Number.parseInt(found[1]! + found[2]!, 16);
}
