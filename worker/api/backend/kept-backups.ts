import type { Call } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import type { Env } from '../../env.ts';
import { sha256 } from '../../lib/hash.ts';

/** Backups that are kept; the oldest goes first. */
const most = 30;

export interface KeptBackup {
  /** When it was made, ISO 8601. */
  name: string;
  bytes: number;
}

/**
 * Puts a backup into the content store, so that it outlives the database. What is the same as the newest is not kept twice.
 * `deleted` counts the old ones that went.
 */
export async function keepBackup(
  env: Pick<Env, 'CONTENT'>,
  tenant: string,
  now: number,
  text: string,
): Promise<{ deleted: number; more: boolean }> {
  const kept = await listed(env, tenant);
  const hash = sha256(text);
  if (kept[0]?.metadata?.hash === hash) {
    return { deleted: 0, more: false };
  }
  const name = new Date(now).toISOString();
  const bytes = new TextEncoder().encode(text).length;
  await env.CONTENT.put(`${prefix(tenant)}${name}`, text, { metadata: { hash, bytes } });
  const old = kept.slice(most - 1);
  for (const { name: key } of old) {
    await env.CONTENT.delete(key);
  }
  return { deleted: old.length, more: false };
}

/** Newest first. */
export async function keptBackups(env: Pick<Env, 'CONTENT'>, tenant: string): Promise<KeptBackup[]> {
  const kept = await listed(env, tenant);
  return kept.map(({ name, metadata }) => ({ name: name.slice(prefix(tenant).length), bytes: metadata?.bytes ?? 0 }));
}

/** The text of a kept backup. Throws 404. */
export async function readKept({ runtime, tenant }: Call, name: string): Promise<string> {
  const text = await runtime.env.CONTENT.get(`${prefix(tenant)}${name}`);
  if (text === null) {
    throw new ApiError('not_found', `There is no kept backup "${name}"`);
  }
  return text;
}

async function listed(env: Pick<Env, 'CONTENT'>, tenant: string) {
  const { keys } = await env.CONTENT.list<{ hash: string; bytes: number }>({ prefix: prefix(tenant) });
  return keys.reverse();
}

function prefix(tenant: string): string {
  return `backup/${tenant}/`;
}
