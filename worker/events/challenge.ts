import type { Call } from '../core/call.ts';
import { ApiError } from '../core/errors.ts';
import { laneOf } from '../core/lane-of.ts';
import type { Row } from '../resources/define.ts';
import { post } from './deliver.ts';
import { webhookLane } from './lane-settings.ts';

/**
 * Asks an endpoint whether it wants our messages: a signed `{"type":"webhook.challenge","challenge":"…"}`, which it answers
 * with 2xx and the challenge in the body. Then its lane opens. Throws ApiError `conflict` when it does not.
 */
export async function challenge(call: Call, row: Row): Promise<void> {
  const { env, now } = call.runtime;
  const text = crypto.randomUUID();
  const lane = webhookLane(call.tenant, row);
  const body = JSON.stringify({ type: 'webhook.challenge', challenge: text });
  const headers = { 'Content-Type': 'application/json', 'webhook-event': 'webhook.challenge' };
  const { ok, error, answer } = await post(lane, `evt_${text.replaceAll('-', '')}`, body, headers, call.runtime);
  if (!ok || !answer?.includes(text)) {
    throw new ApiError('conflict', `The endpoint was not verified: ${error ?? 'its answer lacks the challenge'}`);
  }
  const changed = Math.max(now(), row.changed + 1);
  const verified = new Date(now()).toISOString();
  await env.DB.prepare('UPDATE webhook SET verified = ?, changed = ? WHERE id = ? AND changed = ?')
    .bind(verified, changed, row.id, row.changed)
    .run();
  await laneOf(env, lane).configure(webhookLane(call.tenant, { ...row, verified, changed }));
}
