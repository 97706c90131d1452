import * as worker from '../../../worker/index.ts';
import { underTest } from './under-test.ts';

// The worker's test entry: what is shipped, with every binding and the clock in the hands of a test. Built instead of
// worker/index.ts when a gateway is started with `faults: true`; the shipped bundle holds none of it.

const { handlers, object } = underTest(worker.default);

export default handlers;
export const Publisher = object('PUBLISHER', worker.Publisher);
export const Limiter = object('LIMITER', worker.Limiter);
export const TokenFamily = object('TOKEN_FAMILY', worker.TokenFamily);
export const Outbox = object('OUTBOX', worker.Outbox);
export const Lane = object('LANE', worker.Lane);
export const Idempotency = object('IDEMPOTENCY', worker.Idempotency);
