import type { Env } from '../env.ts';
import type { Egress, Observer, Publishing } from './ports.ts';

/** What a request may use of the outside world; made once per request, so that tests need no mocks. */
export interface Runtime {
  env: Env;
  /** Milliseconds since the epoch. */
  now(): number;
  egress: Egress;
  observer: Observer;
  publishing: Publishing;
  /** The one door for work after the answer. Failures are observed, never thrown. */
  defer(work: Promise<unknown>): void;
}
