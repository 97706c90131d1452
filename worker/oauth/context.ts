import { baseUrlOf } from '../core/base-url.ts';
import type { Call } from '../core/call.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { cut, printable } from '../lib/printable.ts';
import { redactHeader } from '../lib/redact.ts';

/** What issuing, refreshing and ending tokens needs to know of the request. */
export interface OAuthContext {
  runtime: Runtime;
  snapshot: Snapshot;
  tenant: string;
  /** The client's address, canonical text. */
  ip: string;
  /** Who says to be asking, for people: printable, without secrets, at most 255 characters. */
  userAgent: string;
  /** Issuer and audience of tokens, without a trailing slash. */
  baseUrl: string;
}

export function contextOf(call: Call, snapshot = call.snapshot): OAuthContext {
  const { runtime, tenant, ip, url, request } = call;
  const userAgent = cut(printable(redactHeader('user-agent', request.headers.get('user-agent') ?? '')), 255);
  return { runtime, snapshot, tenant, ip, userAgent, baseUrl: baseUrlOf(runtime.env, url, tenant) };
}
