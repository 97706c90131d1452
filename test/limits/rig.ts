import { readdirSync, readFileSync } from 'node:fs';
import type { LeaseGrant, LeaseRequest, LimiterReport } from '../../worker/core/ports.ts';
import type { RateRecord } from '../../worker/core/records.ts';
import type { Gateway } from '../helpers/gateway.ts';

// Speaks to the worker of test/limits/worker/entry.ts.

export const entry = 'test/limits/worker/entry.ts';

export interface Answer {
  status: number;
  headers: Headers;
  isolate: string;
  /** When the isolate let it through or refused it, milliseconds since the epoch. */
  at: number;
  faults: string[];
}

export interface Caller {
  rates: RateRecord[];
  userId?: number;
  ip?: string;
}

export interface Stored {
  tables: string[];
  windows: { key: string; state: string; spent: number }[];
  alarm: number | null;
}

export async function callOnce(gateway: Gateway, isolate: number, caller: Caller): Promise<Answer> {
  const response = await gateway.fetch('/call', { method: 'POST', body: JSON.stringify(caller), isolate });
  const said = (await response.json()) as Omit<Answer, 'status' | 'headers'>;
  return { status: response.status, headers: response.headers, ...said };
}

/** Makes `count` calls, `parallel` at a time, over all isolates in turn. */
export async function callMany(gateway: Gateway, count: number, parallel: number, caller: Caller): Promise<Answer[]> {
  const answers: Answer[] = [];
  let next = 0;
  const client = async () => {
    while (next < count) {
      const isolate = next++ % gateway.urls.length;
      answers.push(await callOnce(gateway, isolate, caller));
    }
  };
  await Promise.all(Array.from({ length: parallel }, client));
  return answers;
}

export async function takeFrom(gateway: Gateway, object: string, request: Partial<LeaseRequest>): Promise<LeaseGrant> {
  const body = JSON.stringify({ key: '', limit: 10, timespan: 60, want: 1, ...request });
  const response = await gateway.fetch(`/take?object=${encodeURIComponent(object)}`, { method: 'POST', body });
  return (await response.json()) as LeaseGrant;
}

export async function reportOf(gateway: Gateway, object: string): Promise<LimiterReport> {
  return (await gateway.fetch(`/report?object=${encodeURIComponent(object)}`)).json() as Promise<LimiterReport>;
}

export async function storedIn(gateway: Gateway, object: string): Promise<Stored> {
  return (await gateway.fetch(`/stored?object=${encodeURIComponent(object)}`)).json() as Promise<Stored>;
}

/** The runtimes that this process started: each is a child of it. */
export function runtimes(): number[] {
  const children = readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return children.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0]!.endsWith('workerd'));
}
