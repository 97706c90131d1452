import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { PlatformRequest, PlatformStandIn, StandInQueue, StandInWorker, Upload } from './platform-stand-in.ts';

// What the stand-in of the platform does with each request. Paths and shapes: developers.cloudflare.com/api.

/** Ends a request with the platform's envelope of an error. */
export class PlatformError extends Error {
  readonly status: number;
  readonly code: number;
  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Smaller than the platform's, so that few things fill several pages. */
const largestPage = 20;
const subdomain = 'stand-in';

/** `page` becomes the envelope's `result_info`. */
interface Reply {
  result: unknown;
  page?: object;
}

type Handler = (context: {
  platform: PlatformStandIn;
  request: PlatformRequest;
  upload: Upload | null;
  name: string;
}) => Reply;

/** By method and path, in which `:name` is one segment. */
const routes: Record<string, Handler> = {
  'GET /d1/database': ({ platform, request }) =>
    paged(
      request,
      [...platform.databases].map(([name, { id }]) => ({ uuid: id, name })),
    ),
  'POST /d1/database': ({ platform, request: { body } }) => {
    refuseTwice(platform.databases, body.name, 7502);
    const id = randomUUID();
    platform.databases.set(body.name, { id, sql: new DatabaseSync(':memory:') });
    return { result: { uuid: id, name: body.name, version: 'production' } };
  },
  'POST /d1/database/:name/query': ({ platform, request: { body }, name }) => {
    const database = [...platform.databases.values()].find(({ id }) => id === name);
    if (database === undefined) {
      throw new PlatformError(404, 7404, `The database ${name} could not be found`);
    }
    return { result: [{ results: query(database.sql, body.sql), success: true, meta: { duration: 1 } }] };
  },
  'GET /storage/kv/namespaces': ({ platform, request }) =>
    paged(
      request,
      [...platform.namespaces].map(([title, id]) => ({ id, title })),
    ),
  'POST /storage/kv/namespaces': ({ platform, request: { body } }) => {
    refuseTwice(platform.namespaces, body.title, 10_014);
    const id = randomUUID().replaceAll('-', '');
    platform.namespaces.set(body.title, id);
    return { result: { id, title: body.title } };
  },
  'GET /queues': ({ platform, request }) =>
    paged(
      request,
      [...platform.queues]
        .filter(([name]) => !request.query.has('name') || request.query.getAll('name').includes(name))
        .map(([queue_name, { id, consumers }]) => ({ queue_id: id, queue_name, consumers })),
    ),
  'POST /queues': ({ platform, request: { body } }) => {
    refuseTwice(platform.queues, body.queue_name, 11_009);
    const id = randomUUID().replaceAll('-', '');
    platform.queues.set(body.queue_name, { id, consumers: [] });
    return { result: { queue_id: id, queue_name: body.queue_name } };
  },
  'POST /queues/:name/consumers': ({ platform, request: { body }, name }) => {
    const queue = queueOf(platform, name);
    workerOf(platform, body.script_name);
    if (queue.consumers.length > 0) {
      throw new PlatformError(400, 11_004, 'A queue has one consumer');
    }
    const { type, script_name: script, settings } = body;
    queue.consumers.push({ consumer_id: randomUUID().replaceAll('-', ''), type, script, settings });
    return { result: queue.consumers[0] };
  },
  'PUT /queues/:name/consumers/:consumer': ({ platform, request: { body, path }, name }) => {
    const consumer = queueOf(platform, name).consumers.find(({ consumer_id }) => path.endsWith(`/${consumer_id}`));
    if (consumer === undefined) {
      throw new PlatformError(404, 11_005, 'There is no such consumer');
    }
    consumer.settings = body.settings;
    return { result: consumer };
  },
  'GET /workers/subdomain': () => ({ result: { subdomain } }),
  'GET /workers/services/:name': ({ platform, name }) => {
    const worker = workerOf(platform, name, 10_090);
    const script = {
      id: name,
      tag: name,
      migration_tag: worker.migrationTag ?? undefined,
      last_deployed_from: 'wrangler',
    };
    return { result: { id: name, default_environment: { environment: 'production', script } } };
  },
  'GET /workers/workers/:name': ({ platform, name }) => {
    const worker = workerOf(platform, name);
    return { result: { id: name, name, subdomain: worker.subdomain } };
  },
  'PUT /workers/scripts/:name': ({ platform, name, upload }) => {
    const worker = platform.workers.get(name) ?? emptyWorker();
    accept(platform, worker, upload!);
    platform.workers.set(name, worker);
    return {
      result: {
        id: name,
        etag: randomUUID(),
        startup_time_ms: 5,
        deployment_id: deployVersion(worker, randomUUID()),
      },
    };
  },
  'POST /workers/scripts/:name/versions': ({ platform, name, upload }) => {
    accept(platform, workerOf(platform, name), upload!);
    return { result: { id: randomUUID(), resources: { script: { etag: randomUUID() } }, startup_time_ms: 5 } };
  },
  'GET /workers/scripts/:name/deployments': ({ platform, name }) => ({
    result: { deployments: workerOf(platform, name).deployments.toReversed() },
  }),
  'POST /workers/scripts/:name/deployments': ({ platform, name, request: { body } }) => ({
    result: { id: deployVersion(workerOf(platform, name), body.versions[0].version_id) },
  }),
  'GET /workers/scripts/:name/settings': ({ platform, name }) => ({
    result: { bindings: [...workerOf(platform, name).bindings.values()].map(({ text, ...rest }) => rest) },
  }),
  'PATCH /workers/scripts/:name/script-settings': ({ platform, name, request: { body } }) => {
    workerOf(platform, name);
    return { result: body };
  },
  'GET /workers/scripts/:name/secrets': ({ platform, name }) => ({
    result: [...workerOf(platform, name).bindings.values()]
      .filter(({ type }) => type === 'secret_text')
      .map((binding) => ({ name: binding.name, type: binding.type })),
  }),
  'POST /workers/scripts/:name/subdomain': ({ platform, name, request: { body } }) => {
    const worker = workerOf(platform, name);
    worker.subdomain = { enabled: body.enabled, previews_enabled: body.previews_enabled };
    return { result: worker.subdomain };
  },
  'PUT /workers/scripts/:name/schedules': ({ platform, name, request: { body } }) => {
    workerOf(platform, name).crons = body.map(({ cron }: { cron: string }) => cron);
    return { result: { schedules: body } };
  },
};

/** Does what a request asks, or throws a PlatformError. */
export function route(platform: PlatformStandIn, request: PlatformRequest, upload: Upload | null): Reply {
  const segments = request.path.split('/');
  for (const [name, handler] of Object.entries(routes)) {
    const [method, path] = name.split(' ') as [string, string];
    const pattern = path.split('/');
    const fits =
      pattern.length === segments.length && pattern.every((part, at) => part.startsWith(':') || part === segments[at]);
    if (method === request.method && fits) {
      return handler({ platform, request, upload, name: segments[pattern.indexOf(':name')] ?? '' });
    }
  }
  platform.unexpected.push(`${request.method} ${request.path}`);
  throw new PlatformError(404, 7003, `Could not route to ${request.path}, perhaps your object identifier is invalid?`);
}

function paged(request: PlatformRequest, all: object[]): Reply {
  const page = Number(request.query.get('page') ?? 1);
  const size = Math.min(Number(request.query.get('per_page') ?? largestPage), largestPage);
  const result = all.slice((page - 1) * size, page * size);
  return { result, page: { page, per_page: size, count: result.length, total_count: all.length } };
}

function refuseTwice(things: Map<string, unknown>, name: string, code: number): void {
  if (things.has(name)) {
    throw new PlatformError(400, code, `There is something named ${name} already`);
  }
}

/** Statements of one request are one transaction. */
function query(database: DatabaseSync, sql: string): unknown[] {
  try {
    if (/^\s*select\b/i.test(sql)) {
      return database.prepare(sql).all();
    }
    database.exec('BEGIN');
    try {
      database.exec(sql);
      database.exec('COMMIT');
    } catch (thrown) {
      database.exec('ROLLBACK');
      throw thrown;
    }
    return [];
  } catch (thrown) {
    throw new PlatformError(400, 7500, `${(thrown as Error).message}: SQLITE_ERROR`);
  }
}

function workerOf(platform: PlatformStandIn, name: string, code = 10_007): StandInWorker {
  const worker = platform.workers.get(name);
  if (worker === undefined) {
    throw new PlatformError(404, code, 'This Worker does not exist on your account.');
  }
  return worker;
}

function queueOf(platform: PlatformStandIn, id: string): StandInQueue {
  const queue = [...platform.queues.values()].find((one) => one.id === id);
  if (queue === undefined) {
    throw new PlatformError(404, 11_000, `The queue ${id} could not be found`);
  }
  return queue;
}

function emptyWorker(): StandInWorker {
  return {
    uploads: [],
    bindings: new Map(),
    migrationTag: null,
    classes: new Set(),
    crons: [],
    subdomain: { enabled: false, previews_enabled: false },
    deployments: [],
  };
}

function deployVersion(worker: StandInWorker, version: string): string {
  worker.deployments.push({ id: version, versions: [{ version_id: version, percentage: 100 }] });
  return version.replaceAll('-', '');
}

/** Checks an upload as a whole before anything of it counts. */
function accept(platform: PlatformStandIn, worker: StandInWorker, upload: Upload): void {
  const { main_module, bindings, keep_bindings = [], migrations } = upload.metadata;
  const classes = new Set(worker.classes);
  if (!upload.modules.has(main_module)) {
    throw new PlatformError(400, 10_021, `The main module ${main_module} is missing`);
  }
  if (migrations !== undefined) {
    if ((migrations.old_tag ?? null) !== worker.migrationTag) {
      throw new PlatformError(412, 10_079, `The last migration is ${worker.migrationTag}, not ${migrations.old_tag}`);
    }
    for (const name of migrations.steps.flatMap(
      (step: { new_sqlite_classes?: string[] }) => step.new_sqlite_classes ?? [],
    )) {
      classes.add(name);
    }
  }
  const next = new Map([...worker.bindings].filter(([, { type }]) => keep_bindings.includes(type)));
  for (const given of bindings) {
    // Wrangler lets what it finds there as it is.
    const binding = given.type === 'inherit' ? (worker.bindings.get(given.name) ?? given) : given;
    checkBinding(platform, classes, binding);
    next.set(binding.name, binding);
  }
  worker.classes = classes;
  worker.migrationTag = migrations?.new_tag ?? worker.migrationTag;
  worker.bindings = next;
  worker.uploads.push(upload);
}

function checkBinding(platform: PlatformStandIn, classes: Set<string>, binding: any): void {
  const known: Record<string, () => boolean> = {
    d1: () => [...platform.databases.values()].some(({ id }) => id === binding.id),
    kv_namespace: () => [...platform.namespaces.values()].includes(binding.namespace_id),
    queue: () => platform.queues.has(binding.queue_name),
    durable_object_namespace: () => classes.has(binding.class_name),
    analytics_engine: () => typeof binding.dataset === 'string',
    plain_text: () => typeof binding.text === 'string',
    secret_text: () => typeof binding.text === 'string',
  };
  if (!known[binding.type]?.()) {
    throw new PlatformError(400, 10_021, `binding ${binding.name} of type ${binding.type} names nothing that there is`);
  }
}
