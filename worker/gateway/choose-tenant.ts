import { ApiError } from '../core/errors.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { hostName } from '../core/tenant.ts';
import { type Soon, soon } from '../lib/soon.ts';

/**
 * Key of the tenant that a request is for: its URL's host says which, without the port. A host that nobody has is the root
 * tenant's. Throws 410 when the tenant was removed.
 */
export function chooseTenant(url: Pick<URL, 'host'>, root: Snapshot): Soon<string> {
  return soon(root.host(hostName(url)), (host) => {
    if (host?.open === false) {
      throw new ApiError('deleted', 'There is no API at this host any more');
    }
    return host?.tenant ?? '';
  });
}
