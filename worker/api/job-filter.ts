import { type TSchema, Type } from 'typebox';
import type { JobFilter } from '../core/events.ts';
import type { ParameterRecord } from '../core/records.ts';

// What lists and replays of deliveries, dead letters and runs are narrowed by: members that stand in the query of a list, and
// in the body of a replay.

/** The ends of a period, both of which belong to it. `what`: whose moments, in the plural. */
export function periodMembers(what: string) {
  return {
    since: { type: 'string', format: 'date-time', description: `Only ${what} since then` },
    until: { type: 'string', format: 'date-time', description: `Only ${what} until then` },
  } as const satisfies Record<string, ParameterRecord>;
}

/** The ends that were given, milliseconds since the epoch. */
export function periodOf({ since, until }: Record<string, unknown>): Pick<JobFilter, 'since' | 'until'> {
  const moment = (given: unknown) => (given === undefined ? undefined : Date.parse(String(given)));
  return { since: moment(since), until: moment(until) };
}

/** The members of a body that may be given, as parameters say them. */
export function optionalMembers(parameters: Record<string, ParameterRecord>): Record<string, TSchema> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, schema]) => [name, Type.Optional(Type.Unsafe({ ...schema }))]),
  );
}
