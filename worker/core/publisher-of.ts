import type { Env } from '../env.ts';
import type { PublisherRpc } from './ports.ts';

/** The Publisher object of a tenant: one per tenant, by this name everywhere. */
export function publisherOf(env: Pick<Env, 'PUBLISHER'>, tenant: string): PublisherRpc {
  return env.PUBLISHER.getByName(`publisher:${tenant}`);
}
