import type { TObject } from 'typebox';
import type { Caller } from '../core/call.ts';
import type { Dispatch } from '../core/events.ts';
import type { Egress } from '../core/ports.ts';
import type { HeaderList } from '../lib/headers.ts';

/** The HTTP side of what an action receives; null fields when the action runs outside HTTP (cronjob, event, test run). */
export interface HttpInput {
  method: string;
  /** Canonical path of the request. */
  path: string;
  readonly query: URLSearchParams;
  /** The query as the client wrote it, without `?`; absent when there is none or an action changed `query`. */
  search?: string;
  headers: Headers;
  /** The same headers, when they were read already. */
  received?: HeaderList;
  /** The unread body: streamed on by actions that forward. Null when there is none or when it was read (see `bytes`). */
  stream: ReadableStream<Uint8Array> | null;
  /** Fires when the stream must not go on: whoever sends it gives the sending up. */
  broken?: AbortSignal;
  /** The body's original bytes when a step read it (up to 1 MiB): may be sent again by a retry. */
  bytes: Uint8Array | null;
  /** The original request, for WebSocket upgrades. */
  request: Request | null;
}

export interface ActionInput {
  /** Query parameters overwritten by path parameters. */
  arguments: Record<string, unknown>;
  /** Path parameters alone, decoded. */
  uriFragments: Record<string, string>;
  /** The same, still encoded as the request wrote them (`encodedParameter` in lib/route-path.ts): the rest of a path keeps its slashes. */
  encodedFragments?: Record<string, string>;
  /** The parsed body; undefined when no schema needed it. */
  payload: unknown;
  http: HttpInput;
}

export interface ActionContext {
  tenant: string;
  requestId: string;
  operationId: number | null;
  /** Base URL of this installation, without a trailing slash. */
  baseUrl: string;
  /** Name of the action that runs. */
  action: string;
  caller: Caller;
  /** The client's address. */
  ip: string;
  /** Milliseconds that are left for the whole call. */
  timeout: number;
  egress: Egress;
  now(): number;
  /** 0 … 1, exclusive of 1. */
  random(): number;
  defer(work: Promise<unknown>): void;
  /** Opens a connection by name (or id as text); throws ApiError `not_configured` when there is none. */
  connection(name: string): Promise<unknown>;
  /** Runs another action with an input of its own. */
  execute(reference: string, input: ActionInput): Promise<Response>;
  /** Tells everybody who waits for an event of it. Errors as core/events.ts `Dispatcher`: safe when it resolves. */
  dispatch(event: string, payload: unknown, options?: Pick<Dispatch, 'userId' | 'id'>): Promise<{ id: string }>;
  /** The event because of which a trigger runs the action; null outside triggers. `time` in milliseconds since the epoch. */
  event: { id: string; name: string; time: number } | null;
  /** Adds to the time that the call spent waiting for others, milliseconds; `asked` says for whom, and what status came. */
  waited(milliseconds: number, asked?: { target: string; status?: number }): void;
}

/** An action type: one file each, one line in the registry (index.ts). */
export interface ActionType {
  /** Fusio's class name with dots: `Fusio.Adapter.Http.Action.HttpProcessor`. */
  class: string;
  /** Fusio's title: `HTTP-Processor`. */
  name: string;
  description: string;
  /** JSON Schema of the configuration; validates on save, draws the form, documents. How members become form elements: form.ts. */
  config: TObject;
  /** Set by a type that never waits longer than `context.timeout`, so that nobody has to watch it. */
  punctual?: boolean;
  run(input: ActionInput, config: Record<string, any>, context: ActionContext): Promise<Response>;
}

export function defineAction(type: ActionType): ActionType {
  return type;
}
