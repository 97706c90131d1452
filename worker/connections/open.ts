import { ApiError } from '../core/errors.ts';
import type { ConnectionRecord } from '../core/records.ts';
import { memo, type Snapshot } from '../core/snapshot.ts';
import { isObject } from '../lib/json.ts';
import { type Envelope, isEnvelope } from '../lib/seal.ts';
import type { ConnectionContext } from './define.ts';
import { connectionType } from './index.ts';

/** Opens a sealed member; `place` is `connection/<id>/<member>`, to which the caller adds the tenant. */
export type OpenSecret = (envelope: Envelope, place: string) => Promise<string>;

/**
 * Opens a connection of the snapshot by name for one call: its secrets are opened at first use and stay in memory as long as
 * the record. Throws `not_configured` when there is no such connection, its class is unknown, or a secret cannot be opened.
 */
export async function openConnection(
  snapshot: Pick<Snapshot, 'connection'>,
  name: string,
  openSecret: OpenSecret,
  context: ConnectionContext,
): Promise<unknown> {
  const record = await snapshot.connection(name);
  if (record === undefined) {
    throw new ApiError('not_configured', `The connection "${name}" does not exist`);
  }
  const type = connectionType(record.class);
  if (type === undefined) {
    throw new ApiError('not_configured', `The connection "${name}" has the unknown class "${record.class}"`);
  }
  return type.open(await openConfig(record, openSecret), context);
}

/** The configuration with its secrets opened. Never hand it to an answer, a log or a file. */
export async function openConfig(record: ConnectionRecord, openSecret: OpenSecret): Promise<Record<string, unknown>> {
  // Values cross requests, promises must not: two first uses at once open twice.
  const opened = memo<{ config: Record<string, unknown> | null }>(record, 'opened', () => ({ config: null }));
  if (opened.config === null) {
    const entries = Object.entries(record.config).map(async ([member, value]) => {
      return [member, await openValue(record, member, value, openSecret)] as const;
    });
    opened.config = Object.fromEntries(await Promise.all(entries));
  }
  return opened.config;
}

/** Maps (headers) have sealed members of their own. */
async function openValue(
  record: ConnectionRecord,
  member: string,
  value: unknown,
  openSecret: OpenSecret,
): Promise<unknown> {
  if (isEnvelope(value) || !isObject(value)) {
    return openMember(record, member, value, openSecret);
  }
  const entries = Object.entries(value).map(async ([name, entry]) => {
    return [name, await openMember(record, `${member}/${name}`, entry, openSecret)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function openMember(record: ConnectionRecord, member: string, value: unknown, openSecret: OpenSecret) {
  if (!isEnvelope(value)) {
    return value;
  }
  try {
    return await openSecret(value, `connection/${record.id}/${member}`);
  } catch (cause) {
    const message = `The secret "${member}" of the connection "${record.name}" cannot be opened; enter it again`;
    throw new ApiError('not_configured', message, { cause });
  }
}
