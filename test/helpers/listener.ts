import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A message that came to the listener. */
export interface Received {
  at: number;
  path: string;
  headers: Record<string, string>;
  body: string;
}

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** Milliseconds before it; Infinity: never. */
  delay?: number;
}

/** The endpoint of webhooks, on loopback. */
export interface Listener {
  url: string;
  received: Received[];
  /** Decides each answer; 204 unless told otherwise. */
  answer: (message: Received) => Answer | Promise<Answer>;
  /** Waits until so many messages (that `which` holds for) came. Throws with what came instead. */
  wait(count: number, which?: (message: Received) => boolean, patience?: number): Promise<Received[]>;
  stop(): Promise<void>;
}

export async function startListener(port = 0): Promise<Listener> {
  const server = createServer(async (request, response) => {
    const message = await read(request);
    listener.received.push(message);
    const { status = 204, headers = {}, body = '', delay = 0 } = await listener.answer(message);
    if (delay !== Number.POSITIVE_INFINITY) {
      setTimeout(() => response.writeHead(status, headers).end(body), delay);
    }
  });
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
  const listener: Listener = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: [],
    answer: () => ({}),
    async wait(count, which = () => true, patience = 10_000) {
      const ends = Date.now() + patience;
      for (;;) {
        const found = listener.received.filter(which);
        if (found.length >= count) {
          return found;
        }
        if (Date.now() > ends) {
          const came = listener.received
            .slice(-20)
            .map(({ path, body }) => `${path} ${body.slice(0, 100)}`)
            .join('\n');
          throw new Error(`${found.length} of ${count} messages came. The latest:\n${came}`);
        }
        await new Promise((done) => setTimeout(done, 20));
      }
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
  return listener;
}

async function read(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  return {
    at: Date.now(),
    path: request.url!,
    headers: request.headers as Record<string, string>,
    body: Buffer.concat(chunks).toString(),
  };
}
