import { anonymous, type Call, type CallOperation } from '../../worker/core/call.ts';
import type { SchemaRecord } from '../../worker/core/records.ts';
import type { Snapshot } from '../../worker/core/snapshot.ts';
import { toJsonSchema } from '../../worker/lib/schema/typeschema.ts';

type Json = Record<string, unknown>;

/** A schema as the snapshot holds it. */
export function schemaRecord(name: string, source: Json): SchemaRecord {
  const compiled = toJsonSchema(source).schema;
  return { id: 1, status: 1, name, source, compiled, form: null, metadata: null };
}

/** A snapshot that knows some schemas; `replace` makes the next revision. */
export function snapshotOf(records: Record<string, SchemaRecord>, revision = 1): Snapshot {
  return {
    tenant: '',
    revision,
    stale: false,
    match: () => ({ found: false, allow: [] }),
    operation: async () => undefined,
    action: async () => undefined,
    schema: async (name) => records[name],
    connection: async () => undefined,
    event: async () => undefined,
    host: async () => undefined,
    tenantNamed: async () => undefined,
    rates: [],
    keys: [],
    config: () => undefined,
    revoked: () => false,
    banned: () => false,
  };
}

const plain: CallOperation = {
  id: 1,
  category_id: 1,
  status: 1,
  active: true,
  public: true,
  stability: 2,
  description: null,
  http_method: 'POST',
  http_path: '/things/:id',
  http_code: 200,
  name: 'things.create',
  parameters: null,
  incoming: null,
  outgoing: null,
  throws: null,
  action: 'action://Thing',
  costs: 0,
  scopes: {},
  options: null,
  versions: null,
  metadata: null,
  native: null,
  record: null,
};

/** A call that has been matched, as far as the steps of the payload look at it. `faults` collects what is reported. */
export function callOf(
  operation: Partial<CallOperation>,
  request: Request,
  given: { params?: Record<string, string>; schemas?: Record<string, Json>; snapshot?: Snapshot } = {},
): Call & { faults: string[]; deferred: Promise<unknown>[] } {
  const records = Object.entries(given.schemas ?? {}).map(([name, source]) => [name, schemaRecord(name, source)]);
  const faults: string[] = [];
  const deferred: Promise<unknown>[] = [];
  const runtime = {
    report: (_place: string, thrown: unknown) => faults.push(String((thrown as Error).message)),
    defer: (work: Promise<unknown>) => deferred.push(work),
  };
  return {
    id: 'call',
    request,
    url: new URL(request.url),
    method: request.method,
    tenant: '',
    ip: '127.0.0.1',
    started: 0,
    runtime: runtime as unknown as Call['runtime'],
    snapshot: given.snapshot ?? snapshotOf(Object.fromEntries(records)),
    path: { text: '/things/1', segments: ['things', '1'], slashed: [] },
    operation: { ...plain, http_method: request.method, ...operation },
    params: given.params ?? {},
    version: null,
    caller: anonymous,
    quota: null,
    headers: new Headers(),
    upstream: 0,
    points: 0,
    bodyText: null,
    faults,
    deferred,
  };
}

/** A body that tells no length, in chunks of so many bytes; `sent` counts what was asked for. */
export function chunked(chunk: number, chunks: number): { stream: ReadableStream<Uint8Array>; sent: () => number } {
  let sent = 0;
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (sent === chunks) {
          controller.close();
        } else {
          sent++;
          controller.enqueue(new Uint8Array(chunk).fill(0x20));
        }
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, sent: () => sent };
}
