import { anonymous, type Call } from '../core/call.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { clientAddress } from '../lib/client-address.ts';
import { headerFields } from '../lib/header-fields.ts';
import { requestUrl } from '../lib/request-url.ts';
import { timeId } from '../lib/time-id.ts';

/** Makes the call of a request: nothing is judged yet, so that even a refused one is observed whole. */
export function openCall(request: Request, snapshot: Snapshot, runtime: Runtime): Call {
  const started = runtime.now();
  const id = timeId(started);
  const headers = headerFields();
  headers.set('X-Request-Id', id);
  headers.set('X-Config-Revision', String(snapshot.revision));
  return {
    id,
    request,
    url: requestUrl(request.url),
    method: request.method,
    tenant: snapshot.tenant,
    ip: clientAddress(request.headers, runtime.env.TRUSTED_IP_HEADER),
    started,
    runtime,
    snapshot,
    path: { text: '/', segments: [], slashed: [] },
    operation: null,
    params: {},
    version: null,
    caller: anonymous,
    quota: null,
    headers,
    upstream: 0,
    points: 0,
    bodyText: null,
  };
}
