import { limitKey } from '../lib/client-address.ts';

/** Objects that the anonymous callers of a rate share. */
const shards = 64;

/** Who calls, as far as limits tell callers apart: a user, or an app without a user, or an address when anonymous. */
export interface CountedCaller {
  userId: number | null;
  appId: number | null;
  ip: string;
}

/** Where the calls of one caller under one rate are counted. */
export interface CountingPlace {
  /** Unique to the caller, for what an isolate remembers. */
  place: string;
  /** The Limiter object's name, and the window in it. */
  object: string;
  key: string;
}

export function countingPlace(tenant: string, rateId: number, { userId, appId, ip }: CountedCaller): CountingPlace {
  const own = userId !== null ? `u${userId}` : appId !== null ? `a${appId}` : null;
  const address = own === null ? limitKey(ip) : '';
  const place = `${rateId}/${own ?? `i${address}`}/${tenant}`;
  return { place, object: own !== null ? place : shardName(tenant, rateId, shardOf(address)), key: address };
}

/** Names of all objects that count the anonymous callers of a rate. */
export function sharedObjects(tenant: string, rateId: number): string[] {
  return Array.from({ length: shards }, (_, shard) => shardName(tenant, rateId, shard));
}

function shardName(tenant: string, rateId: number, shard: number): string {
  return `${rateId}/s${shard}/${tenant}`;
}

/** FNV-1a, for an even spread only. */
function shardOf(address: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < address.length; index += 1) {
    hash = Math.imul(hash ^ address.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % shards;
}
