import { ApiError } from '../core/errors.ts';
import type { Dispatch, Dispatcher, EventMessage } from '../core/events.ts';
import { laneOf, outboxOf, outboxShards, runShards } from '../core/lane-of.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { Env } from '../env.ts';
import { payloadReference, schemaOf } from '../gateway/schema-of.ts';
import { within } from '../lib/deadline.ts';
import { sha256 } from '../lib/hash.ts';
import { runLane } from './lane-settings.ts';

/** Bytes of a payload's JSON. */
const largestPayload = 1_000_000;
/** Bytes of a queued run's JSON, in which the body is twice, as it came and as it was read: a row holds 2 MB. */
const largestRun = 1_900_000;
/** Events that raise events through triggers may do so over so many levels. */
const deepest = 16;
/** Longest wait for the outbox, milliseconds; the second try names the same event. */
const patience = 3_000;

/** Makes the port through which events come in: their contract from the snapshot, their safety from an Outbox object. */
export function createDispatcher(env: Env, now: () => number): Dispatcher {
  return {
    async dispatch(snapshot, dispatch) {
      const message = { ...(await check(snapshot, dispatch)), time: now() };
      await keep(env, snapshot.tenant, message).catch((cause) => {
        throw new ApiError('unavailable', 'The event could not be kept; dispatch it again', {
          cause,
          headers: { 'Retry-After': '2' },
        });
      });
      return { id: message.id };
    },
    async queue(tenant, { action, retries, userId, run }) {
      const payload = JSON.stringify(run);
      if (Buffer.byteLength(payload) > largestRun) {
        throw new ApiError('body_too_large', 'The request is too large to be run later');
      }
      const shard = Math.floor(Math.random() * runShards);
      const id = `run_${shard}_${crypto.randomUUID().replaceAll('-', '')}`;
      const settings = runLane(tenant, shard);
      const owner = userId ?? undefined;
      const job = { id, name: action, payload, time: now(), depth: 0, retries, owner };
      const add = () => within(patience, 'The lane', () => laneOf(env, settings).add(settings, [job]));
      await add()
        .catch(add)
        .catch((cause) => {
          throw new ApiError('unavailable', 'The request could not be queued; nothing was run', {
            cause,
            headers: { 'Retry-After': '2' },
          });
        });
      return { id };
    },
  };
}

async function check(snapshot: Snapshot, dispatch: Dispatch): Promise<Omit<EventMessage, 'time'>> {
  const { event: name, payload, userId = null, depth = 0 } = dispatch;
  const event = await snapshot.event(name);
  if (event?.status !== 1) {
    throw new ApiError('not_found', `The event "${name}" does not exist`);
  }
  if (depth > deepest) {
    throw new ApiError('loop_detected', `Triggers raise each other's events more than ${deepest} levels deep`);
  }
  if (dispatch.id !== undefined && !/^[A-Za-z0-9._-]{1,100}$/.test(dispatch.id)) {
    throw new ApiError('invalid_request', 'The id of an event has 1 to 100 of the characters A-Z a-z 0-9 . _ -');
  }
  const text = JSON.stringify(payload ?? null);
  if (Buffer.byteLength(text) > largestPayload) {
    throw new ApiError('body_too_large', `The payload of the event "${name}" is larger than 1 MB`);
  }
  const reference = payloadReference(event.schema);
  if (reference.kind === 'schema') {
    const { schema } = await schemaOf({ snapshot }, reference.name);
    const [first, ...others] = schema.check(JSON.parse(text));
    if (first !== undefined) {
      const message = `The payload of the event "${name}" breaks its schema: ${first.pointer} ${first.message}`;
      throw new ApiError('invalid_body', message, { errors: [first, ...others] });
    }
  }
  return { id: dispatch.id ?? `evt_${crypto.randomUUID().replaceAll('-', '')}`, name, payload: text, userId, depth };
}

/** Taking an event twice is taking it once: when an answer is lost, the same one is given again. */
async function keep(env: Env, tenant: string, message: EventMessage): Promise<void> {
  const shard = Number.parseInt(sha256(message.id).slice(0, 8), 16) % outboxShards;
  const accept = () =>
    within(patience, 'The outbox', () => outboxOf(env, tenant, shard).accept({ tenant, shard }, [message]));
  await accept().catch(accept);
}
