// The book of what left the worker: every outbound HTTP request, as it was handed to the platform. What goes through a socket
// is not seen here. Plain data of one isolate.

export interface Outbound {
  method: string;
  url: string;
  headers: [name: string, value: string][];
  /** As text; complete once the worker has answered, cut at 100,000 characters. */
  body: string;
}

const bookSize = 5_000;
const bodySize = 100_000;
const book: Outbound[] = [];

export function outbound(): Outbound[] {
  return book;
}

/** Notes a request; gives what is to be fetched in its place, since a stream can be read only once. */
export function noteOutbound(
  input: RequestInfo | URL,
  init: RequestInit = {},
): [input: RequestInfo | URL, init: RequestInit] {
  const request = input instanceof Request ? input : null;
  const stream = init.body instanceof ReadableStream ? init.body.tee() : null;
  const copy = stream?.[1] ?? init.body ?? (request?.body ? request.clone().body : null);
  const entry: Outbound = {
    method: init.method ?? request?.method ?? 'GET',
    url: request?.url ?? String(input),
    headers: [...new Headers(init.headers ?? request?.headers)],
    body: '',
  };
  if (book.length < bookSize) {
    book.push(entry);
  }
  if (copy !== null) {
    new Response(copy as BodyInit).text().then(
      (text) => void (entry.body = text.slice(0, bodySize)),
      (error) => void (entry.body = `(broken off: ${error})`),
    );
  }
  return [input, stream === null ? init : { ...init, body: stream[0] }];
}
