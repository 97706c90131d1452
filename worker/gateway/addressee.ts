import { ApiError } from '../core/errors.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { requestUrl } from '../lib/request-url.ts';
import { type Soon, soon } from '../lib/soon.ts';
import { currentSnapshot } from '../snapshot/current.ts';
import { chooseTenant } from './choose-tenant.ts';

export interface Addressee {
  /** Key of the tenant; the root tenant's where nobody can tell. */
  tenant: string;
  /** The root tenant's configuration, which knows the hosts of the others. */
  root: Snapshot | null;
  failure: ApiError | null;
}

/** Whom a request is for. */
export function addresseeOf(request: Request, runtime: Runtime): Soon<Addressee> {
  const failed = (thrown: unknown) => ({ tenant: '', root: null, failure: ApiError.from(thrown) });
  try {
    const found = soon(snapshotOf(runtime, ''), (root) =>
      soon(chooseTenant(requestUrl(request.url), root), (tenant): Addressee => ({ tenant, root, failure: null })),
    );
    return found instanceof Promise ? found.catch(failed) : found;
  } catch (thrown) {
    return failed(thrown);
  }
}

/** The addressee's configuration, not older than the request accepts. Throws why there is none. */
export function configurationOf(
  request: Request,
  { tenant, root, failure }: Addressee,
  runtime: Runtime,
): Soon<Snapshot> {
  if (root === null) {
    throw failure;
  }
  const least = leastRevision(request);
  return tenant === '' && least <= root.revision ? root : snapshotOf(runtime, tenant, least);
}

/** A request may name the least revision that it accepts, to read its own writes through any isolate. */
function leastRevision(request: Request): number {
  const named = request.headers.get('x-config-revision');
  const least = named === null ? 0 : Number(named);
  return Number.isSafeInteger(least) ? least : 0;
}

function snapshotOf({ env, now, defer, report }: Runtime, tenant: string, least = 0): Soon<Snapshot> {
  return currentSnapshot({ env, tenant, now: now(), defer, report, least });
}
