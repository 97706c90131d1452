import { ApiError } from '../core/errors.ts';
import type { Attempt, LaneJob, LaneSettings } from '../core/events.ts';
import type { Runtime } from '../core/runtime.ts';
import { secretsOf } from '../lib/derive.ts';
import { isEnvelope, open } from '../lib/seal.ts';
import { signatureHeaders } from '../lib/standard-webhooks.ts';
import { homeOf } from '../snapshot/current.ts';
import type { WebhookTarget } from './lane-settings.ts';
import { messageOf } from './webhook-body.ts';

/** Milliseconds that an endpoint has for its answer, and bytes of the answer that are kept. */
const timeout = 15_000;
const keptAnswer = 1_024;

type Outside = Pick<Runtime, 'env' | 'egress' | 'now'>;

/** Sends a message to a webhook's endpoint, once: signed, and no redirect is followed. Any 2xx is success. */
export async function deliver(lane: LaneSettings, job: LaneJob, outside: Runtime): Promise<Attempt> {
  const { format } = lane.target as WebhookTarget;
  const home = await homeOf({ ...outside, tenant: lane.tenant });
  const message = messageOf(job, format, home);
  return post(lane, job.id, message.body, { ...message.headers, 'webhook-event': job.name }, outside);
}

/** A signed POST to the endpoint. What goes wrong is in the attempt. */
export async function post(
  lane: LaneSettings,
  id: string,
  body: string,
  headers: Record<string, string>,
  { env, egress, now }: Outside,
): Promise<Attempt> {
  const target = lane.target as WebhookTarget;
  const started = now();
  try {
    const secrets = await openSecrets(lane, env, started);
    const response = await egress.fetch(
      target.endpoint,
      {
        method: 'POST',
        body,
        headers: {
          ...headers,
          ...signatureHeaders(secrets, id, Math.floor(started / 1000), body),
          'User-Agent': 'Postern',
        },
      },
      { timeout },
    );
    const answer = await beginning(response, timeout - (now() - started));
    const { status, ok } = response;
    const error = ok ? null : status >= 300 && status < 400 ? 'Redirects are not followed' : `Answered ${status}`;
    return {
      ok,
      code: status,
      error,
      answer,
      retryAfter: ok ? undefined : restOf(response.headers.get('retry-after'), now()),
      gone: status === 410,
    };
  } catch (thrown) {
    return { ok: false, code: null, error: reasonOf(thrown), answer: null };
  }
}

/** The current secret first; for a day after a rotation the one before as well. */
async function openSecrets({ tenant, id, target }: LaneSettings, env: Outside['env'], now: number): Promise<string[]> {
  const { secret, formerSecret, overlap } = target as WebhookTarget;
  const sealed = [[secret, 'secret'], ...(now < overlap ? [[formerSecret, 'former_secret']] : [])] as const;
  const secrets: string[] = [];
  for (const [envelope, member] of sealed) {
    if (isEnvelope(envelope)) {
      const text = opened.get(envelope) ?? (await open(envelope, `${tenant}/webhook/${id}/${member}`, secretsOf(env)));
      opened.set(envelope, text);
      secrets.push(text);
    }
  }
  return secrets;
}

/** Secrets of the lanes in this isolate, for as long as a lane has these settings. */
const opened = new WeakMap<object, string>();

/** The first kilobyte of an answer, as text; the rest is not read. */
async function beginning(response: Response, patience: number): Promise<string> {
  if (response.body === null) {
    return '';
  }
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  const late = new Promise<{ done: true; value: undefined }>((resolve) => {
    setTimeout(() => resolve({ done: true, value: undefined }), Math.max(0, patience));
  });
  try {
    while (size < keptAnswer) {
      const { done, value } = await Promise.race([reader.read(), late]);
      if (done) {
        break;
      }
      chunks.push(value);
      size += value.byteLength;
    }
  } catch {
    // The status has been told; what is missing of the text is missing.
  }
  reader.cancel().catch(() => {});
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, keptAnswer));
}

/** Milliseconds of a Retry-After (RFC 9110 §10.2.3): seconds or a date. */
function restOf(header: string | null, now: number): number | undefined {
  if (header === null) {
    return undefined;
  }
  const rest = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(rest) ? undefined : Math.max(0, rest);
}

function reasonOf(thrown: unknown): string {
  const error = ApiError.from(thrown);
  const reasons: Partial<Record<typeof error.code, string>> = {
    egress_denied: 'The endpoint is not allowed by the egress guard',
    upstream_timeout: `No answer within ${timeout / 1000} seconds`,
    bad_gateway: 'The endpoint could not be reached',
    loop_detected: 'The endpoint leads back to this gateway',
  };
  return reasons[error.code] ?? 'The message could not be sent';
}
