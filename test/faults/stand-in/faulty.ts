import { underTest } from '../worker/under-test.ts';
import * as standIn from './index.ts';

const { handlers, object } = underTest(standIn.default);

export default handlers;
export const Publisher = object('PUBLISHER', standIn.Publisher);
export const Limiter = object('LIMITER', standIn.Limiter);
export const TokenFamily = object('TOKEN_FAMILY', standIn.TokenFamily);
export const Outbox = object('OUTBOX', standIn.Outbox);
export const Lane = object('LANE', standIn.Lane);
export const Idempotency = object('IDEMPOTENCY', standIn.Idempotency);
