import { baseUrlOf } from '../core/base-url.ts';
import type { Call } from '../core/call.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Snapshot } from '../core/snapshot.ts';

/** What issuing, refreshing and ending tokens needs to know of the request. */
export interface OAuthContext {
  runtime: Runtime;
  snapshot: Snapshot;
  tenant: string;
  /** The client's address, canonical text. */
  ip: string;
  /** Issuer and audience of tokens, without a trailing slash. */
  baseUrl: string;
}

export function contextOf({ runtime, snapshot, tenant, ip, url }: Call): OAuthContext {
  return { runtime, snapshot, tenant, ip, baseUrl: baseUrlOf(runtime.env, url, tenant) };
}
