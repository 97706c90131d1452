import type { Env } from '../env.ts';
import type { Dispatcher } from './events.ts';
import type { Egress, Observer, Publishing } from './ports.ts';
import type { SystemCatalog } from './system-operation.ts';

/** What a request may use of the outside world; made once per request, so that tests need no mocks. */
export interface Runtime {
  env: Env;
  /** Milliseconds since the epoch. */
  now(): number;
  egress: Egress;
  observer: Observer;
  publishing: Publishing;
  dispatcher: Dispatcher;
  system: SystemCatalog;
  /** Observes a fault that the request survives; `place` says where. */
  report(place: string, thrown: unknown): void;
  /** The one door for work after the answer. Failures are observed, never thrown. */
  defer(work: Promise<unknown>): void;
}
