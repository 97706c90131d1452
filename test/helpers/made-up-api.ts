import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { Gateway } from './gateway.ts';
import type { Management } from './management.ts';

/** Operations that share an action of the made-up API. */
const perAction = 10;

/** A change as `POST /backend/deploy` takes it. */
interface Wanted {
  resource: string;
  verb: string;
  data: Record<string, unknown>;
}

/** An API of so many public operations: `/made/area3/thing100/:id` answers `{"number":100}` rounded down to tens. */
export function madeUpApi(operations: number): Wanted[] {
  const changes: Wanted[] = [];
  for (let number = 0; number < operations; number++) {
    const action = `Made-${Math.floor(number / perAction)}`;
    if (number % perAction === 0) {
      const config = { response: JSON.stringify({ number }) };
      const data = { name: action, class: 'Fusio.Adapter.Util.Action.UtilStaticResponse', config };
      changes.push({ resource: 'action', verb: 'put', data });
    }
    changes.push({
      resource: 'operation',
      verb: 'put',
      data: {
        name: `made.op${number}`,
        httpMethod: 'GET',
        httpPath: madePath(number, ':id'),
        public: true,
        description: `Reads thing ${number} of the made-up API`,
        scopes: [`made${number % 97}`],
        action,
      },
    });
  }
  return changes;
}

/** Where an operation of the made-up API answers. */
export function madePath(number: number, id: string): string {
  return `/made/area${number % 97}/thing${number}/${id}`;
}

/** Deploys changes as one publish: in parts, for a request's body may not hold so many. */
export async function deployParts(gateway: Gateway, admin: Management, changes: readonly unknown[]): Promise<void> {
  const bytes = gzipSync(JSON.stringify({ changes }));
  const upload = randomUUID();
  const size = 900_000;
  for (let part = 0; part * size < bytes.length; part++) {
    const response = await gateway.fetch(`/backend/upload/${upload}/${part}`, {
      method: 'PUT',
      headers: { Authorization: `Bearer ${admin.token}`, 'Content-Type': 'application/octet-stream' },
      body: bytes.subarray(part * size, (part + 1) * size),
    });
    if (response.status !== 200) {
      throw new Error(`Upload answered ${response.status}: ${await response.text()}`);
    }
  }
  await admin.must('POST', '/backend/deploy', { upload });
}
