import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DatabaseSync } from 'node:sqlite';
import { PlatformError, route } from './platform-routes.ts';

// What the platform's REST API does for a deploy, on loopback: D1 with a real SQLite behind it, KV namespaces, queues, and
// workers with versions, secrets, schedules and Durable Object migrations. It refuses what the platform refuses:
// unknown ids, names twice, classes without a migration.

export interface PlatformRequest {
  method: string;
  /** Behind `/accounts/ID`. */
  path: string;
  query: URLSearchParams;
  /** JSON, or of a multipart form its metadata. */
  body: any;
  /** As it came, of a form all of its parts: to look for what must not be in it. */
  text: string;
  status: number;
}

/** One upload of a worker's code. */
export interface Upload {
  metadata: any;
  /** By name, with content type and text. */
  modules: Map<string, { type: string; text: string }>;
}

export interface StandInQueue {
  id: string;
  consumers: { consumer_id: string; type: string; script: string; settings: Record<string, number> }[];
}

export interface StandInWorker {
  uploads: Upload[];
  /** What the code has now: the last upload's bindings with what it inherits, secrets with their values. */
  bindings: Map<string, any>;
  /** Of the last applied Durable Object migration. */
  migrationTag: string | null;
  classes: Set<string>;
  crons: string[];
  subdomain: { enabled: boolean; previews_enabled: boolean };
  deployments: { id: string; versions: { version_id: string; percentage: number }[] }[];
}

/** How a request goes wrong, or null when it does not. `lost`: it is carried out, but nobody gets the answer. */
type Failure = { status: number; message: string } | 'lost' | null;
/** Asked before each request is carried out, which waits for it. */
export type Fault = (request: PlatformRequest) => Failure | Promise<Failure>;

export interface PlatformStandIn {
  baseUrl: string;
  accountId: string;
  token: string;
  requests: PlatformRequest[];
  /** Requests to paths that this stand-in does not know; each got a 404. */
  unexpected: string[];
  /** By name; `sql` is the database itself. */
  databases: Map<string, { id: string; sql: DatabaseSync }>;
  /** Ids by name. */
  namespaces: Map<string, string>;
  /** By name. */
  queues: Map<string, StandInQueue>;
  workers: Map<string, StandInWorker>;
  fault: Fault | null;
  /** What a process needs to find this platform instead of the real one. */
  env: Record<string, string>;
  stop(): Promise<void>;
}

export async function startPlatform(): Promise<PlatformStandIn> {
  const accountId = randomUUID().replaceAll('-', '');
  const token = `token-${randomUUID()}`;
  const server = createServer((request, response) => void serve(platform, request, response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/client/v4`;
  const platform: PlatformStandIn = {
    baseUrl,
    accountId,
    token,
    requests: [],
    unexpected: [],
    databases: new Map(),
    namespaces: new Map(),
    queues: new Map(),
    workers: new Map(),
    fault: null,
    env: { CLOUDFLARE_API_BASE_URL: baseUrl, CLOUDFLARE_API_TOKEN: token, CLOUDFLARE_ACCOUNT_ID: accountId },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
  return platform;
}

async function serve(platform: PlatformStandIn, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(incoming.url!, platform.baseUrl);
  const prefix = `/client/v4/accounts/${platform.accountId}`;
  const path = url.pathname.startsWith(`${prefix}/`) ? url.pathname.slice(prefix.length) : url.pathname;
  const { body, text, upload } = await read(incoming);
  const request = { method: incoming.method!, path, query: url.searchParams, body, text, status: 200 };
  platform.requests.push(request);
  const fault = (await platform.fault?.(request)) ?? null;
  let answer: object;
  try {
    if (fault !== null && fault !== 'lost') {
      throw new PlatformError(fault.status, 10_013, fault.message);
    }
    if (incoming.headers.authorization !== `Bearer ${platform.token}`) {
      throw new PlatformError(403, 10_000, 'Authentication error');
    }
    const { page, ...result } = route(platform, request, upload);
    answer = { success: true, errors: [], messages: [], ...result, ...(page && { result_info: page }) };
  } catch (thrown) {
    const error = thrown instanceof PlatformError ? thrown : new PlatformError(500, 0, String(thrown));
    request.status = error.status;
    answer = { success: false, errors: [{ code: error.code, message: error.message }], messages: [], result: null };
  }
  if (fault === 'lost') {
    incoming.socket.destroy();
    return;
  }
  response.writeHead(request.status, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
}

async function read(incoming: IncomingMessage): Promise<{ body: any; text: string; upload: Upload | null }> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) {
    chunks.push(chunk as Buffer);
  }
  const bytes = Buffer.concat(chunks);
  const text = bytes.toString();
  const type = incoming.headers['content-type'] ?? '';
  if (!type.startsWith('multipart/form-data')) {
    return { body: text === '' ? null : JSON.parse(text), text, upload: null };
  }
  const upload: Upload = { metadata: null, modules: new Map() };
  const form = await new Response(bytes, { headers: { 'Content-Type': type } }).formData();
  for (const [name, part] of form as unknown as Iterable<[string, string | File]>) {
    if (typeof part === 'string') {
      upload.metadata = JSON.parse(part);
    } else {
      upload.modules.set(name, { type: part.type, text: await part.text() });
    }
  }
  return { body: upload.metadata, text, upload };
}
