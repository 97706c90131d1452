import type { Call } from '../core/call.ts';
import type { ApiError } from '../core/errors.ts';
import { limitKey } from '../lib/client-address.ts';
import { durationSeconds } from '../lib/duration.ts';
import { isLoopback, targetKey } from '../lib/firewall.ts';
import { banAddress } from '../resources/firewall-rules.ts';
import { countingPlace } from './limiter-name.ts';

/** Stands for a rate's id where errors are counted: no rate has it. */
const errorsRate = 0;

/**
 * Counts a refused call against its address, behind the answer: more errors than `firewall_maxretry` within
 * `firewall_findtime` deny the address for `firewall_bantime`. As with Fusio, calls of unknown paths do not count; neither do
 * callers of the machine itself, nor those that are denied already.
 */
export function countError(call: Call, status: number, error: ApiError | null): void {
  const { ip, operation, snapshot, runtime } = call;
  if (status < 400 || status > 499 || operation === null || error?.code === 'banned' || isLoopback(ip)) {
    return;
  }
  const limit = Number(snapshot.config('firewall_maxretry') ?? 0);
  const codes = listOf(snapshot.config('firewall_codes'));
  if (limit > 0 && (codes.length === 0 || codes.includes(String(status))) && !isIgnored(call)) {
    runtime.defer(count(call, limit));
  }
}

async function count({ tenant, ip, snapshot, runtime }: Call, limit: number): Promise<void> {
  const { env, publishing } = runtime;
  const { object, key } = countingPlace(tenant, errorsRate, { userId: null, appId: null, ip });
  const timespan = secondsOf(snapshot.config('firewall_findtime'), 120);
  const { granted } = await env.LIMITER.getByName(object).take({ key, limit, timespan, want: 1 });
  const seconds = secondsOf(snapshot.config('firewall_bantime'), 300);
  if (granted === 0 && (await banAddress(env, tenant, ip, { now: runtime.now(), seconds }))) {
    await publishing.firewall(tenant);
  }
}

function isIgnored({ ip, snapshot }: Call): boolean {
  const ignored = listOf(snapshot.config('firewall_ignoreip'));
  return ignored.some((text) => targetKey(text) === targetKey(ip) || text === limitKey(ip));
}

function listOf(value: unknown): string[] {
  return typeof value === 'string' ? value.split(/[\s,]+/).filter((text) => text !== '') : [];
}

function secondsOf(value: unknown, otherwise: number): number {
  try {
    return durationSeconds(String(value));
  } catch {
    return otherwise;
  }
}
