import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

// The company's server of the examples: what Postern stands in front of. `npm start` runs it beside the gateway, so the
// examples need no network. By itself: `UPSTREAM_PORT=3000 node examples/upstream.ts`.

interface Book {
  id: number;
  title: string;
  author: string;
  price: number;
}

const books: Book[] = [
  { id: 1, title: 'The Left Hand of Darkness', author: 'Ursula K. Le Guin', price: 12.5 },
  { id: 2, title: 'Kindred', author: 'Octavia E. Butler', price: 11 },
  { id: 3, title: 'Solaris', author: 'Stanisław Lem', price: 9.9 },
];

let orders = 0;

type Route = (request: IncomingMessage, response: ServerResponse, params: URLSearchParams) => Promise<void> | void;

const routes: Record<string, Route> = {
  'GET /profile': (_, response) =>
    json(response, 200, { id: 7, name: 'Ada Lovelace', email: 'ada@example.com', city: 'London' }),

  'GET /books': (_, response, params) => {
    const author = params.get('author')?.toLowerCase();
    const found = books.filter((book) => author === undefined || book.author.toLowerCase().includes(author));
    json(response, 200, { total: found.length, books: found });
  },

  'POST /orders': async (request, response) => {
    const body = await readText(request);
    try {
      json(response, 201, { order: ++orders, accepted: JSON.parse(body) });
    } catch {
      json(response, 400, { error: 'The body is not JSON' });
    }
  },

  /** What arrived here: headers, and the body as text. */
  'POST /echo': async (request, response) =>
    json(response, 200, {
      method: request.method,
      url: request.url,
      headers: request.headers,
      body: await readText(request),
    }),
  'GET /echo': (request, response) =>
    json(response, 200, { method: request.method, url: request.url, headers: request.headers }),

  /** Answers after `?ms=` milliseconds (2,000). */
  'GET /slow': async (_, response, params) => {
    await new Promise((resolve) => setTimeout(resolve, Number(params.get('ms') ?? 2_000)));
    json(response, 200, { slow: true });
  },

  /** Fails with `?status=` (500); with `?status=0` the connection breaks. */
  'GET /fail': (request, response, params) => {
    const status = Number(params.get('status') ?? 500);
    if (status === 0) {
      request.socket.destroy();
    } else {
      json(response, status, { error: 'This route always fails' });
    }
  },

  /** Five server-sent events, a fifth of a second apart. */
  'GET /stream': async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    for (let count = 1; count <= 5 && !response.destroyed; count += 1) {
      response.write(`id: ${count}\ndata: ${JSON.stringify({ count })}\n\n`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    response.end();
  },
};

export interface Upstream {
  /** Without a trailing slash. */
  url: string;
  port: number;
  close(): Promise<void>;
}

/** Serves the examples' upstream on loopback; port 0 takes any free one. Rejects when the port is taken. */
export async function startUpstream(port = 0): Promise<Upstream> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://upstream');
    const book = /^\/books\/(\d+)$/.exec(url.pathname);
    const route = routes[`${request.method === 'HEAD' ? 'GET' : request.method} ${url.pathname}`];
    if (book !== null && request.method === 'GET') {
      const found = books.find(({ id }) => id === Number(book[1]));
      json(response, found === undefined ? 404 : 200, found ?? { error: 'No such book' });
    } else if (route === undefined) {
      json(response, 404, { error: `No such route: ${request.method} ${url.pathname}` });
    } else {
      Promise.resolve(route(request, response, url.searchParams)).catch(() => response.destroy());
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await startUpstream(Number(process.env.UPSTREAM_PORT ?? 0));
  console.log(`The examples' upstream listens on ${url}`);
}
